//! Migrations of PostgreSQL, beside servers that run and whoever else uses the database.
//!
//! A statement that waits for a lock makes all wait who come after it: `ALTER TABLE` behind one
//! reader stops every change. So it waits for half a second, and lets the others pass before it is
//! tried again. An index is built `CONCURRENTLY`, which waits for others without stopping anybody,
//! and is cancelled where that takes too long.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::migrate::{Migrate as _, MigrateError, Migration};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::{Instant, MissedTickBehavior};

use super::POSTGRES;
use super::blockers::{Waiting, Watch};
use crate::StoreError;

const TABLE: &str = "_sqlx_migrations";

/// The advisory lock of whoever migrates, in the database of the tables. It is another one than the
/// driver's, which is waited for within a statement: such a statement has a snapshot, for whose end
/// an index that is built waits, and so both would wait for each other.
const LOCK: i64 = 0x7665_7374_6962_756c;

/// The pause before the lock is asked for again.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The time for which a statement waits for a lock, with everybody behind it.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '500ms'";

/// The pauses between two tries, in which the others go on: from the first, doubled up to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// The interval at which it is looked at what a migration waits for.
const LOOK: Duration = Duration::from_millis(200);

/// The beginning of a migration without a transaction, up to the name of its index.
pub(super) const INDEX_FORM: &str = "INDEX CONCURRENTLY IF NOT EXISTS ";

/// The code for a lock that was not had in time (PostgreSQL documentation, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The time that connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);

pub(super) async fn migrate(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<(), StoreError> {
    let connecting = tokio::time::timeout(CONNECTING, options.connect()).await;
    let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
    // A database administrator may have set limits for sessions that answer requests.
    let settings = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
         SET default_transaction_isolation = 'read committed'";
    connection.execute(settings).await?;
    let watch = Watch::over(options, &mut connection).await?;
    let mut waiting = Waiting::new(watch, patience);
    let done = run(&mut connection, &mut waiting).await;
    // The lock goes with the connection, whatever has come of the migrations.
    let _ = connection.close().await;
    done
}

async fn run(connection: &mut PgConnection, waiting: &mut Waiting) -> Result<(), StoreError> {
    lock(connection, waiting).await?;
    connection.ensure_migrations_table(TABLE).await?;
    if let Some(version) = connection.dirty_version(TABLE).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied = connection.list_applied_migrations(TABLE).await?;
    let applied: HashMap<_, _> = applied
        .into_iter()
        .map(|applied| (applied.version, applied.checksum))
        .collect();
    for migration in POSTGRES.iter() {
        match applied.get(&migration.version) {
            None if migration.no_tx => build(connection, waiting, migration).await?,
            None => change(connection, waiting, migration).await?,
            Some(checksum) if *checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version).into()),
        }
    }
    Ok(())
}

/// Takes the lock of whoever migrates, without a transaction in the pauses.
async fn lock(connection: &mut PgConnection, waiting: &mut Waiting) -> Result<(), StoreError> {
    loop {
        let asked = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        if asked.fetch_one(&mut *connection).await? {
            return Ok(());
        }
        waiting.look_for_holders(LOCK).await?;
        waiting.wait("the lock of migrations", LOCK_PAUSE)?;
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

/// Applies a migration that is one transaction, again and again until it has had its locks.
async fn change(
    connection: &mut PgConnection,
    waiting: &mut Waiting,
    migration: &Migration,
) -> Result<(), StoreError> {
    connection.execute(LOCK_TIMEOUT).await?;
    let (mut pause, longest) = PAUSES;
    loop {
        let begun = Instant::now();
        let applied = connection.apply(TABLE, migration);
        match watched(applied, waiting, None).await {
            Err(error) if is_lock_timeout(&error) => {}
            done => return Ok(done.map(drop)?),
        }
        waiting.wait(&name(migration), begun.elapsed() + pause)?;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// Builds an index, which waits for everybody who uses the table or has a snapshot, while they go
/// on. A limit for each lock would only have it begin again.
async fn build(
    connection: &mut PgConnection,
    waiting: &mut Waiting,
    migration: &Migration,
) -> Result<(), StoreError> {
    connection.execute("SET lock_timeout = 0").await?;
    let name = name(migration);
    if let Some(index) = index_of(migration) {
        // What an interruption has left: `IF NOT EXISTS` would take it for the index, which no
        // query uses.
        let query = "SELECT COUNT(*) FROM pg_index
             WHERE indexrelid = to_regclass($1) AND NOT indisvalid";
        let left: i64 = sqlx::query_scalar(query)
            .bind(index)
            .fetch_one(&mut *connection)
            .await?;
        if left > 0 {
            tracing::warn!(
                index,
                "the building of an index was interrupted: it begins again"
            );
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
            let dropped = connection.execute(AssertSqlSafe(drop));
            watched(dropped, waiting, Some(&name))
                .await
                .map_err(|error| waiting.over(&name).unwrap_or_else(|| error.into()))?;
        }
    }
    let applied = connection.apply(TABLE, migration);
    match watched(applied, waiting, Some(&name)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(waiting.over(&name).unwrap_or_else(|| error.into())),
    }
}

/// Waits for `statement`, and looks at whom it waits for meanwhile. Where `cancels` names it, that
/// is counted, and the statement is cancelled when it is too long.
async fn watched<T, E>(
    statement: impl Future<Output = Result<T, E>>,
    waiting: &mut Waiting,
    cancels: Option<&str>,
) -> Result<T, E> {
    tokio::pin!(statement);
    let mut looks = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            done = &mut statement => return done,
            _ = looks.tick() => {}
        }
        if waiting.look_for_blockers().await
            && let Some(name) = cancels
            && waiting.wait(name, LOOK).is_err()
        {
            waiting.cancel().await;
        }
    }
}

fn is_lock_timeout(error: &MigrateError) -> bool {
    let (MigrateError::Execute(sqlx::Error::Database(error))
    | MigrateError::ExecuteMigration(sqlx::Error::Database(error), _)) = error
    else {
        return false;
    };
    error.code().as_deref() == Some(LOCK_NOT_AVAILABLE)
}

/// The index that a migration builds.
fn index_of(migration: &Migration) -> Option<&str> {
    let (_, rest) = migration.sql.as_str().split_once(INDEX_FORM)?;
    rest.split_whitespace().next()
}

fn name(migration: &Migration) -> String {
    format!(
        "migration {} ({})",
        migration.version, migration.description
    )
}
