//! The header that sets or removes the session cookie.

use axum::response::AppendHeaders;
use http::HeaderValue;
use http::header::{HeaderName, SET_COOKIE};
use vestibule_http::Problem;

/// The one header of an answer that sets or removes the session cookie.
pub(super) type SetCookie = AppendHeaders<[(HeaderName, HeaderValue); 1]>;

/// Builds the header from the value of the cookie.
///
/// # Errors
/// 500 for a name that no header can carry, which the configuration refuses.
pub(super) fn set_cookie(value: Option<HeaderValue>) -> Result<SetCookie, Problem> {
    let value = value.ok_or_else(Problem::internal)?;
    Ok(AppendHeaders([(SET_COOKIE, value)]))
}
