//! Connections to SQLite: one that writes, several that read.

mod checkpoint;
mod deadline;
mod files;
mod inline;
mod readers;
mod reserve;

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

pub(crate) use self::deadline::Deadline;
pub(crate) use self::files::Files;
pub(crate) use self::inline::Inline;
pub(crate) use self::readers::{Loan, Readers};
use self::reserve::Reserve;
use crate::StoreError;
use crate::sql::sql;
use crate::url::Checkpoints;

/// The longest wait for another process's write, and for the connection that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The time within which a connection for reading is lent, and within which a read is answered.
const PATIENCE: Duration = Duration::from_millis(900);

/// The time that one statement of a transaction may take, for which all other writers wait.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// The number of additional connections for resolving callers.
const CALLER_CONNECTIONS: u32 = 2;

/// The memory for pages of each connection that looks callers up on the calling thread: 8 MiB hold
/// the upper levels of the trees of a million keys.
const CALLER_CACHE_KIB: i64 = 8_192;

/// The memory for pages of each connection for the small reads of handlers.
const READ_CACHE_KIB: i64 = 1_024;

/// The page size of a new file. Larger pages make flatter trees, so that the first sight of a key
/// touches fewer places in a file with very many.
const PAGE_BYTES: u32 = 16_384;

/// Connections that are never closed, see [`keep_open`].
static KEPT_OPEN: Mutex<Vec<SqliteConnection>> = Mutex::new(Vec::new());

#[derive(Clone)]
pub(crate) struct Sqlite {
    /// A pool of one: whoever holds the connection is the writer.
    pub(crate) writer: SqlitePool,
    /// The deadline of the statements of whichever connection is the writer.
    pub(crate) write_deadline: Deadline,
    pub(crate) readers: Arc<Readers>,
    /// For the question who is calling alone: no other reads hold it up.
    callers: Arc<Readers>,
    /// For the same question on the calling thread.
    pub(crate) inline: Arc<Inline>,
    /// For the small reads of handlers on the calling thread. Apart from those for callers, so that
    /// no handler keeps a check waiting, nor takes the memory of the keys' index for its pages.
    pub(crate) inline_reads: Arc<Inline>,
    /// For one more reader.
    pub(crate) options: SqliteConnectOptions,
    pub(crate) files: Arc<Files>,
    pub(crate) reserve: Arc<Reserve>,
    pub(crate) checkpoints: Checkpoints,
}

impl Sqlite {
    /// Opens the file, which has to be there.
    pub(crate) async fn open(
        file: &Path,
        readers: u32,
        checkpoints: Checkpoints,
    ) -> Result<Self, StoreError> {
        let file = absolute(file)?;
        let options = options(&file);
        let mut writing = options
            .clone()
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        if checkpoints == Checkpoints::External {
            writing = writing.pragma("wal_autocheckpoint", "0");
        }
        let write_deadline = Deadline::new(WRITE_LIMIT);
        let (deadline, acquired) = (write_deadline.clone(), write_deadline.clone());
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let deadline = deadline.clone();
                Box::pin(async move { deadline.install(connection).await })
            })
            // A full disk makes SQLite undo a transaction by itself, after which the connection's
            // own count of transactions is wrong for good: such a connection is replaced.
            .before_acquire(move |connection, _| {
                // Nothing runs on it: the pool has asked it since.
                acquired.reset();
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .connect_with(writing)
            .await?;
        // After the first opening for writing, by which some layered file systems give a file
        // another inode, and before all others: what they open is what the name stands for now, or
        // the check at the end finds it.
        let files = Arc::new(Files::at(file.clone()).map_err(sqlx::Error::Io)?);
        // Where the log is, which is beside the file that a link leads to.
        let reserve = Reserve::beside(&file.canonicalize().map_err(sqlx::Error::Io)?);
        reserve.notice();
        let options = options.read_only(true);
        if checkpoints == Checkpoints::External {
            keep_open(&options).await?;
        }
        let opened = Self {
            writer,
            write_deadline,
            readers: Arc::new(Readers::open(&options, readers).await?),
            callers: Arc::new(Readers::open(&options, CALLER_CONNECTIONS).await?),
            inline: Arc::new(Inline::open(&file, CALLER_CACHE_KIB)?),
            inline_reads: Arc::new(Inline::open(&file, READ_CACHE_KIB)?),
            options,
            files,
            reserve: Arc::new(reserve),
            checkpoints,
        };
        opened.files.check()?;
        Ok(opened)
    }

    /// One more connection for reading, for whoever keeps it.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        self.files.check()?;
        let mut connection = self.options.connect().await?;
        // The log is there from the first reading on.
        sql("SELECT COUNT(*) AS count FROM sqlite_schema")
            .count(&mut connection)
            .await?;
        self.files.note_log();
        self.files.check()?;
        Ok(connection)
    }

    /// Closes every connection, the one that writes at the end: the last to close a file empties
    /// its log, which a connection that only reads cannot.
    pub(crate) async fn close(&self) {
        self.inline.close();
        self.inline_reads.close();
        self.readers.close().await;
        self.callers.close().await;
        self.writer.close().await;
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

/// Returns the options that every connection to a file has in common.
fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(uri(file))
        .busy_timeout(BUSY)
        .foreign_keys(true)
        // What is mapped of a file that somebody shortens kills the process when it is read.
        .pragma("mmap_size", "0")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// The name of a file as the driver wants it: a URI (<https://www.sqlite.org/uri.html>). Plain names
/// are not safe: the driver takes UTF-8 alone, and SQLite reads what begins with `file:` as a URI.
fn uri(file: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                uri.push(char::from(*byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

/// The path from the root, as URIs have it; the current folder may change later.
fn absolute(file: &Path) -> Result<PathBuf, StoreError> {
    Ok(std::path::absolute(file).map_err(sqlx::Error::Io)?)
}

/// The newest migration of ours that a file has; `None` where there is none, or no file. Changes
/// nothing, not even in a file of somebody else.
pub(crate) async fn newest_migration(file: &Path) -> Result<Option<i64>, StoreError> {
    let file = absolute(file)?;
    // A missing file cannot be opened, but neither can many others.
    if !file.try_exists().map_err(sqlx::Error::Io)? {
        return Ok(None);
    }
    let mut connection = options(&file).read_only(true).connect().await?;
    let newest = crate::migration::newest(&mut connection).await;
    connection.close().await?;
    newest
}

/// Keeps one connection to a file for as long as the process lives.
///
/// Whoever closes the last connection to a file moves the log into it and deletes the log. While
/// this one is open no other is the last, and the end of the process closes nothing.
async fn keep_open(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    // It holds the file from its first reading on.
    sql("SELECT COUNT(*) AS count FROM sqlite_schema")
        .count(&mut connection)
        .await?;
    let mut kept = KEPT_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(connection);
    Ok(())
}

/// Makes the file, where it is missing, so that nobody but its owner can read it.
pub(crate) fn keep_private(file: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(sqlx::Error::Io(error).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_uri_stands_for_every_byte_of_a_path() {
        let path = OsStr::from_bytes(b"/srv/C#/100%/a:b/a?b/ \"'/\xff/v.db");
        assert_eq!(
            uri(Path::new(path)),
            "file:///srv/C%23/100%25/a%3Ab/a%3Fb/%20%22%27/%FF/v.db"
        );
    }
}
