//! The sample's migrations: some for both engines, and a few for PostgreSQL alone.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, Executor as _};

/// The time for which a migration waits for what others hold, who wait for it in turn. Then they go
/// on for [`PAUSE`], before it tries again.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '500ms'";

const PAUSE: Duration = Duration::from_secs(2);

/// The number of tries of a migration: for ten minutes and more.
const TRIES: u32 = 300;

/// The code for a lock that was not had in time (PostgreSQL documentation, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

fn ours(mut migrator: Migrator) -> Migrator {
    // Our own, since the database may hold the tables and migrations of others.
    migrator.dangerous_set_table_name("_sample_migrations");
    // A newer server may have been here, and this one must go on beside it.
    migrator.set_ignore_missing(true);
    migrator
}

pub(super) async fn on_sqlite(writer: &AnyPool) -> Result<(), MigrateError> {
    ours(sqlx::migrate!("./migrations")).run(writer).await
}

pub(super) async fn on_postgres(connection: &mut AnyConnection) -> Result<(), MigrateError> {
    connection.execute(LOCK_TIMEOUT).await?;
    for migrator in [
        sqlx::migrate!("./migrations"),
        sqlx::migrate!("./migrations/postgres"),
    ] {
        let migrator = ours(migrator);
        let mut tries = 1;
        loop {
            match migrator.run_direct(None, connection, false).await {
                Err(error) if tries < TRIES && is_lock_timeout(&error) => {
                    if tries == 1 {
                        tracing::warn!("a migration of the sample waits for others");
                    }
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                done => break done?,
            }
        }
    }
    Ok(())
}

fn is_lock_timeout(error: &MigrateError) -> bool {
    let (MigrateError::Execute(sqlx::Error::Database(error))
    | MigrateError::ExecuteMigration(sqlx::Error::Database(error), _)) = error
    else {
        return false;
    };
    error.code().as_deref() == Some(LOCK_NOT_AVAILABLE)
}
