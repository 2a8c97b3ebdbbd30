//! Why a page could not be shown.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use vestibule_accounts::Error;
use vestibule_http::{FieldError, Problem};
use vestibule_policy::Refusal;

/// What a handler gives: an answer, or a problem that is drawn as a page.
pub(crate) type Outcome = Result<Response, Failure>;

/// A problem, whatever it was before.
#[derive(Debug)]
pub(crate) struct Failure(Problem);

/// How long to wait before the store may be there again.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// How long to wait before an operator may have made room.
const SPACE_RETRY: Duration = Duration::from_secs(60);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.log();
        let (reason, sentence) = (error.reason(), error.to_string());
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
            Error::Conflict { .. } => Problem::conflict(reason, sentence),
            Error::TooManyGrants { .. } => Problem::bad_request(reason, sentence),
            Error::Forbidden(refusal) => refusal.into(),
            Error::Denied { .. } => Problem::forbidden(reason, sentence),
            Error::BadCredentials | Error::SignInFailed { .. } => {
                Problem::unauthorized(reason, sentence, false)
            }
            Error::CredentialEnded => Problem::unauthorized(reason, sentence, true),
            Error::Limited(limited) => Problem::limited(limited),
            Error::Busy { retry_after } => Problem::unavailable(reason, sentence, retry_after),
            Error::Unavailable(_) => Problem::unavailable(reason, sentence, STORE_RETRY),
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

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// 404: there is no such page, or nothing of that id here.
pub(crate) fn no_such(what: &str) -> Failure {
    Problem::not_found(what).into()
}

/// 404: this server has no single sign-on.
pub(crate) fn no_sso() -> Failure {
    Problem::new(
        StatusCode::NOT_FOUND,
        "sso_disabled",
        t!("problem.sso_disabled"),
    )
    .into()
}
