//! Checkpoints: what was written goes from the log into the file.
//!
//! SQLite appends every change to the log, and moves it into the database file once the log has
//! grown to 1,000 pages, or when the last connection is closed. Until then a copy of the file alone
//! lacks the newest changes, which may be all that there are.

use std::time::Duration;

use sqlx::sqlite::SqliteSynchronous;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::time::MissedTickBehavior;

use super::Sqlite;
use crate::StoreError;
use crate::sql::sql;
use crate::url::Checkpoints;

/// The longest time that writers wait, at each tick, for a reader of the log. A longer read is waited
/// for at the next tick.
const PATIENCE: Duration = Duration::from_millis(200);

impl Sqlite {
    /// Empties the log at every tick, where there is something in it; never ends.
    pub(crate) async fn empty_log_every(&self, period: Duration) {
        let mut ticks = tokio::time::interval(period.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.empty_log(PATIENCE).await {
                Ok(true) => {}
                Ok(false) => tracing::debug!("the log of the database is in use: not emptied yet"),
                Err(error) => {
                    tracing::warn!(%error, "the log of the database could not be emptied");
                }
            }
        }
    }

    /// Moves everything from the log into the file and truncates the log. Returns whether it is
    /// empty now; it is not where another process reads from it for longer than `patience`, for
    /// which writers wait meanwhile.
    pub(crate) async fn empty_log(&self, patience: Duration) -> Result<bool, StoreError> {
        if self.checkpoints == Checkpoints::External || self.files.log_bytes() == 0 {
            return Ok(true);
        }
        self.files.check()?;
        // A connection of its own: the one that writes keeps its patience and its place in line.
        let options = super::options(self.files.main())
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(patience);
        let mut connection = options.connect().await?;
        self.files.check()?;
        // First without keeping anybody from writing, so that little is left to do when it does.
        let begun = run(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await;
        let done = match begun {
            Ok(_) => run(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await,
            failed => failed,
        };
        connection.close().await?;
        done
    }

    /// Does the same where the names of the files are gone, by the connection that has both open: a
    /// file that was moved away is complete then, and whatever is in its place is not taken for the
    /// one that the log belongs to.
    pub(crate) async fn empty_lost_log(&self) -> Result<bool, StoreError> {
        if self.checkpoints == Checkpoints::External {
            return Ok(true);
        }
        let mut writer = self.writer.acquire().await?;
        run(&mut writer, "PRAGMA wal_checkpoint(TRUNCATE)").await
    }
}

/// Runs a checkpoint. Returns true if it was complete
/// (<https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>).
async fn run(connection: &mut SqliteConnection, query: &'static str) -> Result<bool, StoreError> {
    let busy: i64 = sql(query).one(connection, |row| row.get("busy")).await?;
    Ok(busy == 0)
}
