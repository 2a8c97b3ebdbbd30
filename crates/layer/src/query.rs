//! Routes that take no query parameters.

use axum::extract::Request;
use axum::routing::MethodRouter;
#[cfg(feature = "openapi")]
use http::Method;
use serde::Deserialize;
use vestibule_http::{Problem, Query};

use crate::refuse::RefuseLayer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Refuses every query parameter by name before `handler` runs, as [`Query`] refuses those that
/// its type does not have: a parameter that means nothing is a mistake of the caller's.
pub fn without_query<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
) -> MethodRouter<S> {
    handler.layer(RefuseLayer(refusal))
}

/// Refuses every query parameter of requests with one of `methods`; those with another method
/// reach `handler` as they are.
#[cfg(feature = "openapi")]
pub(crate) fn refuse_query<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
    methods: Vec<&'static str>,
) -> MethodRouter<S> {
    if methods.is_empty() {
        return handler;
    }
    let methods: std::sync::Arc<[&str]> = methods.into();
    handler.layer(RefuseLayer(move |request: &Request| {
        // The router answers HEAD with the handler of GET.
        let method = match request.method() {
            &Method::HEAD => "GET",
            other => other.as_str(),
        };
        let is_without = methods.contains(&method);
        is_without.then(|| refusal(request)).flatten()
    }))
}

fn refusal(request: &Request) -> Option<Problem> {
    Query::<Nothing>::read(request.uri()).err()
}
