//! A layer that refuses requests by their head, before anything is read or routed.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use tower::{Layer, Service};
use vestibule_http::Problem;

/// A layer that answers with the problem that its function returns for a request. Where it returns
/// none, the request goes on unchanged.
#[derive(Debug, Clone, Copy)]
pub struct RefuseLayer<R>(pub R);

impl<S, R: Clone> Layer<S> for RefuseLayer<R> {
    type Service = Refuse<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Refuse {
            inner,
            refuse: self.0.clone(),
        }
    }
}

/// The service of a [`RefuseLayer`].
#[derive(Debug, Clone)]
pub struct Refuse<S, R> {
    inner: S,
    refuse: R,
}

impl<S, R> Service<Request> for Refuse<S, R>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    R: Fn(&Request) -> Option<Problem>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        match (self.refuse)(&request) {
            None => Either::Left(self.inner.call(request)),
            Some(problem) => Either::Right(ready(Ok(problem.into_response()))),
        }
    }
}
