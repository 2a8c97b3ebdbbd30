//! A circuit breaker: once the database is silent, callers are told so at once, and one at a time
//! asks whether it answers again.
//!
//! A slow statement alone opens nothing. The database counts as silent only if a statement ran
//! into its limit and *no* statement was answered, on any connection, since that one began.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::StoreError;

/// The least time between two probes while the breaker is open.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// See the module.
pub(crate) struct Breaker {
    origin: Instant,
    /// Microseconds from `origin` to the last answer.
    answered: AtomicU64,
    open: AtomicBool,
    last_probe: Mutex<Option<Instant>>,
    /// Wakes the statements in flight when the breaker opens.
    opened: Notify,
}

/// The right to ask the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The breaker is closed.
    Closed,
    /// The breaker is open, and this caller finds out whether it may close.
    Probe,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            answered: AtomicU64::new(0),
            open: AtomicBool::new(false),
            last_probe: Mutex::new(None),
            opened: Notify::new(),
        }
    }
}

impl Breaker {
    /// Lets everyone ask while the breaker is closed, and one caller every 250 ms while it is open.
    pub(crate) fn admit(&self) -> Result<Admission, StoreError> {
        if !self.is_open() {
            return Ok(Admission::Closed);
        }
        let now = Instant::now();
        let mut last = self
            .last_probe
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.duration_since(last) < PROBE_EVERY) {
            return Err(silent());
        }
        *last = Some(now);
        Ok(Admission::Probe)
    }

    /// Waits for an answer up to `limit`, and no longer than until the breaker opens.
    ///
    /// An error of the database is an answer, too.
    pub(crate) async fn wait<T>(
        &self,
        admission: Admission,
        limit: Duration,
        query: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<Result<T, sqlx::Error>, StoreError> {
        let begun = Instant::now();
        let opened = async {
            let notified = self.opened.notified();
            tokio::pin!(notified);
            // Before the flag is read: an opening in between would wake nobody.
            notified.as_mut().enable();
            if admission == Admission::Probe || !self.is_open() {
                notified.await;
            }
        };
        let answer = tokio::select! {
            // First, so that an answer that is there is never thrown away.
            biased;
            answer = tokio::time::timeout(limit, query) => answer,
            () = opened, if admission == Admission::Closed => return Err(silent()),
        };
        let Ok(answer) = answer else {
            self.unanswered_since(begun);
            return Err(StoreError::Unavailable("no answer in time".to_owned()));
        };
        if matches!(answer, Ok(_) | Err(sqlx::Error::Database(_))) {
            self.answered();
        }
        Ok(answer)
    }

    /// Notes an answer, which closes the breaker.
    pub(crate) fn answered(&self) {
        self.answered
            .fetch_max(self.micros(Instant::now()), Ordering::Relaxed);
        if self.open.load(Ordering::Relaxed) && self.open.swap(false, Ordering::SeqCst) {
            tracing::info!("the database answers again");
        }
    }

    /// Opens the breaker if nothing was answered since `begun`.
    pub(crate) fn unanswered_since(&self, begun: Instant) {
        let silent = self.answered.load(Ordering::Relaxed) < self.micros(begun);
        if silent && !self.open.swap(true, Ordering::SeqCst) {
            tracing::warn!("the database is silent; it is asked again every 250 ms");
            self.opened.notify_waiters();
        }
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

fn silent() -> StoreError {
    StoreError::Unavailable("the database is silent".to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(20);

    async fn hang(breaker: &Breaker) -> Result<Result<(), sqlx::Error>, StoreError> {
        breaker.wait(Admission::Closed, LIMIT, pending()).await
    }

    #[tokio::test]
    async fn a_silent_database_is_asked_by_one_caller_at_a_time() {
        let breaker = Breaker::default();
        assert_eq!(breaker.admit().unwrap(), Admission::Closed);
        hang(&breaker).await.unwrap_err();
        assert_eq!(breaker.admit().unwrap(), Admission::Probe);
        breaker.admit().unwrap_err();
        breaker
            .wait(Admission::Probe, LIMIT, ready(Ok(())))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(breaker.admit().unwrap(), Admission::Closed);
    }

    #[tokio::test]
    async fn one_slow_statement_opens_nothing_while_others_are_answered() {
        let breaker = Breaker::default();
        let other = async {
            tokio::time::sleep(LIMIT / 4).await;
            breaker
                .wait(Admission::Closed, LIMIT, ready(Ok(())))
                .await
                .unwrap()
                .unwrap();
        };
        let (slow, ()) = tokio::join!(hang(&breaker), other);
        slow.unwrap_err();
        assert_eq!(breaker.admit().unwrap(), Admission::Closed);
    }

    #[tokio::test]
    async fn a_long_statement_ends_when_the_breaker_opens() {
        let breaker = Breaker::default();
        let hour = Duration::from_secs(3600);
        let long = breaker.wait::<()>(Admission::Closed, hour, pending());
        let (long, short) = tokio::join!(long, hang(&breaker));
        long.unwrap_err();
        short.unwrap_err();
    }
}
