//! What goes wrong in `accounts`, as a problem: where each error gets its status.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use vestibule_accounts::Error;
use vestibule_http::{FieldError, Problem};
use vestibule_policy::Refusal;

/// The result of a handler.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The reason why a handler did not do what was asked: a [`Problem`], whatever it was before.
#[derive(Debug)]
pub struct Failure(Problem);

/// The time after which the store may be back.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// The time after which an operator may have made room.
const SPACE_RETRY: Duration = Duration::from_secs(60);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.log();
        let reason = error.reason();
        let sentence = error.to_string();
        Self(match error {
            Error::NotFound { what } => Problem::not_found(what),
            Error::Invalid(fields) => Problem::invalid(
                fields
                    .into_iter()
                    .map(|field| FieldError {
                        field: field.field,
                        reason: field.reason.into(),
                        message: field.message,
                    })
                    .collect(),
            ),
            Error::Conflict { reason, message } => Problem::conflict(reason, message),
            Error::TooManyGrants { .. } => Problem::bad_request(reason, sentence)
                .code("permission_limit")
                .hint("Delete a grant, or grant a folder above several of them."),
            Error::TooManyNewKeys {
                max,
                window,
                retry_after,
            } => Problem::too_many(reason, sentence, retry_after)
                .used_up("api_keys_per_day", max.into(), window, retry_after)
                .hint("Keep keys for longer instead of creating one for each piece of work."),
            Error::Forbidden(refusal) => refusal.into(),
            Error::BadCredentials => Problem::unauthorized(reason, sentence, false)
                .hint("Check both, or ask an administrator whether the user is active."),
            Error::Denied { message, .. } => Problem::forbidden(reason, message),
            Error::SignInFailed { message, .. } => {
                Problem::unauthorized(reason, message, false).hint("Begin the sign-in again.")
            }
            Error::CredentialEnded => {
                Problem::unauthorized(reason, sentence, true).hint("Sign in again.")
            }
            Error::Busy { retry_after } => Problem::unavailable(reason, sentence, retry_after),
            Error::Limited(limited) => Problem::limited(limited),
            Error::Unavailable(_) => Problem::unavailable(reason, sentence, STORE_RETRY),
            Error::Uncertain(_) => Problem::unavailable(reason, sentence, STORE_RETRY)
                .hint("The change may have been made: look before you ask for it again."),
            Error::Full(_) => Problem::unavailable(reason, sentence, SPACE_RETRY)
                .hint("Ask the operator to make room on the disk."),
            Error::Internal(_) => Problem::internal(),
        })
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<Failure> for Problem {
    fn from(error: Failure) -> Self {
        error.0
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
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
        let problem = Problem::from(Failure::from(error));
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
            let problem = Problem::from(Failure::from(error));
            let debug = format!("{problem:?}");
            assert!(
                !debug.contains("secret.db") && !debug.contains("column"),
                "{debug}"
            );
        }
    }
}
