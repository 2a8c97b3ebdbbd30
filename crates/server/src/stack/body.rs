//! No body is larger than 1 MiB. Many routes read less, which is the check's to see to.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http_body_util::Limited;
use hyper::body::Incoming;
use vestibule_http::Problem;
use vestibule_http::body::MAX_BODY_BYTES;

/// The request with a body that ends in an error where it grows too large.
pub(super) fn bounded(request: Request<Incoming>) -> Request {
    request.map(|body| Body::new(Limited::new(body, MAX_BODY_BYTES)))
}

/// Forgets the length that the router has noted of a problem's empty body: the check renders the
/// problem, and its body has another.
pub(super) fn forget_length(mut response: Response) -> Response {
    if response.extensions().get::<Problem>().is_some() {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

/// Refuses a request that announces a body that is too large.
#[inline]
pub(super) fn refusal(request: &Request) -> Option<Problem> {
    let announced = request.headers().get(CONTENT_LENGTH)?;
    let length: Option<u64> = announced.to_str().ok().and_then(|text| text.parse().ok());
    length
        .is_none_or(|length| length > MAX_BODY_BYTES as u64)
        .then(|| Problem::body_too_large(MAX_BODY_BYTES))
}
