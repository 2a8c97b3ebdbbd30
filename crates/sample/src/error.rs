//! What can go wrong in a handler, and which answer it becomes.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use sqlx::error::{DatabaseError, ErrorKind};
use vestibule_layer::model::Invalid;
use vestibule_layer::{FieldError, Problem, Refusal};

/// The end of a handler that did not do what was asked.
#[derive(Debug)]
pub(crate) enum Error {
    /// It has an answer already.
    Problem(Problem),
    /// The database refused, and [`problem`] says what that means for the caller.
    Database(sqlx::Error),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Problem(refusal.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Problem(problem) => problem,
            Error::Database(error) => problem(&error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Refuses one field.
pub(crate) fn refused(name: &str, reason: &'static str, message: impl Into<String>) -> Problem {
    Problem::invalid(vec![FieldError::new(name, Invalid::new(reason, message))])
}

/// 409: another folder or document has the path already.
pub(crate) fn name_taken() -> Problem {
    Problem::conflict(
        "name_conflict",
        "There is something of this name in that folder already.",
    )
    .hint("Choose another name, or another folder.")
}

/// The time after which the database may be back.
const RETRY: Duration = Duration::from_secs(2);

fn problem(error: &sqlx::Error) -> Problem {
    let cause = match error {
        sqlx::Error::Database(error) if error.kind() == ErrorKind::UniqueViolation => {
            return name_taken();
        }
        sqlx::Error::Database(error) => of_database(error.as_ref()),
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Cause::Full,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Cause::Away,
        _ => Cause::Fault,
    };
    match cause {
        Cause::Away => {
            tracing::warn!(%error, "the sample's database is not available");
            Problem::unavailable(
                "store_unavailable",
                "The database does not answer now.",
                RETRY,
            )
        }
        Cause::Full => {
            tracing::error!(%error, "the sample's database has no space left");
            Problem::unavailable(
                "store_full",
                "The database has no space left; nothing was changed.",
                RETRY,
            )
        }
        Cause::Fault => {
            tracing::error!(%error, "the sample's database refused a query");
            Problem::internal()
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Cause {
    Away,
    Full,
    Fault,
}

fn of_database(error: &dyn DatabaseError) -> Cause {
    error.code().map_or(Cause::Fault, |code| of_code(&code))
}

/// SQLite's result codes have four digits at most and their class in the low byte
/// (<https://www.sqlite.org/rescode.html>); those of PostgreSQL have five characters and their
/// class in the first two (its documentation, appendix A).
fn of_code(code: &str) -> Cause {
    match (code.len(), code.parse::<u32>()) {
        (..5, Ok(code)) => match code & 0xff {
            // Busy, locked, read-only, input or output, cannot open.
            5 | 6 | 8 | 10 | 14 => Cause::Away,
            13 => Cause::Full,
            _ => Cause::Fault,
        },
        _ => match code {
            "53100" => Cause::Full,
            // Failed serialisation, deadlock, lock not available, standby, cancelled.
            "40001" | "40P01" | "55P03" | "25006" | "57014" => Cause::Away,
            // Connection, resources, operator intervention, system.
            _ if ["08", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default()) => {
                Cause::Away
            }
            _ => Cause::Fault,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_both_engines_say_who_has_to_act() {
        for away in ["5", "261", "10", "4874", "57P01", "08006", "40001"] {
            assert_eq!(of_code(away), Cause::Away, "{away}");
        }
        assert_eq!(of_code("13"), Cause::Full);
        assert_eq!(of_code("53100"), Cause::Full);
        assert_eq!(of_code("1"), Cause::Fault);
        assert_eq!(of_code("42601"), Cause::Fault);
    }
}
