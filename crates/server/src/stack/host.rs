//! One request, one host.

use axum::extract::Request;
use http::Version;
use http::header::HOST;
use vestibule_http::Problem;

/// Refuses a request of HTTP/1.1 without `Host`, and any with several (RFC 9112, 3.2): a proxy in
/// front might have used another of them. Nothing here depends on it.
#[inline]
pub(super) fn refusal(request: &Request) -> Option<Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let is_one = match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    };
    (!is_one).then(bad_host)
}

#[cold]
fn bad_host() -> Problem {
    Problem::bad_request("bad_host", "The request names no host, or several.")
        .hint("Send one header Host, as every client of HTTP/1.1 does.")
        .closing()
}
