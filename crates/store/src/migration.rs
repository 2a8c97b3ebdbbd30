//! The tables, brought up to date.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};

use crate::sql::{Connection, Source, sql};
use crate::store::Pool;
use crate::{Store, StoreError};

mod blockers;
mod postgres;

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// The time for which a migration waits for what others hold in PostgreSQL, unless it is told
/// another one. A backup of a large database takes longer, and is better waited for by whoever
/// sees both.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The primary result code of a file that another process writes to, which is the low byte of any
/// (<https://www.sqlite.org/rescode.html>).
const SQLITE_BUSY: u32 = 5;

impl Store {
    /// Brings the tables up to this version. Each migration is one transaction or one statement
    /// that can be repeated, so one that was killed begins again; a database that a later version
    /// has migrated is left as it is.
    ///
    /// # Errors
    /// On PostgreSQL, [`StoreError::Unavailable`] after ten minutes of waiting for others, who are
    /// named.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_within(PATIENCE).await
    }

    /// Does as [`migrate`](Self::migrate), and gives up after waiting for as long as `patience` for
    /// what others hold in PostgreSQL. The changes of a server that runs meanwhile are held up for
    /// half a second at a time.
    pub async fn migrate_within(&self, patience: Duration) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite(sqlite) => {
                // SQLite has no lock for migrations. Of two processes that are at it together one
                // fails at what the other has just done, and then finds it done: at each
                // migration, where it comes to that.
                let mut tries = SQLITE.iter().count();
                loop {
                    match forward(&SQLITE).run(&sqlite.writer).await {
                        Err(error) if tries > 0 && is_done_by_another(&error) => tries -= 1,
                        done => break Ok(done?),
                    }
                }
            }
            Pool::Postgres(postgres) => postgres::migrate(&postgres.options, patience).await,
        }
    }

    /// Returns whether the tables are those of this version or a later one.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        let wanted = SQLITE.iter().map(|migration| migration.version).max();
        Ok(self.newest_migration().await? >= wanted)
    }

    pub(crate) async fn newest_migration(&self) -> Result<Option<i64>, StoreError> {
        newest(&mut self.reader().await?).await
    }
}

/// The newest migration of ours that a database has; `None` where it has none, whatever other
/// tables are in it.
pub(crate) async fn newest(source: &mut impl Source) -> Result<Option<i64>, StoreError> {
    let is_there = match source.connection()? {
        Connection::Sqlite(..) => {
            "SELECT COUNT(*) AS count FROM sqlite_schema WHERE name = '_sqlx_migrations'"
        }
        Connection::Postgres(_) => "SELECT COUNT(to_regclass('_sqlx_migrations')) AS count",
    };
    if sql(is_there).count(source).await? == 0 {
        return Ok(None);
    }
    // The table has this name in every program that migrates as we do: the first entry tells whose
    // it is.
    sql("SELECT MAX(version) AS version FROM _sqlx_migrations
         WHERE success AND EXISTS (SELECT 1 FROM _sqlx_migrations
             WHERE version = 1 AND description = 'foundation' AND success)")
    .one(source, |row| row.get::<Option<i64>>("version"))
    .await
}

/// Returns whether a migration of SQLite failed at what another process is doing, or has just done.
/// SQLite has one code for all that it does not understand, so that its words decide.
fn is_done_by_another(error: &MigrateError) -> bool {
    let (MigrateError::Execute(sqlx::Error::Database(error))
    | MigrateError::ExecuteMigration(sqlx::Error::Database(error), _)) = error
    else {
        return false;
    };
    let code: u32 = error
        .code()
        .and_then(|code| code.parse().ok())
        .unwrap_or_default();
    code & 0xff == SQLITE_BUSY
        || error.is_unique_violation()
        || error.message().ends_with("already exists")
        || error.message().starts_with("duplicate column name")
}

/// A migrator that accepts what a later version has done.
fn forward(migrator: &'static Migrator) -> Migrator {
    let mut migrator = Migrator {
        migrations: migrator.migrations.clone(),
        ..Migrator::DEFAULT
    };
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(test)]
mod tests;
