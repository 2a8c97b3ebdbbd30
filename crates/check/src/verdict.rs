//! What the check answers.

use vestibule_policy::rule::Dialect;

use crate::denial::Denial;
use crate::permit::Permit;

/// The answer. What passes is small; what is refused may say more.
pub type Verdict = Result<Passed, Box<Denial>>;

/// A request that may go on to its handler.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Who is calling; `None` where the route asks for no caller and none was found.
    pub permit: Option<Permit>,
    /// How the route speaks.
    pub dialect: Dialect,
    /// How many changes had been applied before the judgement.
    pub(crate) judged_at: u64,
}

impl Passed {
    pub(crate) fn new(permit: Option<Permit>, dialect: Dialect, judged_at: u64) -> Self {
        Self {
            permit,
            dialect,
            judged_at,
        }
    }
}

/// How many requests were judged since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Those that passed.
    pub permitted: u64,
    /// Those that did not.
    pub denied: u64,
    /// How many credentials are remembered now.
    pub remembered: usize,
}
