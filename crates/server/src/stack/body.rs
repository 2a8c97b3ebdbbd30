//! No body is larger than 1 MiB. Many routes read less, which is the check's to see to.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::header::CONTENT_LENGTH;
use http_body_util::Limited;
use hyper::body::Incoming;
use tower::Service;
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

/// Refuses what says by itself that it is too large, before anything is read.
#[derive(Debug, Clone)]
pub(super) struct BodyLimit<S>(pub(super) S);

impl<S> Service<Request> for BodyLimit<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, std::future::Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let announced = request.headers().get(CONTENT_LENGTH);
        let is_too_large = announced.is_some_and(|length| {
            let length = length
                .to_str()
                .ok()
                .and_then(|text| text.parse::<u64>().ok());
            length.is_none_or(|length| length > MAX_BODY_BYTES as u64)
        });
        if is_too_large {
            Either::Right(std::future::ready(Ok(Problem::body_too_large(
                MAX_BODY_BYTES,
            )
            .into_response())))
        } else {
            Either::Left(self.0.call(request))
        }
    }
}
