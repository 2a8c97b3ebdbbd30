//! May *this* request pass?
//!
//! One pipeline for every door: [`Check::check_known`] answers at once from memory,
//! [`Check::check`] asks the [`Directory`] when a credential is seen for the first time. The check
//! only reads; where principals come from it knows through that small trait alone.
//!
//! A hit costs one hash, one look-up and one pure decision: no store, no lock held across an
//! await, no write, no allocation.

mod bodies;
mod cache;
mod csrf;
mod denial;
mod denials;
mod directory;
mod extract;
mod head;
mod limits;
mod parts;
mod permit;
mod pipeline;
mod scheme;
mod usage;
mod verdict;

pub use bodies::{BodyPlace, NoRoom};
pub use cache::CacheBounds;
pub use csrf::OwnOrigin;
pub use denial::{Cause, Csrf, Denial, Inactive, Limited, Rejected, WrongOrigin};
pub use denials::{Admitted, DenialBatch, DeniedCall, DeniedTimes, KnownCaller};
pub use directory::{Directory, MemoryDirectory, Unresolved};
pub use extract::MissingCheck;
pub use head::RequestHead;
pub use limits::Limiter;
pub use parts::{CheckParts, DEFAULT_COOKIE_NAME};
pub use permit::Permit;
pub use pipeline::Check;
pub use scheme::{bearer_token, cookie_values};
pub use verdict::{Passed, Totals, Verdict};
