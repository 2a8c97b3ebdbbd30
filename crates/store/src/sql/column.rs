//! What a column is read as.

use sqlx::Row as _;
use uuid::Uuid;
use vestibule_model::{
    ApiKeyId, AttemptId, AuditId, Capability, ConnectionId, DomainId, DomainName, Email, GrantId,
    GroupId, Name, OrganizationId, PlanName, RedirectUri, RedirectUriId, ResourceChangeId,
    ResourcePath, Role, SessionId, SigningKeyId, Timestamp, UserId,
};

use super::Row;
use crate::StoreError;

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
                    Row::Inline(row) => row.get(name)?,
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
                    Row::Inline(row) => row.get_ref(name)?.as_str().map_err(StoreError::corrupt)?,
                };
                text.parse().map_err(|error| StoreError::corrupt(format_args!("column {name} {error}")))
            }
        }
    )*};
}

text_columns!(
    Email,
    PlanName,
    Role,
    Capability,
    ResourcePath,
    DomainName,
    RedirectUri
);

impl Column for Name {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        Self::given(&String::read(row, name)?)
            .map_err(|error| StoreError::corrupt(format_args!("column {name} {error}")))
    }
}

macro_rules! id_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
                Uuid::read(row, name).map(Self::from_uuid)
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
    SigningKeyId,
    ConnectionId,
    DomainId,
    RedirectUriId,
    AttemptId,
    ResourceChangeId
);

impl Column for Timestamp {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        i64::read(row, name).map(Self::from_micros)
    }
}
