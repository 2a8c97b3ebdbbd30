//! One question to the directory for all requests that wait for its answer.
//!
//! Hundreds of requests may present a credential at once that is seen for the first time, or again
//! after a change. The first begins a flight, the others join it. Whichever of them is polled
//! drives it on, so that a client who disconnects strands nobody; the last to leave ends it.
//!
//! A request joins only if no change was applied since the flight began: what is read before a
//! revocation never reaches a request that starts after the revocation was answered.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::cache::{CacheKey, Entry, Reading};
use crate::directory::Unresolved;

/// The directory's answer about a credential, to all who asked.
pub(crate) type Answer = Result<Arc<Entry>, Unresolved>;

/// A question on its way.
pub(crate) type Flight = Shared<BoxFuture<'static, Answer>>;

/// See the module. At most as many as there are requests that wait: a flight leaves with its
/// answer, or with the last who waited for it.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<CacheKey, Airborne>>);

struct Airborne {
    reading: Reading,
    /// The part of an access token that is not in its digest.
    rest: Option<Box<[u8]>>,
    flight: WeakShared<BoxFuture<'static, Answer>>,
}

impl Flights {
    /// The flight that asks for a credential since this very reading, or one that begins with
    /// `ask`, which is called only then.
    pub(crate) fn join_or_begin<F>(
        self: &Arc<Self>,
        key: CacheKey,
        rest: Option<&[u8]>,
        reading: Reading,
        ask: impl FnOnce() -> F,
    ) -> Flight
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let mut airborne = self.airborne();
        if let Some(other) = airborne.get(&key)
            && other.reading == reading
            && other.rest.as_deref() == rest
            && let Some(flight) = other.flight.upgrade()
        {
            return flight;
        }
        let landing = Landing {
            flights: Arc::clone(self),
            key,
            reading,
        };
        let asked = ask();
        let answer = async move {
            let _landing = landing;
            asked.await
        };
        let flight = answer.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            let rest = rest.map(Box::from);
            let begun = Airborne {
                reading,
                rest,
                flight: weak,
            };
            // One that began before a change goes on for those who wait for it.
            airborne.insert(key, begun);
        }
        flight
    }

    /// Returns how many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.airborne().len()
    }

    fn airborne(&self) -> MutexGuard<'_, HashMap<CacheKey, Airborne>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the list when it ends, with an answer or without.
struct Landing {
    flights: Arc<Flights>,
    key: CacheKey,
    reading: Reading,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut airborne = self.flights.airborne();
        // A later flight may have its place by now.
        if let Some(found) = airborne.get(&self.key)
            && found.reading == self.reading
        {
            airborne.remove(&self.key);
        }
    }
}
