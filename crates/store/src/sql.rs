//! One query, two engines.
//!
//! A query is one text with `$1`, `$2`, … and its values; a row is read column by column into the
//! model's own types. Which engine answers is decided here and nowhere above.

mod column;
mod value;

pub(crate) use column::Column;
use rusqlite::types::ValueRef;
use sqlx::{Row as _, SqliteConnection, ValueRef as _};
pub(crate) use value::Value;

use crate::sqlite::Deadline;
use crate::{StoreError, postgres};

/// A connection of either engine, for one statement, and what ends a statement that takes too
/// long.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection, Option<&'c Deadline>),
    Postgres(&'c mut postgres::Loan),
}

/// A connection that a query can run on: a reader of the store, or a transaction.
pub(crate) trait Source: Send {
    /// The connection, unless an earlier failure forbids to go on with it.
    fn connection(&mut self) -> Result<Connection<'_>, StoreError>;

    /// A query on this has failed.
    fn fail(&mut self, _error: &StoreError) {}
}

/// A query and its values.
pub(crate) struct Query {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
}

/// Begins a query.
pub(crate) fn sql(text: &'static str) -> Query {
    Query {
        text,
        values: Vec::new(),
    }
}

/// The sqlx query of either engine with all values bound.
macro_rules! bound {
    ($query:expr) => {{
        let Query { text, values } = $query;
        #[cfg(test)]
        crate::plans::seen(text, &values);
        let mut query = sqlx::query(text);
        for value in values {
            query = match value {
                Value::Integer(value) => query.bind(value),
                Value::Flag(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
                Value::Uuid(value) => query.bind(value),
            };
        }
        query
    }};
}

/// The answer of SQLite, which is interrupted at the deadline.
macro_rules! bounded {
    ($connection:ident, $deadline:ident, $query:expr) => {{
        let running = match $deadline {
            Some(deadline) => Some(deadline.start($connection).await?),
            None => None,
        };
        let answer = $query.await;
        if let Some(running) = running {
            running.end();
        }
        answer.map_err(StoreError::from)
    }};
}

/// The answer of PostgreSQL, waited for up to the limit of the loan.
macro_rules! answered {
    ($loan:ident, |$connection:ident| $query:expr) => {{
        let ($connection, wait) = $loan.start()?;
        let answer = wait.of($query).await;
        $loan.ended(answer)
    }};
}

fn heed<T>(source: &mut impl Source, answer: Result<T, StoreError>) -> Result<T, StoreError> {
    if let Err(error) = &answer {
        source.fail(error);
    }
    answer
}

impl Query {
    /// Adds the value of the next place.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; how many rows it changed.
    pub(crate) async fn execute(self, source: &mut impl Source) -> Result<u64, StoreError> {
        let done = match source.connection()? {
            Connection::Sqlite(connection, deadline) => {
                let done = bounded!(connection, deadline, bound!(self).execute(connection));
                done.map(|done| done.rows_affected())
            }
            Connection::Postgres(loan) => {
                let done = answered!(loan, |connection| bound!(self).execute(connection));
                done.map(|done| done.rows_affected())
            }
        };
        heed(source, done)
    }

    /// All rows.
    pub(crate) async fn all<T>(
        self,
        source: &mut impl Source,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match source.connection()? {
            Connection::Sqlite(connection, deadline) => {
                let rows = bounded!(connection, deadline, bound!(self).fetch_all(connection));
                let rows = heed(source, rows)?;
                rows.iter().map(|row| read(&Row::Sqlite(row))).collect()
            }
            Connection::Postgres(loan) => {
                let rows = answered!(loan, |connection| bound!(self).fetch_all(connection));
                let rows = heed(source, rows)?;
                rows.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// The row, where there is one.
    pub(crate) async fn optional<T>(
        self,
        source: &mut impl Source,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match source.connection()? {
            Connection::Sqlite(connection, deadline) => {
                let row = bounded!(
                    connection,
                    deadline,
                    bound!(self).fetch_optional(connection)
                );
                let row = heed(source, row)?;
                row.map(|row| read(&Row::Sqlite(&row))).transpose()
            }
            Connection::Postgres(loan) => {
                let row = answered!(loan, |connection| bound!(self).fetch_optional(connection));
                let row = heed(source, row)?;
                row.map(|row| read(&Row::Postgres(&row))).transpose()
            }
        }
    }

    /// The one row that such a query always has.
    pub(crate) async fn one<T>(
        self,
        source: &mut impl Source,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let text = self.text;
        let row = self.optional(source, read).await?;
        row.ok_or_else(|| StoreError::Other(format!("no row from {text}")))
    }

    /// The count that the query selects as `count`.
    pub(crate) async fn count(self, source: &mut impl Source) -> Result<u64, StoreError> {
        let count: i64 = self.one(source, |row| row.get("count")).await?;
        u64::try_from(count).map_err(StoreError::corrupt)
    }
}

/// One row of an answer.
pub(crate) enum Row<'r> {
    Sqlite(&'r sqlx::sqlite::SqliteRow),
    Postgres(&'r sqlx::postgres::PgRow),
    Inline(&'r rusqlite::Row<'r>),
}

impl Row<'_> {
    /// The value of a column, by its name.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T, StoreError> {
        T::read(self, name)
    }

    fn is_null(&self, name: &str) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get_raw(name)?.is_null(),
            Self::Postgres(row) => row.try_get_raw(name)?.is_null(),
            Self::Inline(row) => row.get_ref(name)? == ValueRef::Null,
        })
    }
}
