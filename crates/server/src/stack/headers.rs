//! What browsers are told of every answer.

use axum::response::Response;
use http::HeaderValue;
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};

/// Data, not a page: nothing in it is loaded, run or framed.
const CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Not `no-referrer`, which makes browsers send `Origin: null` from our own forms.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
/// Two years, as the preload lists ask.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Adds the headers, except where a handler has said otherwise.
pub(super) fn add(https: bool) -> impl FnOnce(Response) -> Response + Clone {
    move |mut response| {
        let headers = response.headers_mut();
        let mut add = |name: HeaderName, value: HeaderValue| {
            headers.entry(name).or_insert(value);
        };
        add(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        add(CONTENT_SECURITY_POLICY, CSP);
        add(REFERRER_POLICY, REFERRER);
        if https {
            add(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        response
    }
}
