//! What the check reads of a request.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method};

/// The head of a request, as a door hands it to the check: what is judged is exactly what will be
/// routed.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The raw path, as it came over the wire, without the query.
    pub path: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// Where the request comes from, behind trusted proxies.
    pub address: Option<IpAddr>,
    /// What the request is called in logs and answers.
    pub request_id: Option<&'a HeaderValue>,
}

impl RequestHead<'_> {
    /// Whether the method changes something (RFC 9110, 9.2.1: it is not safe).
    pub(crate) fn is_mutating(&self) -> bool {
        !matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether a body follows (RFC 9112, 6.3).
    pub(crate) fn has_body(&self) -> bool {
        self.headers.contains_key(http::header::TRANSFER_ENCODING)
            || self
                .headers
                .get(http::header::CONTENT_LENGTH)
                .is_some_and(|length| length.as_bytes() != b"0")
    }
}
