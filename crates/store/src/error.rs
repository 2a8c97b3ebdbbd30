//! What can go wrong with the store, by what the caller can do about it.

use sqlx::error::{DatabaseError, ErrorKind};

/// A query or a transaction that failed. The messages name tables and columns, never values.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, busy, read-only or too slow: the same call may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Another change is in the way, or too many at once: the same call may succeed in a moment.
    #[error("the database is busy: {0}")]
    Contended(String),
    /// A commit was not answered: the change may have been made.
    #[error("the database did not confirm the change: {0}")]
    Uncertain(String),
    /// There is no database of this program: no file, an empty one, or somebody else's tables.
    #[error("there is no database: {0}")]
    Absent(String),
    /// The world is not as the caller thought: nothing was written.
    #[error("the change conflicts with what is stored: {0:?}")]
    Conflict(Conflict),
    /// The disk is full: reads go on, writes do not.
    #[error("the database has no space left: {0}")]
    Full(String),
    /// A stored value that this version would not have written, or a damaged file.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// A fault of this program: a query that the database does not accept, a refused migration.
    #[error("the database refused the query: {0}")]
    Other(String),
}

/// The constraint that a refused row violates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Another user has this e-mail address.
    Email,
    /// The user is a member already.
    Membership,
    /// Another group of the organisation has this name.
    GroupName,
    /// The user is in the group already.
    GroupMember,
    /// An organisation claims this domain already, or another has proved it.
    Domain,
    /// The organisation has registered this redirect URI already.
    RedirectUri,
    /// Another user is this person at the provider, or the user is another person there.
    SsoIdentity,
    /// A row that refers to one that does not exist.
    Reference,
    /// A row with the same id or digest exists.
    Identity,
}

impl StoreError {
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::Database(error) => from_database(error.as_ref()),
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed => Self::Unavailable(error.to_string()),
            Error::ColumnDecode { .. } | Error::Decode(_) => Self::corrupt(error),
            other => Self::Other(other.to_string()),
        }
    }
}

/// Of a row that was found: what stands in it is not what was asked for.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::corrupt(error)
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Other(other.to_string()),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Conflict(collision(error)),
        ErrorKind::ForeignKeyViolation => return StoreError::Conflict(Conflict::Reference),
        _ => {}
    }
    let text = error.to_string();
    let code = error.code().unwrap_or_default();
    match code.parse::<u32>() {
        // PostgreSQL's codes have five characters, and some are all digits.
        Ok(code)
            if error
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some() =>
        {
            from_sqlite(code, text)
        }
        _ => from_postgres(&code, text),
    }
}

/// By the primary result code, which is the low byte (<https://www.sqlite.org/rescode.html>).
fn from_sqlite(code: u32, text: String) -> StoreError {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const READONLY: u32 = 8;
    const INTERRUPT: u32 = 9;
    const IOERR: u32 = 10;
    const CORRUPT: u32 = 11;
    const FULL: u32 = 13;
    const CANTOPEN: u32 = 14;
    const NOTADB: u32 = 26;
    match code & 0xff {
        BUSY | LOCKED | READONLY | INTERRUPT | IOERR | CANTOPEN => StoreError::Unavailable(text),
        FULL => StoreError::Full(text),
        CORRUPT | NOTADB => StoreError::Corrupt(text),
        _ => StoreError::Other(text),
    }
}

/// By the SQLSTATE (PostgreSQL documentation, appendix A).
fn from_postgres(code: &str, text: String) -> StoreError {
    match code {
        "53100" => StoreError::Full(text),
        // Failed serialisation, deadlock, lock not available, statement timeout.
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Contended(text),
        // Read-only transaction (a standby).
        "25006" => StoreError::Unavailable(text),
        "XX001" | "XX002" => StoreError::Corrupt(text),
        // Connection, resources, operator intervention (shutting down, starting up), system.
        _ if ["08", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default()) => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Other(text),
    }
}

/// PostgreSQL names the constraint (`membership_pkey`), SQLite the columns
/// (`membership.organization_id, …`): both begin with the table, and both name the column of a
/// constraint that is not the primary key.
fn collision(error: &dyn DatabaseError) -> Conflict {
    let place = match error.constraint() {
        Some(name) => name,
        None => error.message().rsplit(": ").next().unwrap_or_default(),
    };
    if place.contains("email") {
        Conflict::Email
    } else if place.starts_with("sso_domain") && place.contains("name")
        || place.starts_with("sso_domain_verified")
    {
        Conflict::Domain
    } else if place.starts_with("redirect_uri") && place.contains("organization_id") {
        Conflict::RedirectUri
    } else if place.starts_with("sso_identity") {
        Conflict::SsoIdentity
    } else if place.starts_with("user_group") && place.contains("name") {
        Conflict::GroupName
    } else if place.starts_with("membership") {
        Conflict::Membership
    } else if place.starts_with("group_member") {
        Conflict::GroupMember
    } else {
        Conflict::Identity
    }
}

#[cfg(test)]
mod tests;
