//! Reads on the calling thread: the lookup of a caller, and what handlers read by primary key.
//!
//! The other connections have a thread each, and handing a statement over and its answer back costs
//! several times what SQLite takes to find it. Here a reader of a file in WAL mode waits for
//! nobody; where it had to after all, it gives up, and the statement runs on a pooled connection.
//!
//! It does wait for the disk where a page of the file is in no memory: once for each page, since
//! the system then keeps it, and for no longer than the disk takes to read 16 KiB. A statement is
//! interrupted at [`LIMIT`], so that the other tasks of the runtime's thread wait no longer.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use super::deadline::INSTRUCTIONS;
use crate::StoreError;
use crate::sql::{Query, Row, Value};

/// The time after which a statement is interrupted, and runs on a pooled connection instead. Reads
/// by primary key take some microseconds, and below a millisecond with a cold page of the file.
const LIMIT: Duration = Duration::from_millis(20);

/// The names of a query's places; a query with more runs on a pooled connection.
const PLACES: [&str; 8] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"];

/// The number of statements that a connection keeps prepared: more than are ever read inline.
const STATEMENTS: usize = 32;

/// A set of connections, each used by one thread at a time; empty slots once they are closed.
pub(crate) struct Inline(Box<[Mutex<Option<Prompt>>]>);

/// A connection whose statements are interrupted at a deadline.
struct Prompt {
    connection: Connection,
    deadline: Arc<Deadline>,
}

/// The end of the statement that runs, in microseconds from `origin`.
struct Deadline {
    origin: Instant,
    until: AtomicU64,
}

impl Deadline {
    fn micros(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn start(&self, limit: Duration) {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        // Relaxed: the handler runs on this very thread.
        let until = self.micros().saturating_add(limit);
        self.until.store(until, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.micros() >= self.until.load(Ordering::Relaxed)
    }
}

/// The statement could not be answered at once.
#[derive(Debug)]
pub(crate) struct Unanswered;

impl From<rusqlite::Error> for Unanswered {
    fn from(error: rusqlite::Error) -> Self {
        tracing::debug!(%error, "a statement goes to a pooled connection");
        Self
    }
}

impl Inline {
    /// Opens one connection for each processor, since more could not read at one time, each with
    /// `cache_kib` KiB of memory for pages.
    pub(crate) fn open(file: &Path, cache_kib: i64) -> Result<Self, StoreError> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let connections = (0..count).map(|_| Prompt::open(file, cache_kib).map(Some));
        let connections = connections.map(|opened| opened.map(Mutex::new));
        let connections = connections.collect::<rusqlite::Result<_>>();
        Ok(Self(connections.map_err(|error| {
            StoreError::Unavailable(error.to_string())
        })?))
    }

    /// Returns the first row, if any; [`Unanswered`] where the query has to run on a pooled
    /// connection.
    pub(crate) fn optional<T>(
        &self,
        query: &Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Result<Option<T>, StoreError>, Unanswered> {
        self.with_rows(query, |rows| {
            Ok(rows.next()?.map(|row| read(&Row::Inline(row))).transpose())
        })
    }

    /// Returns all rows; [`Unanswered`] where the query has to run on a pooled connection.
    pub(crate) fn all<T>(
        &self,
        query: &Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Result<Vec<T>, StoreError>, Unanswered> {
        self.with_rows(query, |rows| {
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                match read(&Row::Inline(row)) {
                    Ok(item) => found.push(item),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(found))
        })
    }

    fn with_rows<T>(
        &self,
        query: &Query,
        take: impl FnOnce(&mut rusqlite::Rows<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Unanswered> {
        let slot = self.free().ok_or(Unanswered)?;
        let Prompt {
            connection,
            deadline,
        } = slot.as_ref().ok_or(Unanswered)?;
        #[cfg(test)]
        crate::plans::seen(query.text, &query.values);
        deadline.start(LIMIT);
        let mut statement = connection.prepare_cached(query.text)?;
        let places = PLACES.get(..query.values.len()).ok_or(Unanswered)?;
        for (place, value) in places.iter().zip(&query.values) {
            let index = statement.parameter_index(place)?.ok_or(Unanswered)?;
            statement.raw_bind_parameter(index, value)?;
        }
        // Dropped before the slot is free: a statement that is not reset would keep its snapshot,
        // and the log could not be emptied.
        let mut rows = statement.raw_query();
        Ok(take(&mut rows)?)
    }

    /// Closes them: every statement goes to a pooled connection from then on.
    pub(super) fn close(&self) {
        for slot in &self.0 {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn free(&self) -> Option<MutexGuard<'_, Option<Prompt>>> {
        self.0.iter().find_map(|slot| match slot.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
            Err(TryLockError::WouldBlock) => None,
        })
    }
}

impl Prompt {
    fn open(file: &Path, cache_kib: i64) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        // Waiting is for the pooled connections, which have threads of their own.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "mmap_size", 0)?;
        // Negative as SQLite wants it, or it would count pages.
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let deadline = Arc::new(Deadline {
            origin: Instant::now(),
            until: AtomicU64::new(u64::MAX),
        });
        let heeded = Arc::clone(&deadline);
        connection.progress_handler(INSTRUCTIONS, Some(move || heeded.is_over()))?;
        Ok(Self {
            connection,
            deadline,
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = |value| ToSqlOutput::Borrowed(value);
        Ok(match self {
            Self::Integer(Some(number)) => (*number).into(),
            Self::Flag(flag) => i64::from(*flag).into(),
            Self::Text(Some(text)) => borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(Some(bytes)) => borrowed(ValueRef::Blob(bytes)),
            Self::Uuid(Some(uuid)) => borrowed(ValueRef::Blob(uuid.as_bytes())),
            Self::Integer(None) | Self::Text(None) | Self::Bytes(None) | Self::Uuid(None) => {
                borrowed(ValueRef::Null)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::sql;

    #[test]
    fn a_statement_that_takes_too_long_is_interrupted_and_the_next_one_answered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.db");
        Connection::open(&file).unwrap();
        let inline = Inline::open(&file, 64).unwrap();
        let endless = sql(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
             SELECT COUNT(*) AS count FROM n",
        );
        let count = |row: &Row<'_>| row.get::<i64>("count");
        assert!(inline.optional(&endless, count).is_err());
        let answered = inline.all(&sql("SELECT 2 AS count"), count);
        assert_eq!(answered.unwrap().unwrap(), [2]);
    }
}
