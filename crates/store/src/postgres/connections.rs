//! The connections that all queries share.
//!
//! They are not sqlx's pool: that one asks the database at every return of a connection whether it
//! still answers, which costs a round trip of a connection's time at every use, and holds the
//! connection for as long as nothing comes back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};

use super::breaker::{Admission, Breaker};
use super::loan::Loan;
use crate::StoreError;

/// The time within which a connection is lent, and within which a read is answered: a request that
/// finds the database away is told so within a second.
pub(crate) const PATIENCE: Duration = Duration::from_millis(900);

/// A connection unused for this long may be dead, and is asked before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// The time that a connection which may be dead has to answer. It is longer than the feed waits
/// between two looks, whose answers tell one dead connection from a silent database.
const PROOF: Duration = Duration::from_millis(600);

/// A connection is replaced after this time: each holds memory of the server's that only grows.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The settings that each connection begins with. The database's own defaults do not apply: with another
/// isolation a transaction would not see what was committed while it waited for a lock. The limits
/// end what a process leaves behind that is cut off: from version 14 on a server notices within half a
/// second that nobody waits any more.
const SETTINGS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET idle_in_transaction_session_timeout = '30s';
    SET statement_timeout = '15s';
    SET lock_timeout = '5s';
    SELECT set_config(name, '500ms', false) FROM pg_settings
        WHERE name = 'client_connection_check_interval'";

/// The share of the connections that a purpose may use at once; the rest stays for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// The question who is calling, and the proof that the database answers: all of the connections.
    Callers,
    /// Reads of few rows. Together with all that follows they leave a quarter to the callers.
    Reads,
    /// Pages of lists: a quarter of them.
    Lists,
    /// Transactions, which may wait for each other's locks: half of them.
    Writes,
}

/// See the module.
pub(crate) struct Connections {
    options: PgConnectOptions,
    pub(super) breaker: Arc<Breaker>,
    /// Those that nobody uses. The last to come back is lent first, so that the warmest is used
    /// most.
    idle: Mutex<Vec<Idle>>,
    count: u32,
    /// One for each connection. They are given in the order in which they were asked for.
    permits: Arc<Semaphore>,
    /// For all but the question who is calling.
    others: Arc<Semaphore>,
    lists: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

/// An open connection.
pub(super) struct Live {
    pub(super) connection: PgConnection,
    opened: Instant,
}

struct Idle {
    live: Live,
    since: Instant,
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions, count: u32, breaker: Arc<Breaker>) -> Self {
        let part = |of_four: u32| {
            let part = (count * of_four / 4).max(1);
            Arc::new(Semaphore::new(usize::try_from(part).unwrap_or(1)))
        };
        Self {
            options,
            breaker,
            idle: Mutex::default(),
            count,
            permits: part(4),
            others: part(3),
            lists: part(1),
            writes: part(2),
        }
    }

    /// Lends a connection for statements that take up to `limit` each.
    pub(crate) async fn acquire(self: &Arc<Self>, limit: Duration) -> Result<Loan, StoreError> {
        self.acquire_for(Share::Reads, limit).await
    }

    /// Lends a connection out of a share.
    pub(crate) async fn acquire_for(
        self: &Arc<Self>,
        share: Share,
        limit: Duration,
    ) -> Result<Loan, StoreError> {
        let admission = self.breaker.admit()?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let is_other = share != Share::Callers;
        let queue = async {
            let share = match share {
                Share::Callers | Share::Reads => None,
                Share::Lists => Some(permit(&self.lists).await?),
                Share::Writes => Some(permit(&self.writes).await?),
            };
            let other = if is_other {
                Some(permit(&self.others).await?)
            } else {
                None
            };
            Ok::<_, StoreError>((permit(&self.permits).await?, other, share))
        };
        let busy = |_| StoreError::Contended("every connection is busy".to_owned());
        let permits = timeout_at(deadline, queue).await.map_err(busy)??;
        let live = match self.proven(admission).await {
            Some(live) => live,
            None => self.connect(admission, deadline).await?,
        };
        Ok(Loan::new(live, Arc::clone(self), admission, limit, permits))
    }

    /// An idle connection that still answers.
    async fn proven(&self, admission: Admission) -> Option<Live> {
        let idle = self.idle().pop()?;
        let mut live = idle.live;
        if idle.since.elapsed() < FRESH {
            return Some(live);
        }
        let ping = self
            .breaker
            .wait(admission, PROOF, live.connection.ping())
            .await;
        if matches!(ping, Ok(Ok(()))) {
            return Some(live);
        }
        // What killed this one has killed those that were unused for as long.
        self.idle().retain(|other| other.since > idle.since);
        None
    }

    async fn connect(
        &self,
        admission: Admission,
        deadline: tokio::time::Instant,
    ) -> Result<Live, StoreError> {
        let connect = async {
            let mut connection = self.options.connect().await?;
            connection.execute(SETTINGS).await?;
            Ok(connection)
        };
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        Ok(Live {
            connection: self.breaker.wait(admission, left, connect).await??,
            opened: Instant::now(),
        })
    }

    /// Takes a connection back that nothing is in flight on.
    pub(super) fn take_back(&self, live: Live) {
        if live.opened.elapsed() < LIFETIME && !self.permits.is_closed() {
            self.idle().push(Idle {
                live,
                since: Instant::now(),
            });
        }
    }

    /// Lends nothing more, and closes each connection once it is back.
    pub(crate) async fn close(&self) {
        let all = timeout(2 * PATIENCE, self.permits.acquire_many(self.count)).await;
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            // The process ends: nothing is lost with a connection that is cut instead.
            let _ = timeout(PROOF, idle.live.connection.close()).await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    let permit = Arc::clone(semaphore).acquire_owned().await;
    permit.map_err(|_| StoreError::Unavailable("the store is closed".to_owned()))
}
