//! Connections to SQLite: one that writes, several that read.

mod inline;
mod readers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

pub(crate) use self::inline::Inline;
pub(crate) use self::readers::{Loan, Readers};
use crate::StoreError;

/// How long to wait for another process's write, and for one of the held connections.
const BUSY: Duration = Duration::from_secs(5);

/// How many connections more there are for the question who is calling.
const CALLER_CONNECTIONS: u32 = 2;

/// How much of the file is read through the page cache of the system instead of copied: 1 GiB.
const MMAP_BYTES: &str = "1073741824";

/// How large the pages of a new file are. Larger ones make flatter trees, so that the first sight
/// of a key touches fewer places in a file with very many.
const PAGE_BYTES: u32 = 16_384;

#[derive(Clone)]
pub(crate) struct Sqlite {
    /// A pool of one: whoever holds the connection is the writer.
    pub(crate) writer: SqlitePool,
    pub(crate) readers: Arc<Readers>,
    /// For the question who is calling alone: no other reads hold it up.
    callers: Arc<Readers>,
    /// For the same question, where it can be answered at once.
    pub(crate) inline: Arc<Inline>,
    pub(crate) options: SqliteConnectOptions,
}

impl Sqlite {
    pub(crate) async fn open(file: &Path, readers: u32) -> Result<Self, StoreError> {
        keep_private(file).map_err(sqlx::Error::Io)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("mmap_size", MMAP_BYTES)
            .pragma("temp_store", "memory")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // A full disk makes SQLite undo a transaction by itself, after which the connection's
            // own count of transactions is wrong for good: such a connection is replaced.
            .before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .connect_with(
                options
                    .clone()
                    .page_size(PAGE_BYTES)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full),
            )
            .await?;
        let options = options.read_only(true);
        Ok(Self {
            writer,
            readers: Arc::new(Readers::open(&options, readers).await?),
            callers: Arc::new(Readers::open(&options, CALLER_CONNECTIONS).await?),
            inline: Arc::new(Inline::open(file)?),
            options,
        })
    }

    /// One of the connections kept for the question who is calling, or, where these are in use,
    /// another that is free.
    pub(crate) async fn caller(&self) -> Result<Loan, StoreError> {
        match self
            .callers
            .try_acquire()
            .or_else(|| self.readers.try_acquire())
        {
            Some(loan) => Ok(loan),
            None => self.callers.acquire().await,
        }
    }
}

/// Makes the file, where it is missing, so that nobody but its owner can read it.
fn keep_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
