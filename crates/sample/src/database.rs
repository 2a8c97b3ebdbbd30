//! The sample's own database: SQLite or PostgreSQL, through one driver and with one text of every
//! query.

mod file;
mod migration;
mod place;

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor, Row as _, Transaction};

use self::file::File;
pub use self::place::SampleDatabase;
use self::place::{Mode, Place};

/// An error of the sample's database. The messages never repeat a URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The URL is not one of PostgreSQL.
    #[error("the sample's database must be a file or postgres://user@host/database")]
    Url,
    /// There is no file, or it has none of the sample's tables.
    #[error("the sample's database has no tables of the sample")]
    Absent,
    /// The file cannot be made or looked at.
    #[error("the file of the sample's database cannot be used")]
    File(#[from] std::io::Error),
    /// The database cannot be reached or opened.
    #[error("the sample's database is not available")]
    Database(#[from] sqlx::Error),
    /// The tables cannot be made or brought up to date.
    #[error("the sample's tables cannot be brought up to date")]
    Migration(#[from] MigrateError),
}

/// The pools. On SQLite one connection writes, so that writers stand in a line instead of racing
/// for the file's lock; on PostgreSQL both are the same pool.
#[derive(Clone)]
pub(crate) struct Database {
    readers: AnyPool,
    writer: AnyPool,
    /// The file, where it is SQLite.
    file: Option<File>,
    /// Returns true while the disk is full and the room that is left is for others; asked for a file alone.
    reserved: Option<Reserved>,
}

/// A function that returns true while the room that is left on the disk is for something else than the sample.
pub(crate) type Reserved = Arc<dyn Fn() -> bool + Send + Sync>;

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// The time for which a request waits for a connection before it is told that the store is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECTIONS: u32 = 4;

impl Database {
    /// Opens a database that has the sample's tables.
    pub(crate) async fn connect(database: &SampleDatabase) -> Result<Self, SampleError> {
        if let Place::Sqlite(file) = &database.place {
            if !file.try_exists()? {
                return Err(SampleError::Absent);
            }
            // Before it is opened for writing, which turns on the log in somebody else's file, too.
            let mut connection = connection(&place::url(file, Mode::Read)?).await?;
            let has_tables = has_tables(&mut connection).await?;
            connection.close().await?;
            if !has_tables {
                return Err(SampleError::Absent);
            }
        }
        let opened = Self::open(database).await?;
        if !has_tables(&mut *opened.read().await?).await? {
            return Err(SampleError::Absent);
        }
        Ok(opened)
    }

    /// Opens a database whether it has tables or not; makes the file where SQLite has none.
    pub(crate) async fn create(database: &SampleDatabase) -> Result<Self, SampleError> {
        if let Place::Sqlite(file) = &database.place {
            file::keep_private(file)?;
        }
        Self::open(database).await
    }

    async fn open(database: &SampleDatabase) -> Result<Self, SampleError> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_connections(CONNECTIONS);
        let path = match &database.place {
            Place::Postgres(url) => {
                let readers = pool.connect_with(options(url)?).await?;
                let writer = readers.clone();
                return Ok(Self {
                    readers,
                    writer,
                    file: None,
                    reserved: None,
                });
            }
            Place::Sqlite(path) => path,
        };
        let options = options(&place::url(path, Mode::Write)?)?;
        let external = database.external_checkpoints;
        let pool = pool.after_connect(move |connection, _| {
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
                if external {
                    connection.execute("PRAGMA wal_autocheckpoint = 0").await?;
                }
                Ok(())
            })
        });
        let writer = pool
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        let file = File::opened(path, external)?;
        if external {
            file.keep_open().await?;
        }
        let readers = pool.connect_with(options).await?;
        let file = Some(file);
        Ok(Self {
            readers,
            writer,
            file,
            reserved: None,
        })
    }

    /// Brings the tables up to date; makes them where there are none.
    pub(crate) async fn migrate(&self) -> Result<(), SampleError> {
        if self.file.is_some() {
            return Ok(migration::on_sqlite(&self.writer).await?);
        }
        // The lock of migrations goes with its connection, also where one of them fails.
        let mut connection = self.writer.acquire().await?.detach();
        let done = migration::on_postgres(&mut connection).await;
        connection.close().await?;
        Ok(done?)
    }

    pub(crate) async fn read(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        self.readers.acquire().await
    }

    /// A transaction. Its first statement has to be a write: SQLite then takes the lock at once,
    /// and waits for it, where a reader that turns writer is refused.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        let transaction = self.writer.begin().await?;
        // After the wait for the one connection that writes, which may have been long.
        if self.file.is_some() && self.reserved.as_ref().is_some_and(|reserved| reserved()) {
            return Err(sqlx::Error::Io(std::io::ErrorKind::StorageFull.into()));
        }
        Ok(transaction)
    }

    /// Refuses writes to a file while `reserved` says so.
    pub(crate) fn reserve(&mut self, reserved: Reserved) {
        self.reserved = Some(reserved);
    }

    /// The file, where it is SQLite.
    pub(crate) const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Refuses every further query, and closes the connections once they are free. Empties the log of
    /// SQLite before.
    pub(crate) async fn close(&self) {
        if let Some(file) = &self.file {
            let emptied = if file.is_lost() {
                file.empty_lost_log(&self.writer).await
            } else {
                file.empty_log().await.map(drop)
            };
            match emptied {
                // It was closed before.
                Ok(()) | Err(sqlx::Error::PoolClosed) => {}
                Err(error) => {
                    tracing::warn!(%error, "the log of the sample's database was not emptied");
                }
            }
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, SampleError> {
    url.parse().map_err(|_| SampleError::Url)
}

async fn connection(url: &str) -> Result<AnyConnection, sqlx::Error> {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await
}

/// Returns true if the sample's tables exist, in whichever version.
async fn has_tables(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let query = match connection.backend_name() {
        "SQLite" => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sample_node'",
        _ => "SELECT COUNT(to_regclass('sample_node'))",
    };
    let row = sqlx::query(query).fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}
