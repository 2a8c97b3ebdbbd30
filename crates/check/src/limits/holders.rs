//! Everybody of one kind who has used something of a limit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::clock::Clock as _;
use governor::nanos::Nanos;
use uuid::Uuid;

use super::allowance::{Allowance, Slot};
use super::pace::between;
use super::ticks::Ticks;

/// All users, all organisations or all credentials: the limits that count them, and the allowances
/// of those who have used something. An allowance outlives the cached caller, since a change may
/// remove the caller from the cache at any time.
#[derive(Debug, Default)]
pub(super) struct Holders(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// The time at which the limit of each slot began to count.
    starts: Vec<Nanos>,
    used: HashMap<Uuid, Allowance>,
}

impl Holders {
    /// Returns the slot of one more limit.
    pub(super) fn add_slot(&self) -> Slot {
        let mut held = self.held();
        held.starts.push(Ticks.now());
        Slot(held.starts.len() - 1)
    }

    /// Begins to count a limit in its slot. To be called when the limiter was made and before it
    /// counts: nothing of the limit that had the slot before is charged to this one.
    pub(super) fn start(&self, slot: Slot) {
        let mut held = self.held();
        // Not before the limiter's own start, or somebody would be taken for idle too early.
        if let Some(start) = held.starts.get_mut(slot.0) {
            *start = Ticks.now();
        }
        for allowance in held.used.values() {
            allowance.reset(slot.0);
        }
    }

    /// Returns the allowance of one of them, if any limit counts them yet.
    pub(super) fn allowance_if_counted(&self, id: Uuid) -> Option<Allowance> {
        let mut held = self.held();
        // Nobody needs an entry of nothing, and there are as many credentials as cached callers.
        (!held.starts.is_empty()).then(|| held.allowance(id))
    }

    /// Returns the allowance of one of them.
    pub(super) fn allowance(&self, id: Uuid) -> Allowance {
        self.held().allowance(id)
    }

    /// Forgets those who have used nothing and whom the cache does not hold.
    pub(super) fn forget_idle(&self) {
        let mut held = self.held();
        let now = Ticks.now();
        let elapsed: Vec<_> = held
            .starts
            .iter()
            .map(|start| between(*start, now))
            .collect();
        held.used
            .retain(|_, allowance| allowance.is_shared() || !allowance.is_unused(&elapsed));
        held.used.shrink_to_fit();
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.held().used.len()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn allowance(&mut self, id: Uuid) -> Allowance {
        let limits = self.starts.len();
        let unused = || Allowance::unused(limits);
        self.used.entry(id).or_insert_with(unused).clone()
    }
}
