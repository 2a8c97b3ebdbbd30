//! Why a page could not be shown.

use axum::response::Response;
use http::StatusCode;
use vestibule_handler::Failure;
use vestibule_http::Problem;

/// The result of a handler: an answer, or a problem that is drawn as a page.
pub(crate) type Outcome = Result<Response, Failure>;

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
