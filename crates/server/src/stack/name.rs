//! Every request gets a name, and every answer carries it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use http::Uri;
use http::header::HeaderName;
use pin_project_lite::pin_project;
use tower::Service;
use vestibule_check::EntryPoint;
use vestibule_http::{ErrorFormat, Problem, RequestId};
use vestibule_model::{Entropy, OsEntropy};

static HEADER: HeaderName = HeaderName::from_static(RequestId::HEADER);

/// Names requests. Standing outside all that answers, it also renders the problems of the layers
/// between it and the check, in the format of the path.
#[derive(Debug, Clone)]
pub(super) struct Name<S> {
    inner: S,
    entry_point: EntryPoint,
}

impl<S> Name<S> {
    pub(super) const fn new(inner: S, entry_point: EntryPoint) -> Self {
        Self { inner, entry_point }
    }
}

impl<S> Service<Request> for Name<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = NameFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = RequestId::mint(&Pooled);
        request.extensions_mut().insert(id.clone());
        NameFuture {
            uri: request.uri().clone(),
            future: self.inner.call(request),
            entry_point: self.entry_point.clone(),
            id,
        }
    }
}

pin_project! {
    pub(super) struct NameFuture<F> {
        #[pin]
        future: F,
        uri: Uri,
        entry_point: EntryPoint,
        id: RequestId,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for NameFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.future.poll(context));
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let kind = this.entry_point.kind_of(this.uri.path());
            let format = ErrorFormat::from(kind.tag);
            response = problem.render_over(&response, format, Some(this.id));
        }
        let id = this.id.header_value().clone();
        response.headers_mut().insert(&HEADER, id);
        Poll::Ready(Ok(response))
    }
}

/// Random bytes for names, fetched from the system a page at a time: a name has to be unique, it
/// is no secret.
struct Pooled;

const POOL: usize = 4_096;

thread_local! {
    static RANDOM: RefCell<(usize, [u8; POOL])> = const { RefCell::new((POOL, [0; POOL])) };
}

impl Entropy for Pooled {
    fn fill(&self, bytes: &mut [u8]) {
        RANDOM.with_borrow_mut(|(used, pool)| {
            let mut next = |bytes: &mut [u8]| {
                if *used + bytes.len() > POOL {
                    OsEntropy.fill(pool);
                    *used = 0;
                }
                bytes.copy_from_slice(&pool[*used..*used + bytes.len()]);
                *used += bytes.len();
            };
            bytes.chunks_mut(POOL).for_each(&mut next);
        });
    }
}
