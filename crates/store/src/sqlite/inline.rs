//! Reading on the thread that asks, for the one question that requests wait for: who is calling.
//!
//! The other connections have a thread each, and handing a question over and its answer back costs
//! several times what SQLite takes to find it. Here a reader of a file in WAL mode waits for
//! nobody; where it had to after all, it gives up, and the question is asked in the patient way.
//!
//! It does wait for the disk, where a page of the file is in no memory: once for each page, since
//! the system then keeps it, and for no longer than the disk takes to read 16 KiB.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use crate::StoreError;
use crate::sql::{Query, Row, Value};

/// The memory for pages of each connection, negative as SQLite wants it: 8 MiB hold the upper levels
/// of the trees of a million keys.
const CACHE_KIB: i64 = -8_192;

/// The names of a query's places; a query with more is asked in the patient way.
const PLACES: [&str; 4] = ["$1", "$2", "$3", "$4"];

/// Connections that are used by whoever finds one free; none once they are closed.
pub(crate) struct Inline(Box<[Mutex<Option<Connection>>]>);

/// The question could not be answered at once.
#[derive(Debug)]
pub(crate) struct Unanswered;

impl From<rusqlite::Error> for Unanswered {
    fn from(error: rusqlite::Error) -> Self {
        tracing::debug!(%error, "a caller is looked up in the patient way");
        Self
    }
}

impl Inline {
    /// One connection for each processor: more could not read at one time.
    pub(crate) fn open(file: &Path) -> Result<Self, StoreError> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let open = || -> rusqlite::Result<_> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(file, flags)?;
            connection.busy_timeout(std::time::Duration::ZERO)?;
            connection.pragma_update(None, "mmap_size", 0)?;
            connection.pragma_update(None, "cache_size", CACHE_KIB)?;
            Ok(Mutex::new(Some(connection)))
        };
        let connections = (0..count).map(|_| open()).collect::<Result<_, _>>();
        Ok(Self(connections.map_err(|error| {
            StoreError::Unavailable(error.to_string())
        })?))
    }

    /// The row, where there is one, or that the question has to be asked in the patient way.
    pub(crate) fn optional<T>(
        &self,
        query: &Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Result<Option<T>, StoreError>, Unanswered> {
        let slot = self.free().ok_or(Unanswered)?;
        let connection = slot.as_ref().ok_or(Unanswered)?;
        let mut statement = connection.prepare_cached(query.text)?;
        let places = PLACES.get(..query.values.len()).ok_or(Unanswered)?;
        for (place, value) in places.iter().zip(&query.values) {
            let index = statement.parameter_index(place)?.ok_or(Unanswered)?;
            statement.raw_bind_parameter(index, value)?;
        }
        let mut rows = statement.raw_query();
        Ok(rows.next()?.map(|row| read(&Row::Inline(row))).transpose())
    }

    /// Closes them: every question is asked in the patient way from then on.
    pub(super) fn close(&self) {
        for slot in &self.0 {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    fn free(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        self.0.iter().find_map(|slot| match slot.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
            Err(TryLockError::WouldBlock) => None,
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
