//! May *this* request pass?
//!
//! A process has one [`Core`]: the remembered callers, the use of limits, the record of denials. Each
//! of its services or listeners has an [`EntryPoint`] made from it: the rules, the own origin, the
//! name of the session cookie. [`EntryPoint::check_known`] answers at once from memory,
//! [`EntryPoint::check`] asks the [`Directory`] if a credential is seen for the first time. The check
//! only reads, and that small trait is its only source of principals.
//!
//! A hit costs one hash, one lookup and one pure decision: no store, no lock held across an
//! await, no write, no allocation.

// A decision that panics is an outage, or an answer nobody decided on.
#![cfg_attr(
    not(test),
    deny(
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

mod admitted;
mod bodies;
mod cache;
mod core;
mod csrf;
mod denial;
mod denials;
mod directory;
mod entry_point;
mod extract;
mod flights;
mod head;
mod known_caller;
mod limits;
mod parts;
mod permit;
mod pipeline;
mod rules;
mod scheme;
#[cfg(test)]
mod tests;
mod totals;
mod usage;
mod verdict;

pub use self::core::Core;
pub use admitted::Admitted;
pub use bodies::{BodyPlace, NoRoom};
pub use cache::CacheBounds;
pub use csrf::OwnOrigin;
pub use denial::{Cause, Csrf, Denial, Rejected, WrongOrigin};
pub use denials::{DenialBatch, DeniedCall, DeniedTimes};
pub use directory::{Directory, Inactive, MemoryDirectory, Unresolved};
pub use entry_point::{DEFAULT_COOKIE_NAME, EntryPoint};
pub use extract::MissingCheck;
pub use head::RequestHead;
pub use known_caller::KnownCaller;
pub use limits::{Limited, Limiter};
pub use parts::CoreParts;
pub use permit::{Allowed, Permit};
pub use scheme::{bearer_token, cookie_values};
pub use totals::Totals;
pub use verdict::{Passed, Verdict};
