//! One request, one host.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::header::HOST;
use http::{HeaderMap, Version};
use tower::Service;
use vestibule_http::Problem;

/// Refuses a request of HTTP/1.1 without `Host`, and any with several (RFC 9112, 3.2): a proxy in
/// front might have gone by another of them. Nothing here goes by it.
#[derive(Debug, Clone)]
pub(super) struct OneHost<S>(pub(super) S);

impl<S> Service<Request> for OneHost<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if names_one(request.version(), request.headers()) {
            Either::Left(self.0.call(request))
        } else {
            Either::Right(ready(Ok(refused())))
        }
    }
}

fn names_one(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (None, _) => version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

#[cold]
fn refused() -> Response {
    Problem::bad_request("bad_host", "The request names no host, or several.")
        .hint("Send one header Host, as every client of HTTP/1.1 does.")
        .closing()
        .into_response()
}
