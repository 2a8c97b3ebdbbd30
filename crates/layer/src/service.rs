//! The service that checks before it calls.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Uri};
use tower::{Service, ServiceExt};
use vestibule_check::{Check, Denial, Passed, Permit, RequestHead, Verdict};
use vestibule_http::{ClientAddress, Problem, RequestId};

use crate::future::{Answering, CheckFuture};

/// Lets a request reach the inner service only with a permit, which it hands on in the request's
/// extensions, and renders every [`Problem`] in the dialect of the route.
///
/// A request whose credential is known is judged without allocating and without waiting; one whose
/// credential is new waits for the directory.
#[derive(Debug, Clone)]
pub struct CheckService<S> {
    check: Check,
    inner: S,
}

impl<S> CheckService<S> {
    pub(crate) const fn new(check: Check, inner: S) -> Self {
        Self { check, inner }
    }
}

impl<S> Service<Request> for CheckService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = CheckFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.check.check_known(&head(
            request.method(),
            request.uri(),
            request.headers(),
            request.extensions(),
        )) {
            Some(Ok(passed)) => {
                let answering = admit(&mut request, passed);
                CheckFuture::calling(self.inner.call(request), answering)
            }
            Some(Err(denial)) => CheckFuture::refused(refuse(request.extensions(), &denial)),
            None => {
                let check = self.check.clone();
                // The service that was polled ready is the one to call; its clone takes its place.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                CheckFuture::asking(Box::pin(async move {
                    // In parts, since a body cannot be shared between threads while we wait.
                    let (parts, body) = request.into_parts();
                    match ask(&check, &parts).await {
                        Ok(passed) => {
                            let mut request = Request::from_parts(parts, body);
                            let answering = admit(&mut request, passed);
                            let Ok(response) = inner.oneshot(request).await;
                            answering.finish(response)
                        }
                        Err(denial) => refuse(&parts.extensions, &denial),
                    }
                }))
            }
        }
    }
}

async fn ask(check: &Check, parts: &Parts) -> Verdict {
    let head = head(&parts.method, &parts.uri, &parts.headers, &parts.extensions);
    check.check(&head).await
}

fn head<'a>(
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
) -> RequestHead<'a> {
    RequestHead {
        method,
        path: uri.path(),
        headers,
        address: extensions.get::<ClientAddress>().map(|address| address.0),
        request_id: extensions.get::<RequestId>().map(RequestId::header_value),
    }
}

/// Hands the permit on. One that came in with the request, from whatever stands before, is not
/// believed.
fn admit(request: &mut Request, passed: Passed) -> Answering {
    match passed.permit {
        Some(permit) => {
            request.extensions_mut().insert(permit);
        }
        None => {
            request.extensions_mut().remove::<Permit>();
        }
    }
    Answering {
        dialect: passed.dialect,
        request_id: request.extensions().get::<RequestId>().cloned(),
    }
}

/// The answer to a request that may not pass.
fn refuse(extensions: &Extensions, denial: &Denial) -> Response {
    Problem::from(denial).render(denial.dialect, extensions.get())
}
