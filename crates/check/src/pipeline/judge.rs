//! The state that one judgement needs.

use std::sync::Arc;

use crate::core::Shared;
use crate::csrf::OwnOrigin;
use crate::rules::Rules;

/// One request's view of its entry point. It keeps to the rules that it was made with, also where
/// they are replaced while the request waits.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'e> {
    pub(crate) core: &'e Arc<Shared>,
    pub(crate) rules: &'e Arc<Rules>,
    pub(crate) origin: &'e OwnOrigin,
    pub(crate) cookie_name: &'e str,
}

/// The effect of a judgement on the limits: a request is counted once, however often it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Yes,
    Already,
}
