//! Routes that take no query parameters.

use axum::extract::Request;
use axum::routing::MethodRouter;
use serde::Deserialize;
use vestibule_http::{Problem, Query};

use crate::refuse::RefuseLayer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The same handler, which refuses every query parameter by name, as [`Query`] refuses those that
/// its type does not have: a parameter that means nothing is a mistake of the caller's.
pub fn without_query<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
) -> MethodRouter<S> {
    handler.layer(RefuseLayer(refusal))
}

fn refusal(request: &Request) -> Option<Problem> {
    Query::<Nothing>::read(request.uri()).err()
}
