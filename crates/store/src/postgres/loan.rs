//! A connection on loan, and how it comes back.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::OwnedSemaphorePermit;

use super::breaker::{Admission, Breaker};
use super::connections::{Connections, Live, PATIENCE};
use crate::StoreError;

/// Begins a transaction. The isolation is spelled out, so that no default of the database, of its
/// role or of an administrator's session changes what a transaction sees.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// The longest time for which a connection with an unanswered commit is kept.
const COMMIT_PATIENCE: Duration = Duration::from_secs(60);

/// A connection on loan.
///
/// Dropping it gives it back only if nothing is in flight on it. One whose statement was abandoned
/// is first asked to finish and to roll back; one that has not answered in time is closed, because
/// the answer that comes late would be taken for the next one's.
pub(crate) struct Loan {
    live: Option<Live>,
    state: State,
    in_transaction: bool,
    committing: bool,
    admission: Admission,
    limit: Duration,
    owner: Arc<Connections>,
    permits: Option<Permits>,
}

/// Given back with the connection.
type Permits = (
    OwnedSemaphorePermit,
    Option<OwnedSemaphorePermit>,
    Option<OwnedSemaphorePermit>,
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    InFlight,
    Broken,
}

/// The wait for one answer.
pub(crate) struct Wait {
    breaker: Arc<Breaker>,
    admission: Admission,
    limit: Duration,
}

impl Wait {
    pub(crate) async fn of<T>(
        &self,
        query: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<Result<T, sqlx::Error>, StoreError> {
        self.breaker.wait(self.admission, self.limit, query).await
    }
}

impl Loan {
    pub(super) fn new(
        live: Live,
        owner: Arc<Connections>,
        admission: Admission,
        limit: Duration,
        permits: Permits,
    ) -> Self {
        Self {
            live: Some(live),
            state: State::Idle,
            in_transaction: false,
            committing: false,
            admission,
            limit,
            owner,
            permits: Some(permits),
        }
    }

    /// Begins a statement, which [`ended`](Self::ended) ends.
    pub(crate) fn start(&mut self) -> Result<(&mut PgConnection, Wait), StoreError> {
        let wait = Wait {
            breaker: Arc::clone(&self.owner.breaker),
            admission: self.admission,
            limit: self.limit,
        };
        match (&mut self.live, self.state) {
            (Some(live), State::Idle) => {
                self.state = State::InFlight;
                Ok((&mut live.connection, wait))
            }
            _ => Err(StoreError::Unavailable("the connection is lost".to_owned())),
        }
    }

    /// Ends a statement.
    pub(crate) fn ended<T>(
        &mut self,
        answer: Result<Result<T, sqlx::Error>, StoreError>,
    ) -> Result<T, StoreError> {
        self.state = match &answer {
            Ok(Ok(_)) => State::Idle,
            Ok(Err(sqlx::Error::Database(error))) if !is_last(error.as_ref()) => State::Idle,
            _ => State::Broken,
        };
        Ok(answer??)
    }

    /// Begins a transaction, within which each statement may take up to `limit`.
    pub(crate) async fn begin(&mut self, limit: Duration) -> Result<(), StoreError> {
        // Before the statement: if it is abandoned, the transaction may have begun.
        self.in_transaction = true;
        self.simple(BEGIN).await?;
        self.limit = limit;
        Ok(())
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError::Uncertain`] where no answer came: the commit may have been made.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.committing = true;
        let committed = self.simple("COMMIT").await;
        match committed {
            Ok(()) => {
                (self.in_transaction, self.committing) = (false, false);
                Ok(())
            }
            // Without an answer of the database to it, nothing is known of the commit.
            Err(StoreError::Unavailable(why)) if self.state == State::Broken => {
                Err(StoreError::Uncertain(why))
            }
            Err(error) => Err(error),
        }
    }

    async fn simple(&mut self, statement: &'static str) -> Result<(), StoreError> {
        let (connection, wait) = self.start()?;
        let answer = wait.of(connection.execute(statement)).await;
        self.ended(answer).map(drop)
    }
}

/// Returns whether an error is the last that the server says on a connection.
fn is_last(error: &dyn sqlx::error::DatabaseError) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    let severity = error.map(PgDatabaseError::severity);
    matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else {
            return;
        };
        let owner = Arc::clone(&self.owner);
        match self.state {
            // The server goes on with a commit whoever waits for it, as for a standby that is away.
            // Its connection counts until then, or each try would leave one more of them behind.
            State::Broken if self.committing => {
                let permits = self.permits.take();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        settle(live, false, COMMIT_PATIENCE).await;
                        drop(permits);
                    });
                }
            }
            State::Broken => {}
            State::Idle if !self.in_transaction => owner.take_back(live),
            State::Idle | State::InFlight => {
                let (permits, in_transaction) = (self.permits.take(), self.in_transaction);
                // Outside of a runtime the connection is cut, and PostgreSQL rolls back.
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if let Some(live) = settle(live, in_transaction, PATIENCE).await {
                            owner.take_back(live);
                        }
                        drop(permits);
                    });
                }
            }
        }
    }
}

/// Waits for what is in flight on a connection and rolls back. Returns nothing if that takes too
/// long, or fails.
async fn settle(mut live: Live, in_transaction: bool, patience: Duration) -> Option<Live> {
    let settled = async {
        if in_transaction {
            live.connection.execute("ROLLBACK").await.map(drop)
        } else {
            live.connection.ping().await
        }
    };
    let settled = tokio::time::timeout(patience, settled).await;
    matches!(settled, Ok(Ok(()))).then_some(live)
}
