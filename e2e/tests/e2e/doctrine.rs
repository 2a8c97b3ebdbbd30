//! The status doctrine: each status, with its body and its headers, in both dialects; and what
//! comes in that no client of good will would send.

mod credentials;
mod framing;
mod input;
mod methods;
mod paths;
mod statuses;
mod ways_out;

use serde_json::Value;
use vestibule_e2e::Answer;

use crate::support::members;

/// The closed set that clients know.
const CODES: &[&str] = &[
    "bad_request",
    "conflict",
    "error",
    "forbidden",
    "internal_error",
    "not_found",
    "not_implemented",
    "payload_too_large",
    "permission_limit",
    "quota_exceeded",
    "service_unavailable",
    "tenant_deactivated",
    "too_many_requests",
    "unauthorized",
    "unprocessable_entity",
    "unsupported_media_type",
];

/// Holds an answer that something was not done to the shape that all of them have.
#[track_caller]
fn is_problem(answer: &Answer, browser: bool) {
    let (body, text) = (answer.json(), &answer.text);
    let (content_type, required, optional): (_, &[_], &[_]) = if browser {
        (
            "application/json",
            &["error", "reason", "request_id"],
            &["hint"],
        )
    } else {
        let required = &[
            "code",
            "detail",
            "reason",
            "request_id",
            "status",
            "title",
            "type",
        ];
        ("application/problem+json", required, &["errors", "hint"])
    };
    assert_eq!(answer.header("content-type"), content_type, "{text}");
    assert_eq!(answer.header("cache-control"), "no-store", "{text}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{text}");
    assert_eq!(
        answer.header("content-length"),
        text.len().to_string(),
        "{text}"
    );
    let known = |name: &&str| required.contains(name) || optional.contains(name);
    assert!(members(&body).iter().all(known), "{text}");
    assert!(
        required.iter().all(|name| body.get(name).is_some()),
        "{text}"
    );
    assert_eq!(body["request_id"], answer.header("x-request-id"), "{text}");
    assert!(answer.header("x-request-id").len() >= 16, "{text}");
    let is_reason = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        answer.reason().chars().all(is_reason) && !answer.reason().is_empty(),
        "{text}"
    );
    if !browser {
        assert_eq!(body["status"], answer.status, "{text}");
        assert!(CODES.contains(&body["code"].as_str().unwrap()), "{text}");
        assert_eq!(
            body["type"],
            format!("/problems#{}", answer.reason()),
            "{text}"
        );
        assert!(
            body["detail"].is_string() && body["title"].is_string(),
            "{text}"
        );
        let errors = body["errors"].as_array();
        assert_eq!(errors.is_some(), answer.status == 422, "{text}");
        for error in errors.into_iter().flatten() {
            assert_eq!(members(error), ["field", "message", "reason"], "{text}");
        }
    }
    let has = |name: &str| answer.headers.contains_key(name);
    assert_eq!(has("www-authenticate"), answer.status == 401, "{text}");
    assert_eq!(has("allow"), answer.status == 405, "{text}");
    if [429, 503].contains(&answer.status) {
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!(seconds >= 1);
    }
    assert!(!has("set-cookie"), "{text}");
}

/// The body without what differs from request to request.
fn anonymous(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["request_id"].take();
    body
}
