//! The processes that hold up a migration.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Row as _};
use tokio::time::Instant;

use crate::StoreError;

/// The interval at which it is told that a migration waits.
const NEWS: Duration = Duration::from_secs(10);

/// The time that it may take to look whom it waits for.
const LOOKING: Duration = Duration::from_secs(1);

/// The processes that hold what the process `$1` of PostgreSQL waits for. The text of their queries is not asked
/// for: it may hold values.
const BLOCKERS: &str = "SELECT a.pid, a.application_name,
        CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) AS BIGINT) AS age
     FROM UNNEST(pg_blocking_pids($1)) AS blocking (pid)
     JOIN pg_stat_activity a ON a.pid = blocking.pid
     ORDER BY a.xact_start, a.pid LIMIT 5";

/// The process that has the advisory lock `$1`.
const HOLDERS: &str = "SELECT a.pid, a.application_name,
        CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.backend_start) AS BIGINT) AS age
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND (CAST(l.classid AS BIGINT) << 32) | CAST(l.objid AS BIGINT) = $1
     LIMIT 5";

/// A connection beside the one that migrates, which asks what that one waits for.
pub(super) struct Watch {
    connection: PgConnection,
    /// The process of PostgreSQL that migrates.
    watched: i32,
}

impl Watch {
    pub(super) async fn over(
        options: &PgConnectOptions,
        migrating: &mut PgConnection,
    ) -> Result<Self, StoreError> {
        let watched = sqlx::query_scalar("SELECT pg_backend_pid()");
        Ok(Self {
            watched: watched.fetch_one(migrating).await?,
            connection: options.connect().await?,
        })
    }

    /// Names those whom the migration waits for now; nobody where it works.
    async fn blockers(&mut self) -> Result<Vec<String>, StoreError> {
        let asked = sqlx::query(BLOCKERS).bind(self.watched);
        let rows = asked.fetch_all(&mut self.connection).await?;
        Ok(rows
            .iter()
            .map(|row| named(row, "transaction open"))
            .collect())
    }

    /// Names those who have an advisory lock.
    async fn holders(&mut self, lock: i64) -> Result<Vec<String>, StoreError> {
        let asked = sqlx::query(HOLDERS).bind(lock);
        let rows = asked.fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(|row| named(row, "connected")).collect())
    }

    /// Ends what the migration is at. What it waits for goes on.
    async fn cancel(&mut self) -> Result<(), StoreError> {
        let cancel = sqlx::query("SELECT pg_cancel_backend($1)").bind(self.watched);
        cancel.execute(&mut self.connection).await?;
        Ok(())
    }
}

/// The time for which the migrations have waited for others, and for whom.
pub(super) struct Waiting {
    watch: Watch,
    patience: Duration,
    waited: Duration,
    /// Those whom they waited for last.
    blockers: Vec<String>,
    told: Instant,
}

impl Waiting {
    pub(super) fn new(watch: Watch, patience: Duration) -> Self {
        Self {
            watch,
            patience,
            waited: Duration::ZERO,
            blockers: Vec::new(),
            told: Instant::now(),
        }
    }

    /// Looks who has an advisory lock.
    pub(super) async fn look_for_holders(&mut self, lock: i64) -> Result<(), StoreError> {
        self.blockers = self.watch.holders(lock).await?;
        Ok(())
    }

    /// Looks whom the migration waits for. Returns whether there is anybody.
    pub(super) async fn look_for_blockers(&mut self) -> bool {
        let found = match tokio::time::timeout(LOOKING, self.watch.blockers()).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "whom the migration waits for is not known");
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        if found.is_empty() {
            return false;
        }
        self.blockers = found;
        true
    }

    /// Ends what the migration is at.
    pub(super) async fn cancel(&mut self) {
        if let Err(error) = self.watch.cancel().await {
            tracing::warn!(%error, "a migration that waits for too long could not be cancelled");
        }
    }

    /// Counts that `what` waits for so much longer. Fails where that is too long.
    pub(super) fn wait(&mut self, what: &str, longer: Duration) -> Result<(), StoreError> {
        self.waited += longer;
        if let Some(error) = self.over(what) {
            return Err(error);
        }
        if self.told.elapsed() > NEWS {
            self.told = Instant::now();
            let blockers = self.blockers.join(", ");
            tracing::warn!(blockers, "{what} of the database waits for others");
        }
        Ok(())
    }

    /// The error of `what`, where it has waited for too long.
    pub(super) fn over(&self, what: &str) -> Option<StoreError> {
        if self.waited <= self.patience {
            return None;
        }
        let blockers = match self.blockers.as_slice() {
            [] => "others".to_owned(),
            named => named.join(", "),
        };
        let seconds = self.patience.as_secs();
        Some(StoreError::Unavailable(format!(
            "{what} waited for {blockers} for more than {seconds} s in all; migrate again once they \
             have ended: what was done before stays"
        )))
    }
}

fn named(row: &PgRow, doing: &str) -> String {
    let pid: i32 = row.try_get("pid").unwrap_or_default();
    let name: Option<String> = row.try_get("application_name").ok();
    let name = name.filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "without a name".to_owned());
    let age: Option<i64> = row.try_get("age").ok().flatten();
    let age = Duration::from_secs(age.and_then(|age| age.try_into().ok()).unwrap_or_default());
    format!("process {pid} ({name}, {doing} for {} s)", age.as_secs())
}
