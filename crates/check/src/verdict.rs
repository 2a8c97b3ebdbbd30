//! What the check answers.

use std::sync::Arc;

use vestibule_policy::rule::Dialect;

use crate::cache::Entry;
use crate::denial::Denial;
use crate::head::RequestHead;
use crate::permit::Permit;

/// The answer. What passes is small; what is refused may say more.
pub type Verdict = Result<Passed, Box<Denial>>;

/// A request that may go on to its handler.
#[derive(Debug, Clone)]
pub struct Passed {
    caller: Option<Arc<Entry>>,
    /// How the route speaks.
    pub dialect: Dialect,
    /// How many changes had been applied before the judgement.
    pub(crate) judged_at: u64,
}

impl Passed {
    pub(crate) fn new(caller: Option<Arc<Entry>>, dialect: Dialect, judged_at: u64) -> Self {
        Self {
            caller,
            dialect,
            judged_at,
        }
    }

    /// Whether it is known who is calling. Not so where the route asks for no caller and none was
    /// found.
    pub fn has_caller(&self) -> bool {
        self.caller.is_some()
    }

    /// The permit of the caller, where there is one, for the request that was judged: the one with
    /// this head.
    pub fn into_permit(self, head: &RequestHead<'_>) -> Option<Permit> {
        let entry = self.caller?;
        Some(Permit::new(entry, head.address, head.request_id.cloned()))
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
