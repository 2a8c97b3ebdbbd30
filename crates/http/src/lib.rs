//! The vocabulary of all HTTP crates: problem bodies, strict extractors, cookies, the client's
//! address.

pub mod address;
pub mod body;
pub mod cookie;
mod field;
pub mod format;
pub mod problem;
pub mod query;
pub mod refusal;
pub mod request_id;

pub use address::{ClientAddress, ForwardedHeader, TrustedProxies, UnreadableEntry};
pub use body::{Json, OptionalJson};
pub use cookie::SessionCookie;
pub use format::ErrorFormat;
pub use problem::{FieldError, PageProblem, Problem};
pub use query::Query;
pub use request_id::RequestId;
