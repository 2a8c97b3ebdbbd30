//! May this request pass? The steps of `docs/architecture.md`, in order, for every entry point.

mod judge;
mod resolve;
mod route;
mod steps;

pub(crate) use self::judge::{Counted, Judge};
