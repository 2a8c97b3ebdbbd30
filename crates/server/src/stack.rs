//! What happens to every request, in order.

mod address;
mod body;
mod caller;
mod deadline;
mod headers;
mod host;
mod name;
mod panic;
mod trace;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use tower::layer::layer_fn;
use tower::{Service, ServiceBuilder};
use vestibule_check::EntryPoint;
use vestibule_http::TrustedProxies;
use vestibule_layer::EntryPointExt as _;
use vestibule_layer::refuse::RefuseLayer;
use vestibule_web::{Look, draw_problems};

use self::caller::NoteCaller;
use self::deadline::Deadline;
use self::name::Name;
use self::panic::PanicGuard;
use self::trace::Trace;
use crate::telemetry::Requests;

/// The longest that an answer may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The parts that the layers need.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The entry point whose check stands before the routes.
    pub entry_point: EntryPoint,
    /// The routes behind it.
    pub router: Router,
    /// Proxies whose word on the client's address is trusted.
    pub trusted_proxies: Arc<TrustedProxies>,
    /// The counters of requests.
    pub requests: Arc<Requests>,
    /// True if browsers reach the server over TLS.
    pub https: bool,
    /// The look of pages, for drawing their problems.
    pub look: Look,
}

impl Stack {
    /// The service for a connection from `peer`.
    pub fn service(&self, peer: IpAddr) -> impl StackService<Incoming> + use<> {
        ServiceBuilder::new()
            // The wire's body becomes ours, and can grow no further than the limit below.
            .map_request(body::bounded)
            .service(self.layers(peer))
    }

    /// All layers, the outermost first.
    #[rustfmt::skip]
    fn layers(&self, peer: IpAddr) -> impl StackService<Body> + use<> {
        let Self { entry_point, router, trusted_proxies, requests, https, look } = self.clone();
        let names = entry_point.clone();
        ServiceBuilder::new()
            // Outside whatever has a problem, so that people are never shown one for programs.
            .layer(layer_fn(move |inner| draw_problems(inner, look.clone())))
            // Before all that answers, so that every answer and every line of the log carries the name.
            .layer(layer_fn(move |inner| Name::new(inner, names.clone())))
            // Before whoever logs, limits or audits by it.
            .map_request(address::note(peer, trusted_proxies, Arc::clone(&requests)))
            // Outside whatever refuses, so that refusals are counted and logged.
            .layer(layer_fn(move |inner| Trace::new(inner, Arc::clone(&requests))))
            // Outside whatever refuses, so that refusals carry them.
            .map_response(headers::add(https))
            // Outside whatever may panic; inside the log, which then has the 500.
            .layer(layer_fn(PanicGuard))
            // Outside whatever may wait: the check for the store, the handler for the body.
            .layer(layer_fn(|inner| Deadline::new(inner, DEADLINE)))
            // Before anything is read.
            .layer(RefuseLayer(|request: &Request| {
                host::refusal(request).or_else(|| address::refusal(request)).or_else(|| body::refusal(request))
            }))
            // Before routing: what no rule knows is refused, not routed.
            .service(entry_point.guard(ServiceBuilder::new()
                // Where the check will render a problem in the place of the router's empty answer.
                .map_response(body::forget_length)
                // Directly behind the check, where the permit is.
                .layer(layer_fn(NoteCaller))
                .service(router)))
    }
}

/// A service for requests with bodies of type `B`.
pub trait StackService<B>:
    Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<B, S> StackService<B> for S where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}
