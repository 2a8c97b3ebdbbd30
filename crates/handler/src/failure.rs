//! Errors of `accounts` as problems, each with its status.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use vestibule_accounts::Error;
use vestibule_http::{FieldError, Problem};
use vestibule_policy::Refusal;

/// The result of a handler.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// An error of a handler: the [`Problem`] that the caller gets, and the cause that the log gets when
/// the answer is sent.
#[derive(Debug)]
pub struct Failure {
    problem: Problem,
    /// The error of `accounts` that the problem was made from.
    cause: Option<Box<Error>>,
}

impl Failure {
    /// Writes the cause to the log, if the operator has to mend something, and returns the problem
    /// to answer with. To be called once, where the answer is sent.
    pub fn answer(self) -> Problem {
        if let Some(cause) = self.cause {
            cause.log();
        }
        self.problem
    }
}

/// The wait until the store may answer again.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// The wait until an operator may have made room.
const SPACE_RETRY: Duration = Duration::from_secs(60);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            problem: problem(&error),
            cause: Some(Box::new(error)),
        }
    }
}

/// Gives each error its status.
fn problem(error: &Error) -> Problem {
    let reason = error.reason();
    let sentence = error.to_string();
    match error {
        Error::NotFound { what } => Problem::not_found(what),
        Error::Invalid(fields) => Problem::invalid(fields.iter().map(field).collect()),
        Error::Conflict { message, .. } => Problem::conflict(reason, message.clone()),
        Error::TooManyGrants { .. } => Problem::bad_request(reason, sentence)
            .code("permission_limit")
            .hint("Delete a grant, or grant a folder above several of them."),
        Error::TooManyNewKeys {
            max,
            window,
            retry_after,
        } => Problem::too_many(reason, sentence, *retry_after)
            .used_up("api_keys_per_day", (*max).into(), *window, *retry_after)
            .hint("Keep keys for longer instead of creating one for each piece of work."),
        Error::Forbidden(refusal) => refusal.into(),
        Error::BadCredentials => Problem::unauthorized(reason, sentence, false)
            .hint("Check both, or ask an administrator whether the user is active."),
        Error::Denied { message, .. } => Problem::forbidden(reason, message.clone()),
        Error::SignInFailed { message, .. } => {
            Problem::unauthorized(reason, message.clone(), false).hint("Begin the sign-in again.")
        }
        Error::CredentialEnded => {
            Problem::unauthorized(reason, sentence, true).hint("Sign in again.")
        }
        Error::Busy { retry_after } => Problem::unavailable(reason, sentence, *retry_after),
        Error::Limited(limited) => Problem::limited(limited.clone()),
        Error::Unavailable(_) => Problem::unavailable(reason, sentence, STORE_RETRY),
        // The commit may have reached the store before the answer was lost.
        Error::Uncertain(_) => Problem::unavailable(reason, sentence, STORE_RETRY)
            .hint("The change may have been made: look before you ask for it again."),
        Error::Full(_) => Problem::unavailable(reason, sentence, SPACE_RETRY)
            .hint("Ask the operator to make room on the disk."),
        Error::Internal(_) => Problem::internal(),
    }
}

fn field(field: &vestibule_accounts::FieldError) -> FieldError {
    FieldError {
        field: field.field.clone(),
        reason: field.reason.into(),
        message: field.message.clone(),
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            cause: None,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.answer().into_response()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use rstest::rstest;
    use vestibule_check::Limited;
    use vestibule_http::ErrorFormat;
    use vestibule_model::Role;

    use super::*;

    fn limited() -> Limited {
        Limited {
            name: "sign_in".into(),
            count: 5,
            window: Duration::from_secs(60),
            retry_after: Duration::from_secs(12),
        }
    }

    #[rstest]
    #[case(Error::NotFound { what: "member" }, 404, "not_found")]
    #[case(
        Error::field("name", "empty_name", "must not be empty"),
        422,
        "empty_name"
    )]
    #[case(Error::Conflict { reason: "subsumed", message: String::new() }, 409, "subsumed")]
    #[case(Error::TooManyGrants { max: 50 }, 400, "permission_limit")]
    #[case(
        Error::TooManyNewKeys { max: 9, window: Duration::from_secs(60), retry_after: Duration::ZERO },
        429,
        "too_many_new_keys"
    )]
    #[case(Error::Forbidden(Refusal::Role { needs: Role::Admin }), 403, "role_required")]
    #[case(Error::Forbidden(Refusal::Narrowed), 403, "key_is_narrowed")]
    #[case(Error::BadCredentials, 401, "bad_credentials")]
    #[case(Error::CredentialEnded, 401, "credential_ended")]
    #[case(Error::Busy { retry_after: Duration::from_secs(1) }, 503, "busy")]
    #[case(Error::Limited(limited()), 429, "too_many_requests")]
    #[case(Error::Unavailable("away".into()), 503, "unavailable")]
    #[case(Error::Uncertain("silent".into()), 503, "timed_out")]
    #[case(Error::Full("full".into()), 503, "storage_full")]
    #[case(Error::Internal("broken".into()), 500, "internal_error")]
    fn each_error_has_its_status(#[case] error: Error, #[case] status: u16, #[case] reason: &str) {
        let problem = Failure::from(error).answer();
        let expected = StatusCode::from_u16(status).unwrap();
        assert_eq!(problem.status(ErrorFormat::ProblemJson), expected);
        assert_eq!(problem.reason(), reason);
    }

    #[test]
    fn a_failure_of_ours_does_not_tell_its_cause() {
        for error in [
            Error::Unavailable("/var/lib/secret.db is locked".into()),
            Error::Full("/var/lib/secret.db".into()),
            Error::Internal("no such column".into()),
        ] {
            let problem = Failure::from(error).answer();
            let debug = format!("{problem:?}");
            assert!(
                !debug.contains("secret.db") && !debug.contains("column"),
                "{debug}"
            );
        }
    }
}
