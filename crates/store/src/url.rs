//! Where the database is.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// The address of a database: `sqlite:/var/lib/vestibule/vestibule.db`, or
/// `postgres://user:password@host:5432/database`.
///
/// Takes the text after `sqlite:` (or `sqlite://`) literally as a path: `%`, `#`, `?` and `:` are
/// ordinary characters.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Engine);

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// The reason why a text is not the URL of a store. It does not repeat the text, which may hold a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Neither `sqlite:` nor `postgres://`.
    #[error("must begin with sqlite: or postgres://")]
    Scheme,
    /// `sqlite:` without a file, or with `:memory:`, which no second connection can see.
    #[error("must name a file after sqlite:, such as sqlite:/var/lib/vestibule/vestibule.db")]
    File,
    /// A file name that ends in parameters, which other programs would read as such.
    #[error("takes no parameters: what stands after sqlite: is the path of the file, as it is")]
    Parameters,
    /// Not a URL that PostgreSQL's clients understand.
    #[error("is not a PostgreSQL URL such as postgres://user@host:5432/database")]
    Postgres,
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() || file == ":memory:" || file.contains('\0') {
                return Err(StoreUrlError::File);
            }
            // A path may contain anything else, but `vestibule.db?mode=ro` was copied from
            // somewhere, and would make a file of this name.
            let name = file.rsplit('/').next().unwrap_or(file);
            if name
                .split_once('?')
                .is_some_and(|(_, rest)| rest.contains('='))
            {
                return Err(StoreUrlError::Parameters);
            }
            return Ok(Self::sqlite(file));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(StoreUrlError::Scheme);
        }
        let options = text.parse().map_err(|_| StoreUrlError::Postgres)?;
        Ok(Self(Engine::Postgres(Box::new(options))))
    }
}

impl StoreUrl {
    /// A file of SQLite.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self(Engine::Sqlite(file.into()))
    }

    /// Resolves the relative file of a SQLite database against `folder`.
    #[must_use]
    pub fn beside(self, folder: &Path) -> Self {
        match self.0 {
            Engine::Sqlite(file) => Self::sqlite(folder.join(file)),
            postgres @ Engine::Postgres(_) => Self(postgres),
        }
    }

    /// The file, where the database is SQLite.
    pub fn sqlite_file(&self) -> Option<&Path> {
        match &self.0 {
            Engine::Sqlite(file) => Some(file),
            Engine::Postgres(_) => None,
        }
    }
}

/// Prints the address without user and password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Engine::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Engine::Postgres(options) => write!(
                f,
                "postgres://{}:{}/{}",
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or_default()
            ),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The process that moves changes from SQLite's log (the file that ends in `-wal`) into the
/// database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checkpoints {
    /// This one: while it runs, when [`Store::run_checkpoints`](crate::Store::run_checkpoints) is
    /// due, and when the last connection to the file is closed.
    #[default]
    Auto,
    /// Another one, such as a tool for replication, which must see every page of the log: this
    /// process never does, not even when it ends.
    External,
}

/// The address of a database, and the share of it to use.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The address.
    pub url: StoreUrl,
    /// The number of connections to hold for reading (SQLite, which has one more for writing, and others
    /// for the question who is calling) or in all (PostgreSQL, which has one more for the change
    /// feed).
    pub connections: NonZeroU32,
    /// The process that empties the log. Without meaning on PostgreSQL.
    pub checkpoints: Checkpoints,
}

impl StoreOptions {
    /// Leaves the log of SQLite to this process or to another.
    #[must_use]
    pub const fn with_checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = checkpoints;
        self
    }
}

impl From<StoreUrl> for StoreOptions {
    /// Four connections to SQLite, ten to PostgreSQL.
    fn from(url: StoreUrl) -> Self {
        let connections = match url.0 {
            Engine::Sqlite(_) => 4,
            Engine::Postgres(_) => 10,
        };
        Self {
            url,
            connections: NonZeroU32::new(connections).unwrap_or(NonZeroU32::MIN),
            checkpoints: Checkpoints::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sqlite:/var/lib/v.db", "sqlite:/var/lib/v.db")]
    #[case("sqlite:///var/lib/v.db", "sqlite:/var/lib/v.db")]
    #[case("sqlite:v.db", "sqlite:v.db")]
    #[case(
        "sqlite:/srv/C#/100%/a:b/a?b/2026-11-30T15:10/v.db",
        "sqlite:/srv/C#/100%/a:b/a?b/2026-11-30T15:10/v.db"
    )]
    #[case("sqlite:/srv/%41=?/v.db", "sqlite:/srv/%41=?/v.db")]
    #[case(
        "postgres://ada:engine@db:5433/vestibule",
        "postgres://db:5433/vestibule"
    )]
    #[case("postgresql://db/vestibule", "postgres://db:5432/vestibule")]
    fn a_url_is_shown_without_its_password(#[case] text: &str, #[case] shown: &str) {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
        assert!(!format!("{:?}", StoreOptions::from(url)).contains("engine"));
    }

    #[rstest]
    #[case("", StoreUrlError::Scheme)]
    #[case("mysql://db", StoreUrlError::Scheme)]
    #[case("sqlite:", StoreUrlError::File)]
    #[case("sqlite::memory:", StoreUrlError::File)]
    #[case("sqlite:v.db?mode=ro", StoreUrlError::Parameters)]
    #[case(
        "sqlite:/srv/a?b/v.db?mode=rwc&cache=shared",
        StoreUrlError::Parameters
    )]
    #[case("postgres://db:notaport/x", StoreUrlError::Postgres)]
    fn other_texts_are_refused(#[case] text: &str, #[case] error: StoreUrlError) {
        assert_eq!(text.parse::<StoreUrl>().unwrap_err(), error);
    }
}
