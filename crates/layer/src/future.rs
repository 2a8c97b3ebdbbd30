//! The future of a checked request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use pin_project_lite::pin_project;
use vestibule_check::Admitted;
use vestibule_http::{ErrorFormat, Problem, RequestId};

/// The properties of a request that its answer depends on.
#[derive(Debug, Clone)]
pub(crate) struct Answering {
    pub(crate) format: ErrorFormat,
    pub(crate) request_id: Option<RequestId>,
    /// The caller who passed, if known: the handler may still refuse.
    pub(crate) admitted: Option<Admitted>,
}

impl Answering {
    /// Renders the problem that a handler left, and keeps answers out of caches unless the handler
    /// said otherwise: nearly all of them are about somebody.
    pub(crate) fn finish(&self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            if let Some(admitted) = &self.admitted
                && problem.is_refusal()
            {
                admitted.refused(problem.reason().to_owned().into());
            }
            return problem.render_over(&response, self.format, self.request_id.as_ref());
        }
        response
            .headers_mut()
            .entry(CACHE_CONTROL)
            .or_insert_with(|| HeaderValue::from_static("no-store"));
        response
    }
}

pin_project! {
    /// The future of a [`CheckService`](crate::CheckService).
    pub struct CheckFuture<F> {
        #[pin]
        pub(crate) state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(crate) enum State<F> {
        Calling { #[pin] future: F, answering: Answering },
        Refused { response: Option<Response> },
        Asking { future: BoxFuture<'static, Response> },
    }
}

impl<F> CheckFuture<F> {
    pub(crate) const fn refused(response: Response) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
        }
    }

    pub(crate) fn asking(future: BoxFuture<'static, Response>) -> Self {
        Self {
            state: State::Asking { future },
        }
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for CheckFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Calling { future, answering } => {
                let Ok(response) = ready!(future.poll(context));
                Poll::Ready(Ok(answering.finish(response)))
            }
            // Polled again after it is done, as no caller may, it would wait for ever.
            StateProjection::Refused { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            StateProjection::Asking { future } => future.as_mut().poll(context).map(Ok),
        }
    }
}

impl<F> std::fmt::Debug for CheckFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckFuture").finish_non_exhaustive()
    }
}
