//! Nobody waits for ever. A body that does not come ends earlier, by the clock of who reads it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;
use vestibule_http::Problem;

/// Answers 503 where an answer takes too long.
#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
    inner: S,
    after: Duration,
}

impl<S> Deadline<S> {
    pub(super) const fn new(inner: S, after: Duration) -> Self {
        Self { inner, after }
    }
}

impl<S> Service<Request> for Deadline<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let only_reads = request.method().is_safe();
        DeadlineFuture {
            future: self.inner.call(request),
            sleep: None,
            after: self.after,
            only_reads,
        }
    }
}

pin_project! {
    pub(super) struct DeadlineFuture<F> {
        #[pin]
        future: F,
        // Set only once the answer is not there at once, as nearly all are.
        #[pin]
        sleep: Option<Sleep>,
        after: Duration,
        only_reads: bool,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for DeadlineFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(answer) = this.future.poll(context) {
            return Poll::Ready(answer);
        }
        if this.sleep.is_none() {
            let sleep = sleep_until(Instant::now() + *this.after);
            this.sleep.set(Some(sleep));
        }
        match this.sleep.as_pin_mut().map(|sleep| sleep.poll(context)) {
            Some(Poll::Ready(())) => {
                Poll::Ready(Ok(late(*this.after, *this.only_reads).into_response()))
            }
            _ => Poll::Pending,
        }
    }
}

/// Only what changes something may have changed it.
#[cold]
fn late(after: Duration, only_reads: bool) -> Problem {
    let detail = format!("There was no answer within {} seconds.", after.as_secs());
    Problem::unavailable("timed_out", detail, Duration::from_secs(1)).hint(if only_reads {
        "Ask again later."
    } else {
        "What you asked for may have been done: look before you ask again."
    })
}
