//! A template as an answer.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use vestibule_handler::Failure;
use vestibule_http::Problem;

use crate::failure::Outcome;
use crate::notice;

/// The content security policy of every page: styles, scripts, pictures, requests and forms of this
/// server alone.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Makes a page of a template.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Outcome {
    match template.render() {
        Ok(html) => Ok(html_answer(status, html)),
        Err(error) => {
            // The problem tells the browser nothing, so that the cause has to be in the log.
            tracing::error!(%error, "a template could not be rendered");
            Err(Problem::internal().into())
        }
    }
}

/// A page of this text.
pub(crate) fn html_answer(status: StatusCode, html: String) -> Response {
    let mut response = (status, Body::from(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // On errors, too: they show parts of the request, which may come from an attacker's link.
    headers.insert(CONTENT_SECURITY_POLICY, CSP);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sends the browser on to one of our own paths, with `GET`.
pub(crate) fn see_other(path: &str) -> Outcome {
    // A path with a line break would end the header; it is a defect here, since callers take local paths.
    let location = HeaderValue::from_str(path).map_err(|_| Problem::internal())?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Sends the browser on, to a page that says what was done: `done.` and `what` stand in the
/// catalogue.
pub(crate) fn done(path: &str, what: &'static str) -> Outcome {
    with_cookie(see_other(path)?, Some(notice::tell(what)?))
}

/// The same answer, with a cookie.
pub(crate) fn with_cookie(
    mut response: Response,
    cookie: Option<HeaderValue>,
) -> Result<Response, Failure> {
    let cookie = cookie.ok_or_else(Problem::internal)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// A page that hands these cookies to the browser.
pub(crate) fn with_cookies(mut response: Response, cookies: Vec<HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
