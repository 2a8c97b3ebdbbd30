//! One line for each request, and its place in the metrics.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode, Uri};
use pin_project_lite::pin_project;
use tower::Service;
use tracing::Span;
use vestibule_http::{ClientAddress, RequestId};

use super::caller::CallerSlot;
use crate::printable::PercentEncoded;
use crate::telemetry::Requests;

/// Counts and logs. Neither the query, nor a header, nor a body is in the line: any may hold a
/// secret.
#[derive(Debug, Clone)]
pub(super) struct Trace<S> {
    inner: S,
    requests: Arc<Requests>,
}

impl<S> Trace<S> {
    pub(super) const fn new(inner: S, requests: Arc<Requests>) -> Self {
        Self { inner, requests }
    }
}

/// The facts about a request that the line needs; gathered only where there will be one.
#[derive(Debug)]
struct Line {
    method: Method,
    uri: Uri,
    address: Option<ClientAddress>,
    caller: CallerSlot,
    span: Span,
}

impl<S> Service<Request> for Trace<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let line = tracing::enabled!(tracing::Level::INFO).then(|| {
            let caller = CallerSlot::default();
            request.extensions_mut().insert(caller.clone());
            let extensions = request.extensions();
            let id = extensions.get().map_or("", RequestId::as_str);
            Box::new(Line {
                method: request.method().clone(),
                uri: request.uri().clone(),
                address: extensions.get().copied(),
                caller,
                span: tracing::info_span!("request", request_id = id),
            })
        });
        let entered = line.as_ref().map(|line| line.span.clone().entered());
        let future = self.inner.call(request);
        drop(entered);
        let pending = Pending {
            started,
            line,
            requests: Arc::clone(&self.requests),
            answered: false,
        };
        TraceFuture { future, pending }
    }
}

/// A request that is not answered yet. Dropped before that, its client has disconnected, or the
/// server ends.
#[derive(Debug)]
struct Pending {
    started: Instant,
    line: Option<Box<Line>>,
    requests: Arc<Requests>,
    answered: bool,
}

impl Pending {
    fn answer(&mut self, status: StatusCode, message: &'static str) {
        self.answered = true;
        let took = self.started.elapsed();
        self.requests.count(status, took);
        if let Some(line) = &self.line {
            line.write(status, took, message);
        }
    }

    /// Nobody receives this status, which some proxies log, too.
    #[cold]
    fn give_up(&mut self) {
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        self.answer(status, "gone before the answer");
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.answered {
            self.give_up();
        }
    }
}

impl Line {
    fn write(&self, status: StatusCode, took: Duration, message: &'static str) {
        let caller = self.caller.0.get();
        self.span.in_scope(|| {
            tracing::info!(
                method = %self.method,
                path = %PercentEncoded(self.uri.path()),
                status = status.as_u16(),
                duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                address = self.address.map(|address| tracing::field::display(address.0)),
                user = caller.map(|(user, _)| tracing::field::display(user)),
                organization = caller.map(|(_, organization)| tracing::field::display(organization)),
                "{message}"
            );
        });
    }
}

pin_project! {
    pub(super) struct TraceFuture<F> {
        // First: what is said of its end comes after what it says itself.
        #[pin]
        future: F,
        pending: Pending,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for TraceFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.pending.line.as_ref().map(|line| line.span.enter());
        let Ok(response) = ready!(this.future.poll(context));
        drop(entered);
        this.pending.answer(response.status(), "answered");
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests;
