//! Ends a statement of SQLite that takes too long.
//!
//! SQLite works on a thread of the connection's, which goes on when nobody waits for it any more. So
//! a deadline interrupts the statement itself: SQLite asks a handler every 1,000 instructions of
//! its virtual machine, some tens of microseconds, whether to go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

/// The number of instructions between two looks at the clock.
pub(super) const INSTRUCTIONS: i32 = 1_000;

/// No statement runs that has a deadline.
const NEVER: u64 = u64::MAX;

/// The deadline of the statements of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    limit: Duration,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    /// Microseconds from `origin` until which the statement may run.
    until: AtomicU64,
    /// A statement was abandoned, and may run still.
    abandoned: AtomicBool,
}

impl Deadline {
    /// Creates the deadline of a connection whose statements may take up to `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            shared: Arc::new(Shared {
                origin: Instant::now(),
                until: AtomicU64::new(NEVER),
                abandoned: AtomicBool::new(false),
            }),
        }
    }

    /// Makes the connection heed this deadline.
    pub(super) async fn install(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let shared = Arc::clone(&self.shared);
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(INSTRUCTIONS, move || !shared.is_over());
        Ok(())
    }

    /// Forgets an abandoned statement, on a connection that is known to do nothing.
    pub(super) fn reset(&self) {
        self.shared.until.store(NEVER, Ordering::Release);
        self.shared.abandoned.store(false, Ordering::Release);
    }

    /// Begins a statement. It is interrupted at the limit, or once the guard is dropped.
    pub(crate) async fn start(
        &self,
        connection: &mut SqliteConnection,
    ) -> sqlx::Result<Running<'_>> {
        if self.shared.abandoned.load(Ordering::Acquire) {
            // The thread takes this command once the abandoned statement has been interrupted. A
            // deadline that was set before would let it go on until then.
            connection.ping().await?;
            self.shared.abandoned.store(false, Ordering::Release);
        }
        let until = self.shared.micros().saturating_add(micros(self.limit));
        self.shared.until.store(until, Ordering::Release);
        Ok(Running {
            shared: &self.shared,
            ended: false,
        })
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until != NEVER && self.micros() >= until
    }

    fn micros(&self) -> u64 {
        micros(self.origin.elapsed())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER - 1)
}

/// A statement that runs.
#[derive(Debug)]
pub(crate) struct Running<'d> {
    shared: &'d Shared,
    ended: bool,
}

impl Running<'_> {
    /// Notes that the statement is over.
    pub(crate) fn end(mut self) {
        self.ended = true;
        self.shared.until.store(NEVER, Ordering::Release);
    }
}

impl Drop for Running<'_> {
    /// Interrupts a statement that nobody waits for any more.
    fn drop(&mut self) {
        if !self.ended {
            self.shared.abandoned.store(true, Ordering::Release);
            self.shared.until.store(0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT COUNT(*) FROM n";

    async fn connection(limit: Duration) -> (SqliteConnection, Deadline) {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let deadline = Deadline::new(limit);
        deadline.install(&mut connection).await.unwrap();
        (connection, deadline)
    }

    async fn one(connection: &mut SqliteConnection, deadline: &Deadline) {
        let running = deadline.start(connection).await.unwrap();
        let one: i64 = sqlx::query_scalar("SELECT 1")
            .fetch_one(connection)
            .await
            .unwrap();
        running.end();
        assert_eq!(one, 1);
    }

    #[tokio::test]
    async fn a_statement_is_interrupted_at_its_deadline_and_the_connection_goes_on() {
        let (mut connection, deadline) = connection(Duration::from_millis(20)).await;
        let running = deadline.start(&mut connection).await.unwrap();
        let endless = sqlx::query(ENDLESS).execute(&mut connection).await;
        running.end();
        assert!(
            matches!(endless, Err(sqlx::Error::Database(_))),
            "{endless:?}"
        );
        one(&mut connection, &deadline).await;
    }

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_is_interrupted_before_the_next() {
        let (mut connection, deadline) = connection(Duration::from_secs(3600)).await;
        let running = deadline.start(&mut connection).await.unwrap();
        let endless = sqlx::query(ENDLESS).execute(&mut connection).now_or_never();
        assert!(endless.is_none());
        drop(running);
        one(&mut connection, &deadline).await;
    }
}
