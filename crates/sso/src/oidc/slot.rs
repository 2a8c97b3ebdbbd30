//! One cached document: fetched once for all callers that wait, kept for a while, and longer while
//! the provider is unavailable.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use vestibule_model::{Clock, Timestamp};

use crate::refusal::SsoRefusal;

/// The time for which a document is used without fetching it again.
pub(crate) const FRESH: Duration = Duration::from_secs(60 * 60);
/// The time for which a document is used if fetching it again fails.
pub(crate) const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause between fetches after a failure.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);
/// The pause between fetches that a stranger's token causes.
pub(crate) const REFRESH: Duration = Duration::from_secs(60);

/// A document and the time of its fetch.
pub(crate) struct Kept<T> {
    pub(crate) value: Arc<T>,
    fetched_at: Timestamp,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            fetched_at: self.fetched_at,
        }
    }
}

/// The last attempt to fetch.
#[derive(Default)]
struct Attempt {
    began_at: Option<Timestamp>,
    failure: Option<SsoRefusal>,
}

pub(crate) struct Slot<T> {
    kept: RwLock<Option<Kept<T>>>,
    /// Locked during a fetch, so that other callers wait for its answer.
    flight: Mutex<Attempt>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            kept: RwLock::new(None),
            flight: Mutex::default(),
        }
    }
}

impl<T> Slot<T> {
    /// Returns the document, fetched if it is missing or no longer fresh.
    pub(crate) async fn get<F>(
        &self,
        clock: &dyn Clock,
        fetch: impl FnOnce() -> F,
    ) -> Result<Kept<T>, SsoRefusal>
    where
        F: Future<Output = Result<T, SsoRefusal>>,
    {
        if let Some(kept) = self.kept(clock.now(), FRESH) {
            return Ok(kept);
        }
        let mut attempt = self.flight.lock().await;
        // Read again: waiting for the lock may have taken as long as a fetch.
        let now = clock.now();
        if let Some(kept) = self.kept(now, FRESH) {
            return Ok(kept); // another caller fetched it meanwhile
        }
        let paused = |began: Timestamp| now.since(began) < PAUSE;
        if attempt.failure.is_none() || !attempt.began_at.is_some_and(paused) {
            match self.fetch(&mut attempt, now, fetch).await {
                Ok(kept) => return Ok(kept),
                Err(failure) => attempt.failure = Some(failure),
            }
        }
        // A provider that is down for a day keeps its users: its keys change far less often.
        let failure = attempt.failure.clone();
        self.kept(now, STALE)
            .ok_or_else(|| failure.unwrap_or(SsoRefusal::Unsupported { what: "document" }))
    }

    /// Returns a document newer than `seen`, if there is one or it may be fetched: at most once a
    /// minute, whatever strangers send.
    pub(crate) async fn newer<F>(
        &self,
        seen: &Kept<T>,
        clock: &dyn Clock,
        fetch: impl FnOnce() -> F,
    ) -> Option<Kept<T>>
    where
        F: Future<Output = Result<T, SsoRefusal>>,
    {
        let mut attempt = self.flight.lock().await;
        let now = clock.now();
        // Compared by pointer: a fetch that returned equal keys is newer all the same.
        let other = |kept: &Kept<T>| !Arc::ptr_eq(&kept.value, &seen.value);
        if let Some(kept) = self.kept(now, STALE).filter(other) {
            return Some(kept);
        }
        if attempt
            .began_at
            .is_some_and(|began| now.since(began) < REFRESH)
        {
            return None;
        }
        self.fetch(&mut attempt, now, fetch).await.ok()
    }

