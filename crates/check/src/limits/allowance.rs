//! What known callers have used, in a place that is found without looking.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use uuid::Uuid;

/// What one user, organisation or credential has used, under each limit that counts it: the
/// theoretical arrival times of the generic cell rate algorithm. Clones are the same counts.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<[InMemoryState]>);

impl Allowance {
    fn full(limits: usize) -> Self {
        Self((0..limits).map(|_| InMemoryState::default()).collect())
    }

    /// Returns the memory that it takes, in bytes: once here, and with its id in a table half empty.
    fn bytes(&self) -> usize {
        match self.0.len() {
            0 => 0,
            limits => 16 + limits * size_of::<InMemoryState>() + 2 * size_of::<(Uuid, Self)>(),
        }
    }

    /// Whether nothing is used up under any limit, `elapsed` after the limiters' start.
    fn is_full(&self, elapsed: Nanos) -> bool {
        self.0.iter().all(|state| {
            // A refused change is how the library lets a state be read.
            let arrival = state.measure_and_replace(&NotKeyed::NonKey, Err::<((), Nanos), _>);
            arrival.is_err_and(|arrival| arrival.is_none_or(|arrival| arrival <= elapsed))
        })
    }
}

/// An allowance is itself and no other, whatever was used of it.
impl PartialEq for Allowance {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Allowance {}

impl Hash for Allowance {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

/// The place of one limit in the allowances of those whom it counts; to a limiter, where the
/// counts of each of them are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot(usize);

impl StateStore for Slot {
    type Key = Allowance;

    fn measure_and_replace<T, F, E>(&self, allowance: &Allowance, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        match allowance.0.get(self.0) {
            Some(state) => state.measure_and_replace(&NotKeyed::NonKey, decide),
            // Every allowance has a place for each limit that counts it.
            None => decide(None).map(|(counted, _)| counted),
        }
    }
}

/// What one caller has used, as the caller's user, organisation and credential.
#[derive(Debug)]
pub(crate) struct Allowances {
    pub(super) user: Allowance,
    pub(super) organization: Allowance,
    pub(super) credential: Allowance,
    /// The number of the plan that limits the organisation.
    pub(super) plan: Option<usize>,
}

impl Allowances {
    /// Returns the memory that they take, in bytes, though others of the user and of the organisation
    /// share theirs.
    pub(crate) fn bytes(&self) -> usize {
        let all = [&self.user, &self.organization, &self.credential];
        all.into_iter().map(Allowance::bytes).sum()
    }
}

/// Everybody of one kind: how many limits count them, and who has used something. What was used
/// outlives the cached caller, whom a change may make wrong at any time.
#[derive(Debug)]
pub(super) struct Holders {
    limits: usize,
    /// The allowance of all, where no limit counts them.
    uncounted: Allowance,
    used: Mutex<HashMap<Uuid, Allowance>>,
}

impl Default for Holders {
    fn default() -> Self {
        Self {
            limits: 0,
            uncounted: Allowance::full(0),
            used: Mutex::default(),
        }
    }
}

impl Holders {
    /// The place of one more limit.
    pub(super) fn slot(&mut self) -> Slot {
        let slot = Slot(self.limits);
        self.limits += 1;
        slot
    }

    /// The allowance of one of them.
    pub(super) fn allowance(&self, id: Uuid) -> Allowance {
        if self.limits == 0 {
            return self.uncounted.clone();
        }
        let full = || Allowance::full(self.limits);
        self.used().entry(id).or_insert_with(full).clone()
    }

    /// Forgets those who have used nothing, `elapsed` after the limiters' start, and whom the
    /// cache does not hold.
    pub(super) fn forget_idle(&self, elapsed: Nanos) {
        let mut used = self.used();
        used.retain(|_, allowance| {
            Arc::strong_count(&allowance.0) > 1 || !allowance.is_full(elapsed)
        });
        used.shrink_to_fit();
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.used().len()
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Uuid, Allowance>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
