//! One query, two engines.
//!
//! A query is one text with `$1`, `$2`, … and its values; a row is read column by column into the
//! model's own types. Which engine answers is decided here and nowhere above.

use std::time::Duration;

use sqlx::{PgConnection, Row as _, SqliteConnection, ValueRef as _};
use uuid::Uuid;
use vestibule_model::{
    ApiKeyId, AuditId, Capability, Digest, Email, GrantId, GroupId, Name, OrgScope, OrganizationId,
    PlanName, ResourcePath, Role, SessionId, SigningKeyId, Timestamp, UserId,
};

use crate::StoreError;
use crate::page::Page;

/// How long one statement may take on PostgreSQL, which may be at the other end of a cut cable.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of either engine, for one statement.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// What a query can run on: a reader of the store, or a transaction.
pub(crate) trait Source: Send {
    fn connection(&mut self) -> Connection<'_>;
}

/// A value for a place in a query.
#[derive(Clone)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Flag(bool),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

/// A query and its values.
pub(crate) struct Query {
    text: &'static str,
    values: Vec<Value>,
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

async fn patiently<T>(
    query: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, query).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::Unavailable("no answer in time".to_owned())),
    }
}

impl Query {
    /// Adds the value of the next place.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds the two values of `LIMIT` and `OFFSET`.
    pub(crate) fn page(self, page: Page) -> Self {
        self.bind(i64::from(page.limit))
            .bind(i64::from(page.offset))
    }

    /// Runs it; how many rows it changed.
    pub(crate) async fn execute(self, source: &mut impl Source) -> Result<u64, StoreError> {
        match source.connection() {
            Connection::Sqlite(connection) => {
                let done = bound!(self).execute(connection).await?;
                Ok(done.rows_affected())
            }
            Connection::Postgres(connection) => {
                let done = patiently(bound!(self).execute(connection)).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// All rows.
    pub(crate) async fn all<T>(
        self,
        source: &mut impl Source,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match source.connection() {
            Connection::Sqlite(connection) => {
                let rows = bound!(self).fetch_all(connection).await?;
                rows.iter().map(|row| read(&Row::Sqlite(row))).collect()
            }
            Connection::Postgres(connection) => {
                let rows = patiently(bound!(self).fetch_all(connection)).await?;
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
        match source.connection() {
            Connection::Sqlite(connection) => {
                let row = bound!(self).fetch_optional(connection).await?;
                row.map(|row| read(&Row::Sqlite(&row))).transpose()
            }
            Connection::Postgres(connection) => {
                let row = patiently(bound!(self).fetch_optional(connection)).await?;
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
        })
    }
}

/// A type that a column can be read as.
pub(crate) trait Column: Sized {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError>;
}

impl<T: Column> Column for Option<T> {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        if row.is_null(name)? {
            Ok(None)
        } else {
            T::read(row, name).map(Some)
        }
    }
}

macro_rules! plain_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get(name)?,
                    Row::Postgres(row) => row.try_get(name)?,
                })
            }
        }
    )*};
}

plain_columns!(i64, bool, String, Vec<u8>, Uuid);

macro_rules! text_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
                let text: &str = match row {
                    Row::Sqlite(row) => row.try_get(name)?,
                    Row::Postgres(row) => row.try_get(name)?,
                };
                text.parse().map_err(|error| StoreError::corrupt(format_args!("column {name} {error}")))
            }
        }
    )*};
}

text_columns!(Email, Name, PlanName, Role, Capability, ResourcePath);

macro_rules! id_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
                Uuid::read(row, name).map(Self::from_uuid)
            }
        }

        impl From<$type> for Value {
            fn from(id: $type) -> Self {
                Self::Uuid(Some(id.uuid()))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(id: Option<$type>) -> Self {
                Self::Uuid(id.map(<$type>::uuid))
            }
        }
    )*};
}

id_columns!(
    UserId,
    OrganizationId,
    ApiKeyId,
    SessionId,
    GroupId,
    GrantId,
    AuditId,
    SigningKeyId
);

impl Column for Timestamp {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        i64::read(row, name).map(Self::from_micros)
    }
}

impl From<OrgScope> for Value {
    fn from(scope: OrgScope) -> Self {
        scope.organization_id().into()
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(Some(moment.as_micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(moment: Option<Timestamp>) -> Self {
        Self::Integer(moment.map(Timestamp::as_micros))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&Digest> for Value {
    fn from(digest: &Digest) -> Self {
        Self::Bytes(Some(digest.as_bytes().to_vec()))
    }
}

impl From<Option<&Digest>> for Value {
    fn from(digest: Option<&Digest>) -> Self {
        Self::Bytes(digest.map(|digest| digest.as_bytes().to_vec()))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

/// PostgreSQL has no NUL in its text. No type of the model lets one pass; what is free text (a
/// request id, a token's id) must not become an error on one engine alone.
fn without_nul(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(without_nul(text)))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(without_nul))
    }
}

macro_rules! text_values {
    ($($type:ty),*) => {$(
        impl From<&$type> for Value {
            fn from(text: &$type) -> Self {
                Self::Text(Some(text.as_str().to_owned()))
            }
        }

        impl From<Option<&$type>> for Value {
            fn from(text: Option<&$type>) -> Self {
                Self::Text(text.map(|text| text.as_str().to_owned()))
            }
        }
    )*};
}

text_values!(Email, Name, PlanName, ResourcePath);

impl From<Role> for Value {
    fn from(role: Role) -> Self {
        role.as_str().into()
    }
}

impl From<Capability> for Value {
    fn from(capability: Capability) -> Self {
        capability.as_str().into()
    }
}

impl From<Option<Capability>> for Value {
    fn from(capability: Option<Capability>) -> Self {
        capability.map(Capability::as_str).into()
    }
}