    async fn fetch<F>(
        &self,
        attempt: &mut Attempt,
        now: Timestamp,
        fetch: impl FnOnce() -> F,
    ) -> Result<Kept<T>, SsoRefusal>
    where
        F: Future<Output = Result<T, SsoRefusal>>,
    {
        // Recorded before the answer: a caller that is cancelled has sent its request, and the pause
        // must count it.
        *attempt = Attempt {
            began_at: Some(now),
            failure: None,
        };
        let kept = Kept {
            value: Arc::new(fetch().await?),
            fetched_at: now,
        };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept.clone());
        Ok(kept)
    }

    fn kept(&self, now: Timestamp, at_most: Duration) -> Option<Kept<T>> {
        // A poisoned lock holds a whole value: it is only ever replaced.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let young = |kept: &&Kept<T>| now.since(kept.fetched_at) < at_most;
        kept.as_ref().filter(young).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use vestibule_model::clock::ManualClock;

    use super::*;

    struct Source {
        slot: Slot<u32>,
        clock: ManualClock,
        calls: AtomicU32,
    }

    const SECOND: Duration = Duration::from_secs(1);
    const FAILURE: SsoRefusal = SsoRefusal::TooManyKeys;

    impl Source {
        fn new() -> Self {
            Self {
                slot: Slot::default(),
                clock: ManualClock::new(Timestamp::from_seconds(1_000_000)),
                calls: AtomicU32::new(0),
            }
        }

        async fn answer(&self, good: bool) -> Result<u32, SsoRefusal> {
            let count = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::task::yield_now().await;
            if good { Ok(count) } else { Err(FAILURE) }
        }

        async fn get(&self, good: bool) -> Result<Kept<u32>, SsoRefusal> {
            self.slot.get(&self.clock, || self.answer(good)).await
        }

        async fn newer(&self, seen: &Kept<u32>) -> Option<Kept<u32>> {
            self.slot
                .newer(seen, &self.clock, || self.answer(true))
                .await
        }

        fn calls(&self) -> u32 {
            self.calls.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn many_askers_cause_one_fetch() {
        let source = Source::new();
        let all = futures_util::future::join_all((0..50).map(|_| source.get(true))).await;
        assert!(all.iter().all(|kept| *kept.as_ref().unwrap().value == 1));
        assert_eq!(source.calls(), 1);
    }

    #[tokio::test]
    async fn many_askers_of_a_failing_provider_cause_one_fetch() {
        let source = Source::new();
        let all = futures_util::future::join_all((0..50).map(|_| source.get(false))).await;
        assert!(all.iter().all(|kept| kept.as_ref().err() == Some(&FAILURE)));
        assert_eq!(source.calls(), 1);
        source.clock.advance(PAUSE);
        assert!(source.get(true).await.is_ok());
    }

    #[tokio::test]
    async fn a_document_is_asked_for_again_when_it_is_no_longer_fresh() {
        let source = Source::new();
        source.get(true).await.unwrap();
        source.clock.advance(FRESH.saturating_sub(SECOND));
        assert_eq!(*source.get(true).await.unwrap().value, 1);
        source.clock.advance(SECOND);
        assert_eq!(*source.get(true).await.unwrap().value, 2);
    }

    #[tokio::test]
    async fn a_stale_document_serves_while_the_provider_is_away_and_not_for_ever() {
        let source = Source::new();
        source.get(true).await.unwrap();
        source.clock.advance(STALE.saturating_sub(SECOND));
        assert_eq!(*source.get(false).await.unwrap().value, 1);
        source.clock.advance(PAUSE);
        assert_eq!(source.get(false).await.err(), Some(FAILURE));
    }

    #[tokio::test]
    async fn a_flood_of_unknown_keys_causes_one_refresh_a_minute() {
        let source = Source::new();
        let seen = source.get(true).await.unwrap();
        for _ in 0..100 {
            assert!(source.newer(&seen).await.is_none());
        }
        assert_eq!(source.calls(), 1);
        source.clock.advance(REFRESH);
        let newer = source.newer(&seen).await.unwrap();
        for _ in 0..100 {
            assert!(source.newer(&newer).await.is_none());
        }
        assert_eq!(source.calls(), 2);
    }

    #[tokio::test]
    async fn who_saw_an_older_document_gets_the_newer_without_a_fetch() {
        let source = Source::new();
        let seen = source.get(true).await.unwrap();
        source.clock.advance(REFRESH);
        source.newer(&seen).await.unwrap();
        assert_eq!(*source.newer(&seen).await.unwrap().value, 2);
        assert_eq!(source.calls(), 2);
    }
}
