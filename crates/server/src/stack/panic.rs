//! A panic costs its own request, not the connection.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::Service;
use vestibule_http::Problem;

/// Answers 500 where something below panicked. The panic hook has logged the cause.
#[derive(Debug, Clone)]
pub(super) struct PanicGuard<S>(pub(super) S);

impl<S> Service<Request> for PanicGuard<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = PanicFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        PanicFuture {
            future: catch_unwind(AssertUnwindSafe(|| self.0.call(request))).ok(),
        }
    }
}

pin_project! {
    pub(super) struct PanicFuture<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for PanicFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let panicked = || Ok(Problem::internal().into_response());
        let Some(future) = self.project().future.as_pin_mut() else {
            return Poll::Ready(panicked());
        };
        catch_unwind(AssertUnwindSafe(|| future.poll(context)))
            .unwrap_or_else(|_| Poll::Ready(panicked()))
    }
}
