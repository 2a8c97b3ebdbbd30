//! Single sign-on, as handlers get it, and what its answers to browsers have in common.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use vestibule_accounts::{Error, SignOut};
use vestibule_federation::Sso;
use vestibule_handler::Result;
use vestibule_http::Problem;

use crate::ApiState;

/// The operations of single sign-on, where the operator has not switched them off.
pub(crate) struct SingleSignOn(pub(crate) Sso);

impl FromRequestParts<ApiState> for SingleSignOn {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        state.sso.clone().map(Self).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "sso_disabled",
                "Single sign-on is switched off on this server.",
            )
            .hint("Ask the operator to set sso.enabled.")
        })
    }
}

/// Ends the sessions that a request presents; the URL at which the browser signs out at the
/// provider too, where there is such a place. `after` is where it goes then, and `field` what the
/// caller calls that.
pub(crate) async fn sign_out(
    state: &ApiState,
    presented: &SignOut<'_>,
    after: Option<&str>,
    field: &str,
) -> Result<Option<String>> {
    if let Some(sso) = &state.sso {
        let ended = sso.sign_out(presented, after).await;
        return Ok(ended.map_err(|error| match error {
            Error::Invalid(mut fields) => {
                for error in &mut fields {
                    field.clone_into(&mut error.field);
                }
                Error::Invalid(fields)
            }
            other => other,
        })?);
    }
    state.accounts.sign_out(presented).await?;
    Ok(None)
}

/// An answer that no cache keeps and no other site learns of.
pub(crate) fn private(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Sends the browser elsewhere, perhaps with a cookie. The URL may hold a token.
pub(crate) fn redirect(
    status: StatusCode,
    location: &str,
    cookie: Option<HeaderValue>,
) -> Result<Response, Problem> {
    let mut location = HeaderValue::from_str(location).map_err(|_| Problem::internal())?;
    location.set_sensitive(true);
    let mut response = private(status);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
