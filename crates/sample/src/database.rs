//! The sample's own database: SQLite or PostgreSQL, by URL, through one driver and with one text of
//! every query.

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Executor, Transaction};

/// Why the sample cannot use its database. The messages never repeat the URL, which may hold a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The URL is of neither engine, or names no file.
    #[error(
        "the sample's database must be sqlite:/path/to/a/file or postgres://user@host/database"
    )]
    Url,
    /// The database cannot be reached or opened.
    #[error("the sample's database is not available")]
    Database(#[from] sqlx::Error),
    /// The tables cannot be made or brought up to date.
    #[error("the sample's tables cannot be brought up to date")]
    Migration(#[from] MigrateError),
}

/// The pools. On SQLite one connection writes, so that writers stand in a line instead of racing
/// for the file's lock; on PostgreSQL both are the same pool.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    readers: AnyPool,
    writer: AnyPool,
}

/// How long a request waits for a connection before it is told that the store is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECTIONS: u32 = 8;

impl Database {
    pub(crate) async fn connect(url: &str) -> Result<Self, SampleError> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_connections(CONNECTIONS);
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let readers = pool.connect_with(options(url)?).await?;
            let writer = readers.clone();
            return Ok(Self { readers, writer });
        }
        let file = url.strip_prefix("sqlite:").ok_or(SampleError::Url)?;
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file.contains([':', '?', '#', '%', '\0']) {
            return Err(SampleError::Url);
        }
        let options = options(&format!("sqlite:{file}?mode=rwc"))?;
        let pool = pool.after_connect(|connection, _| {
            Box::pin(async move {
                // FULL keeps what was acknowledged through a loss of power.
                for pragma in [
                    "PRAGMA busy_timeout = 5000",
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = FULL",
                    "PRAGMA foreign_keys = ON",
                ] {
                    connection.execute(pragma).await?;
                }
                Ok(())
            })
        });
        // The writer first: it makes the file.
        let writer = pool
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let readers = pool.connect_with(options).await?;
        Ok(Self { readers, writer })
    }

    pub(crate) async fn migrate(&self) -> Result<(), SampleError> {
        let mut migrator = sqlx::migrate!("./migrations");
        // Our own, since the database may hold the tables and migrations of others.
        migrator.dangerous_set_table_name("_sample_migrations");
        // A newer server may have been here, and this one must go on beside it.
        migrator.set_ignore_missing(true);
        migrator.run(&self.writer).await?;
        Ok(())
    }

    pub(crate) async fn read(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.readers.acquire().await
    }

    /// A transaction. Its first statement has to be a write: SQLite then takes the lock at once,
    /// and waits for it, where a reader that turns writer is refused.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.writer.begin().await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, SampleError> {
    url.parse().map_err(|_| SampleError::Url)
}
