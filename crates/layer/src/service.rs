//! The service that checks before it calls.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http::{Extensions, HeaderMap, Method, Uri};
use tower::{Service, ServiceExt};
use vestibule_check::{Denial, EntryPoint, Passed, Permit, RequestHead};
use vestibule_http::{ClientAddress, Problem, RequestId, body};

use crate::future::{Answering, CheckFuture, State};

/// Lets a request reach the inner service only with a permit, which it hands on in the request's
/// extensions, and renders every [`Problem`] in the format of the route.
///
/// A request whose credential is known is judged without allocating and without waiting; one whose
/// credential is new waits for the directory.
#[derive(Debug, Clone)]
pub struct CheckService<S> {
    entry_point: EntryPoint,
    inner: S,
}

impl<S> CheckService<S> {
    pub(crate) const fn new(entry_point: EntryPoint, inner: S) -> Self {
        Self { entry_point, inner }
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
        let head = head(
            request.method(),
            request.uri(),
            request.headers(),
            request.body(),
            request.extensions(),
        );
        match self.entry_point.check_known(&head) {
            Some(Ok(passed)) if !is_awaited(&head) => {
                let answering = answering(&passed, &head, request.extensions());
                let permit = passed.into_permit(&head);
                admit(&mut request, permit);
                CheckFuture {
                    state: State::Calling {
                        future: self.inner.call(request),
                        answering,
                    },
                }
            }
            Some(Err(denial)) => CheckFuture::refused(refuse(request.extensions(), &denial)),
            known => {
                // Boxed, since a request that waits is rare, and its state would make every future large.
                let entry_point = self.entry_point.clone();
                // The service that was polled ready is the one to call; its clone takes its place.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                CheckFuture::asking(Box::pin(async move {
                    let passed = known.and_then(Result::ok);
                    let (request, answering) = match complete(&entry_point, request, passed).await {
                        Ok(admitted) => admitted,
                        Err(response) => return response,
                    };
                    let Ok(response) = inner.oneshot(request).await;
                    answering.finish(response)
                }))
            }
        }
    }
}

/// Returns true if the body is waited for before the handler is called. A credential may be revoked while
/// its body is on the way, and a permit is for what is true when the request is complete; and what
/// is in memory has a bound. What is neither JSON nor a form may be larger than memory, and is the
/// handler's to read.
fn is_awaited(head: &RequestHead<'_>) -> bool {
    head.has_body && head.is_of_type(&["application/json", "application/x-www-form-urlencoded"])
}

/// Judges a request whose credential is new, waits for a JSON body or a form, and judges again what
/// was changed meanwhile; gives the request with its permit, or the answer that refuses it.
async fn complete(
    entry_point: &EntryPoint,
    request: Request,
    passed: Option<Passed>,
) -> Result<(Request, Answering), Response> {
    // In parts, since a body cannot be shared between threads while we wait.
    let (parts, body) = request.into_parts();
    let head = head(
        &parts.method,
        &parts.uri,
        &parts.headers,
        &body,
        &parts.extensions,
    );
    let refused = |denial: Box<Denial>| refuse(&parts.extensions, &denial);
    let mut passed = match passed {
        Some(passed) => passed,
        None => entry_point.check(&head).await.map_err(refused)?,
    };
    let mut body = body;
    if is_awaited(&head) {
        let place = entry_point.place(&head, &passed);
        let read = body::read_into(place, body, passed.body_bytes).await;
        let read = read.map_err(|problem| {
            problem.render(passed.kind.tag.into(), parts.extensions.get::<RequestId>())
        })?;
        passed = entry_point.confirm(&head, passed).await.map_err(refused)?;
        body = Body::from(read);
    }
    let answering = answering(&passed, &head, &parts.extensions);
    let permit = passed.into_permit(&head);
    let mut request = Request::from_parts(parts, body);
    admit(&mut request, permit);
    Ok((request, answering))
}

#[inline]
fn head<'a>(
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &Body,
    extensions: &'a Extensions,
) -> RequestHead<'a> {
    RequestHead {
        method,
        path: uri.path(),
        headers,
        has_body: !body.is_end_stream(),
        address: extensions.get::<ClientAddress>().map(|address| address.0),
        request_id: extensions.get::<RequestId>().map(RequestId::header_value),
    }
}

#[inline]
fn answering(passed: &Passed, head: &RequestHead<'_>, extensions: &Extensions) -> Answering {
    Answering {
        format: passed.kind.tag.into(),
        request_id: extensions.get().cloned(),
        admitted: passed.admitted(head),
    }
}

/// Hands the permit on. One that came in with the request, from a layer before, is not believed.
#[inline] // or else the permit, which is large, is copied once more
fn admit(request: &mut Request, permit: Option<Permit>) {
    let extensions = request.extensions_mut();
    match permit {
        Some(permit) => {
            extensions.insert(permit);
        }
        None => {
            extensions.remove::<Permit>();
        }
    }
}

/// Returns the answer to a request that may not pass.
fn refuse(extensions: &Extensions, denial: &Denial) -> Response {
    Problem::from(denial).render(denial.kind.tag.into(), extensions.get())
}
