//! The use that one user, organisation or credential has made of its limits.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use uuid::Uuid;

/// The use of every limit that counts one user, organisation or credential: the theoretical arrival
/// times of the generic cell rate algorithm, one for each slot. Clones share the same counts.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<Chunk<[InMemoryState]>>);

/// Some slots, and the ones that follow where rules have come with more limits since.
#[derive(Debug)]
struct Chunk<S: ?Sized> {
    more: OnceLock<Allowance>,
    states: S,
}

/// Returns a chunk of `N` unused slots.
fn chunk<const N: usize>() -> Arc<Chunk<[InMemoryState]>> {
    Arc::new(Chunk {
        more: OnceLock::new(),
        states: std::array::from_fn::<_, N, _>(|_| InMemoryState::default()),
    })
}

impl Allowance {
    /// Returns an unused allowance with room for this many limits.
    pub(super) fn unused(limits: usize) -> Self {
        // The slots lie inside the counted allocation, so that counting follows one pointer. Their
        // number has to be a constant for that, hence the steps.
        Self(match limits {
            0..=1 => chunk::<1>(),
            2 => chunk::<2>(),
            3..=4 => chunk::<4>(),
            5..=8 => chunk::<8>(),
            9..=12 => chunk::<12>(),
            13..=16 => chunk::<16>(),
            17..=24 => chunk::<24>(),
            _ => chunk::<32>(),
        })
    }

    /// Returns the memory that it takes, in bytes: once here, and with its id in a table half empty.
    pub(super) fn bytes(&self) -> usize {
        let more = self.0.more.get().map_or(0, Self::bytes);
        16 + size_of_val(&*self.0) + 2 * size_of::<(Uuid, Self)>() + more
    }

    /// Returns true if nothing is used up under any limit. `elapsed` is the time since the start of
    /// each limit, by its slot.
    pub(super) fn is_unused(&self, elapsed: &[Nanos]) -> bool {
        let (here, later) = elapsed.split_at(elapsed.len().min(self.0.states.len()));
        let mut here = self.0.states.iter().zip(here);
        here.all(|(state, elapsed)| arrival(state).is_none_or(|arrival| arrival <= *elapsed))
            && self.0.more.get().is_none_or(|more| more.is_unused(later))
    }

    /// Makes a slot unused.
    pub(super) fn reset(&self, slot: usize) {
        match self.0.states.get(slot) {
            Some(state) => {
                let unused = |_| Ok::<_, ()>(((), Nanos::from(0)));
                let _ = state.measure_and_replace(&NotKeyed::NonKey, unused);
            }
            None => {
                if let Some(more) = self.0.more.get() {
                    more.reset(slot.saturating_sub(self.0.states.len()));
                }
            }
        }
    }

    /// Returns true if something beside this holds the allowance, such as a cached caller.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Returns the theoretical arrival time in a slot.
fn arrival(state: &InMemoryState) -> Option<Nanos> {
    // A refused change is how the library lets a state be read.
    let read = state.measure_and_replace(&NotKeyed::NonKey, Err::<((), Nanos), _>);
    read.err().flatten()
}

/// An allowance is itself and no other, however much of it was used.
impl PartialEq for Allowance {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Allowance {}

impl Hash for Allowance {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

/// The place of one limit in the allowances of everybody it counts; to a limiter, the store of their
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(pub(super) usize);

impl StateStore for Slot {
    type Key = Allowance;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, allowance: &Allowance, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (mut chunk, mut slot) = (&*allowance.0, self.0);
        loop {
            if let Some(state) = chunk.states.get(slot) {
                return state.measure_and_replace(&NotKeyed::NonKey, decide);
            }
            // Only of a caller who was cached before the limit was declared: the first such request
            // allocates the slots, for all who share the allowance.
            slot = slot.saturating_sub(chunk.states.len());
            chunk = &chunk.more.get_or_init(|| Allowance::unused(slot + 1)).0;
        }
    }
}
