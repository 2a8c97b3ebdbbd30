//! Routes that take no query parameters.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use futures_util::future::Either;
use serde::Deserialize;
use tower::Service;
use tower::layer::layer_fn;
use vestibule_http::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The same handler, which refuses every query parameter by name, as [`Query`] refuses those that
/// its type does not have: a parameter that means nothing is a mistake of the caller's.
pub fn without_query<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
) -> MethodRouter<S> {
    handler.layer(layer_fn(WithoutQuery))
}

/// A service that is called where the address has no query.
#[derive(Debug, Clone)]
struct WithoutQuery<S>(S);

impl<S> Service<Request> for WithoutQuery<S>
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
        match Query::<Nothing>::read(request.uri()) {
            Ok(_) => Either::Left(self.0.call(request)),
            Err(problem) => Either::Right(ready(Ok(problem.into_response()))),
        }
    }
}
