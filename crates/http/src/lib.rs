//! The vocabulary of all HTTP crates: problem bodies, strict extractors, cookies, the client's
//! address.

pub mod address;
pub mod body;
pub mod cookie;
mod field;
mod fields;
pub mod format;
mod paging;
mod path_id;
pub mod problem;
pub mod query;
pub mod refusal;
pub mod request_id;

pub use address::{ClientAddress, ForwardedHeader, TrustedProxies, UnreadableEntry};
pub use body::{Json, OptionalJson};
pub use cookie::SessionCookie;
pub use fields::{Fields, Sent};
pub use format::ErrorFormat;
pub use paging::{Paging, SortDirection};
pub use path_id::PathId;
pub use problem::{FieldError, PageProblem, Problem};
pub use query::Query;
pub use request_id::RequestId;
