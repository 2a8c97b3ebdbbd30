//! Pure decisions: which request paths are judged at all, who may do what where, and which
//! requests need what.
//!
//! Nothing here does input or output, and no decision that allows allocates. [`decide()`] says yes
//! or no, [`explain()`] says why; both walk the same demands, so they cannot disagree.

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

pub mod decide;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod grants;
pub mod kind;
pub mod params;
pub mod refusal;
pub mod rights;
pub mod rule;
pub mod table;
pub mod target;
mod template;

pub use decide::decide;
pub use explain::{Explanation, explain};
pub use grants::GrantRefusal;
pub use kind::{Accepts, RouteKind, RouteTag};
pub use params::Params;
pub use refusal::Refusal;
pub use rights::{Basis, Visible};
pub use rule::{Access, Limit, LimitId, LimitPer, LimitSpec, Rule};
pub use table::{Found, Route, RuleTable, TableBuilder, TableError};
pub use target::NotCanonical;
