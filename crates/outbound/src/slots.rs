//! How many requests are under way, in total and for each key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;
use crate::error::OutboundError;

/// The turns. A key's entry lives as long as one of its requests.
pub(crate) struct Slots {
    total: Arc<Semaphore>,
    per_key: usize,
    waiting: usize,
    keys: Mutex<HashMap<Arc<str>, Lane>>,
}

struct Lane {
    turns: Arc<Semaphore>,
    /// Requests under way and waiting.
    present: usize,
}

impl Slots {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            total: Arc::new(Semaphore::new(limits.concurrent)),
            per_key: limits.concurrent_per_key,
            waiting: limits.waiting_per_key,
            keys: Mutex::default(),
        }
    }

    /// Waits for a turn. The key's own comes first, so that who waits for himself does not take
    /// up room that all share.
    pub(crate) async fn enter(&self, key: &str) -> Result<Turn<'_>, OutboundError> {
        let (presence, turns) = self.step_in(key)?;
        let own = turns.acquire_owned().await;
        let shared = Arc::clone(&self.total).acquire_owned().await;
        match (own, shared) {
            (Ok(own), Ok(shared)) => Ok(Turn {
                _permits: [own, shared],
                _presence: presence,
            }),
            // Nobody closes these semaphores.
            _ => Err(OutboundError::Busy),
        }
    }

    fn step_in(&self, key: &str) -> Result<(Presence<'_>, Arc<Semaphore>), OutboundError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key: Arc<str> = Arc::from(key);
        let lane = keys.entry(Arc::clone(&key)).or_insert_with(|| Lane {
            turns: Arc::new(Semaphore::new(self.per_key)),
            present: 0,
        });
        // Counted under the same lock as the entry, so that two callers cannot take the last place.
        if lane.present >= self.per_key.saturating_add(self.waiting) {
            return Err(OutboundError::Busy);
        }
        lane.present += 1;
        Ok((Presence { slots: self, key }, Arc::clone(&lane.turns)))
    }
}

/// One request's right to be under way; given back when dropped.
pub(crate) struct Turn<'a> {
    _permits: [OwnedSemaphorePermit; 2],
    _presence: Presence<'a>,
}

struct Presence<'a> {
    slots: &'a Slots,
    key: Arc<str>,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let mut keys = self
            .slots
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = keys.get_mut(&self.key) {
            lane.present -= 1;
            // Keys come from organisations without bound: an idle one must not stay in the map.
            if lane.present == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slots() -> Slots {
        Slots::new(&Limits {
            concurrent: 3,
            concurrent_per_key: 2,
            waiting_per_key: 1,
            ..Limits::default()
        })
    }

    async fn waits(slots: &Slots, key: &str) -> bool {
        tokio::time::timeout(Duration::from_millis(5), slots.enter(key))
            .await
            .is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_waits_for_itself_and_not_for_others() {
        let slots = slots();
        let _one = slots.enter("a").await.unwrap();
        let two = slots.enter("a").await.unwrap();
        assert!(waits(&slots, "a").await);
        let _other = slots.enter("b").await.unwrap();
        drop(two);
        assert!(slots.enter("a").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_waits_too_often_is_told_so_at_once() {
        let slots = slots();
        let _one = slots.enter("a").await.unwrap();
        let _two = slots.enter("a").await.unwrap();
        let waiting = slots.enter("a");
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(slots.enter("a").await.err(), Some(OutboundError::Busy));
    }

    #[tokio::test(start_paused = true)]
    async fn all_keys_together_have_their_bound() {
        let slots = slots();
        let _one = slots.enter("a").await.unwrap();
        let _two = slots.enter("b").await.unwrap();
        let _three = slots.enter("c").await.unwrap();
        assert!(waits(&slots, "d").await);
    }

    #[tokio::test]
    async fn a_key_is_forgotten_with_its_last_request() {
        let slots = slots();
        drop(slots.enter("a").await.unwrap());
        assert!(slots.keys.lock().unwrap().is_empty());
    }
}
