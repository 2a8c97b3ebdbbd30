//! The part of a request that the check reads.

use std::net::IpAddr;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use vestibule_policy::Rule;

use crate::denial::Cause;

/// The head of a request, as an entry point hands it to the check: what is judged is exactly what will
/// be routed.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The raw path, as it came over the wire, without the query.
    pub path: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// True if a body follows (RFC 9112, 6.3).
    pub has_body: bool,
    /// The client's address, behind trusted proxies.
    pub address: Option<IpAddr>,
    /// The id of the request in logs and answers.
    pub request_id: Option<&'a HeaderValue>,
}

impl RequestHead<'_> {
    /// Returns true if the method changes something (RFC 9110, 9.2.1: it is not safe).
    pub(crate) fn is_mutating(&self) -> bool {
        !matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Refuses a body of a type that the route does not read (RFC 9110, 8.3), without a type, or with a
    /// content coding (RFC 9110, 8.4).
    pub(crate) fn content_type(&self, rule: &Rule) -> Result<(), Cause> {
        let accepted = rule.content_types();
        if accepted.is_empty() || !self.has_body {
            return Ok(());
        }
        if !self.is_of_type(accepted) {
            return Err(Cause::ContentType {
                accepted: accepted.to_vec(),
            });
        }
        if self.is_encoded() {
            return Err(Cause::ContentEncoding);
        }
        Ok(())
    }

    /// Returns true if the headers name a content coding (RFC 9110, 8.4.1): `identity` is none.
    fn is_encoded(&self) -> bool {
        let mut values = self.headers.get_all(CONTENT_ENCODING).iter();
        values.any(|value| {
            let codings = value.as_bytes().split(|byte| *byte == b',');
            let mut codings = codings.map(<[u8]>::trim_ascii);
            codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
        })
    }

    /// Returns true if the body is declared as one of these media types, whatever their parameters and
    /// case (RFC 9110, 8.3.1). Declared twice, it is none of them.
    pub fn is_of_type(&self, accepted: &[impl AsRef<str>]) -> bool {
        let mut values = self.headers.get_all(CONTENT_TYPE).iter();
        let essence = match (values.next(), values.next()) {
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(|text| text.split(';').next())
                .map(str::trim),
            _ => None,
        };
        essence.is_some_and(|essence| {
            accepted
                .iter()
                .any(|media_type| essence.eq_ignore_ascii_case(media_type.as_ref()))
        })
    }
}
