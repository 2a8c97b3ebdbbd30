//! One line for each request, and its place in the metrics.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, Uri};
use pin_project_lite::pin_project;
use tower::Service;
use tracing::Span;
use vestibule_http::{ClientAddress, RequestId};

use super::caller::CallerSlot;
use crate::telemetry::Requests;

/// Counts and logs. Neither the query, nor a header, nor a body is logged: any may hold a secret.
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

/// What the line needs of a request; gathered only where there will be one.
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
        TraceFuture {
            future,
            started,
            line,
            requests: Arc::clone(&self.requests),
        }
    }
}

pin_project! {
    pub(super) struct TraceFuture<F> {
        #[pin]
        future: F,
        started: Instant,
        line: Option<Box<Line>>,
        requests: Arc<Requests>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for TraceFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.line.as_ref().map(|line| line.span.enter());
        let Ok(response) = ready!(this.future.poll(context));
        let took = this.started.elapsed();
        this.requests.count(response.status(), took);
        drop(entered);
        if let Some(line) = this.line {
            let caller = line.caller.0.get();
            line.span.in_scope(|| {
                tracing::info!(
                    method = %line.method,
                    path = %line.uri.path(),
                    status = response.status().as_u16(),
                    duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    address = line.address.map(|address| tracing::field::display(address.0)),
                    user = caller.map(|(user, _)| tracing::field::display(user)),
                    organization = caller.map(|(_, organization)| tracing::field::display(organization)),
                    "answered"
                );
            });
        }
        Poll::Ready(Ok(response))
    }
}
