//! Rendering of a problem on the wire, in any format.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::{FieldError, Problem};
use crate::{ErrorFormat, RequestId};

/// The body of a `/v1` problem.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ProblemBody<'a> {
    /// A page that says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// The meaning of the status.
    pub title: &'a str,
    /// The status again.
    pub status: u16,
    /// The mistake, for people.
    pub detail: &'a str,
    /// The class of the error, from a closed set.
    pub code: &'a str,
    /// The stable, finer cause.
    pub reason: &'a str,
    /// The id to quote when asking for help.
    pub request_id: Option<&'a str>,
    /// The advice on what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
    /// The fields that were refused.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
}

/// The body of an `/api` error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ErrorBody<'a> {
    /// The mistake, for people.
    pub error: &'a str,
    /// The stable cause.
    pub reason: &'a str,
    /// The id to quote when asking for help.
    pub request_id: Option<&'a str>,
    /// The advice on what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
}

/// The problem of an answer, in its extensions, for a layer that draws it as a page.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PageProblem {
    /// The problem.
    pub problem: Problem,
    /// The id to quote when asking for help.
    pub request_id: Option<RequestId>,
    /// The format it was rendered in.
    pub format: ErrorFormat,
}

impl Problem {
    /// Returns the status in a format: `/api` knows no 422.
    pub fn status(&self, format: ErrorFormat) -> StatusCode {
        match (format, self.0.status) {
            (ErrorFormat::ErrorJson, StatusCode::UNPROCESSABLE_ENTITY) => StatusCode::BAD_REQUEST,
            (_, status) => status,
        }
    }

    /// Renders the answer on the wire, with a [`PageProblem`] in its extensions.
    pub fn render(&self, format: ErrorFormat, id: Option<&RequestId>) -> Response {
        let mut response = self.written(format, id);
        response.extensions_mut().insert(PageProblem {
            problem: self.clone(),
            request_id: id.cloned(),
            format,
        });
        response
    }

    /// Writes status, headers and body.
    fn written(&self, format: ErrorFormat, id: Option<&RequestId>) -> Response {
        let request_id = id.map(RequestId::as_str);
        let status = self.status(format);
        let hint = self.0.hint.as_deref();
        let (content_type, body) = match format {
            ErrorFormat::ProblemJson => {
                let body = ProblemBody {
                    kind: format!("/problems#{}", self.0.reason),
                    title: status.canonical_reason().unwrap_or("Error"),
                    status: status.as_u16(),
                    detail: &self.0.detail,
                    code: self.0.code.unwrap_or_else(|| code_of(status)),
                    reason: &self.0.reason,
                    request_id,
                    hint,
                    errors: &self.0.errors,
                };
                ("application/problem+json", json(&body))
            }
            ErrorFormat::ErrorJson => {
                let body = ErrorBody {
                    error: &self.0.detail,
                    reason: &self.0.reason,
                    request_id,
                    hint,
                };
                ("application/json", json(&body))
            }
            ErrorFormat::Page => {
                let words = format!("{} {}\n", self.0.detail, hint.unwrap_or_default());
                ("text/plain; charset=utf-8", words.into_bytes())
            }
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.extend(self.0.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    // Most bodies fit, where a vector that begins empty grows three times.
    let mut bytes = Vec::with_capacity(512);
    if serde_json::to_writer(&mut bytes, body).is_err() {
        bytes.clear();
    }
    bytes
}

impl Problem {
    /// Renders the answer in place of the one that carries the problem in its extensions. Other
    /// headers of that one, such as cookies, stay, but not the length of its body.
    pub fn render_over(
        &self,
        left: &Response,
        format: ErrorFormat,
        id: Option<&RequestId>,
    ) -> Response {
        let mut rendered = self.render(format, id);
        keep_headers(&mut rendered, left.headers(), &[CONTENT_LENGTH]);
        rendered
    }
}

/// Adds to an answer all headers of the one whose place it takes: every value of every name that
/// it has not itself and that is not among `except`.
pub fn keep_headers(answer: &mut Response, headers: &HeaderMap, except: &[HeaderName]) {
    for name in headers.keys() {
        if except.contains(name) || answer.headers().contains_key(name) {
            continue;
        }
        for value in headers.get_all(name) {
            answer.headers_mut().append(name, value.clone());
        }
    }
}

/// Renders RFC 9457 without a request id, and keeps the problem in the response's extensions: the
/// check's layer finds it there and renders it again in the format of the route, with the id of
/// the request ([`render_over`](Problem::render_over)).
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.written(ErrorFormat::ProblemJson, None);
        response.extensions_mut().insert(self);
        response
    }
}

/// The class of a status, from the closed set that clients of `/v1` know.
fn code_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "payload_too_large",
        415 => "unsupported_media_type",
        422 => "unprocessable_entity",
        429 => "too_many_requests",
        500 => "internal_error",
        501 => "not_implemented",
        503 => "service_unavailable",
        _ => "error",
    }
}

#[cfg(test)]
mod tests {
    use http::header::{SET_COOKIE, VARY};

    use super::*;

    #[tokio::test]
    async fn a_problem_without_any_layer_is_a_full_problem_json() {
        let problem = Problem::conflict("name_taken", "The name is taken.")
            .hint("Choose another one.")
            .retry_after(std::time::Duration::from_secs(2));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[http::header::RETRY_AFTER], "2");
        assert!(response.extensions().get::<PageProblem>().is_none());
        let body = axum::body::to_bytes(response.into_body(), 1_024).await;
        let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "/problems#name_taken",
                "title": "Conflict",
                "status": 409,
                "detail": "The name is taken.",
                "code": "conflict",
                "reason": "name_taken",
                "request_id": null,
                "hint": "Choose another one.",
            })
        );
    }

    #[test]
    fn what_else_the_answer_carried_stays_and_every_header_of_one_name() {
        let mut left = Problem::internal().into_response();
        for (name, value) in [
            (SET_COOKIE, "a=1"),
            (VARY, "cookie"),
            (SET_COOKIE, "b=2"),
            (CONTENT_LENGTH, "0"),
            (CACHE_CONTROL, "private"),
            (SET_COOKIE, "c=3"),
        ] {
            let value = HeaderValue::from_static(value);
            left.headers_mut().append(name, value);
        }
        let rendered = Problem::internal().render_over(&left, ErrorFormat::ProblemJson, None);
        let all = |name| rendered.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all(SET_COOKIE), ["a=1", "b=2", "c=3"]);
        assert_eq!(all(VARY), ["cookie"]);
        assert_eq!(all(CACHE_CONTROL), ["no-store"]);
        assert!(all(CONTENT_LENGTH).is_empty());
    }
}
