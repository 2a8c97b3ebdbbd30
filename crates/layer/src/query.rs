//! Routes that take no query parameters.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use serde::Deserialize;
use vestibule_http::Query;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The same handler, which refuses every query parameter by name, as [`Query`] refuses those that
/// its type does not have: a parameter that means nothing is a mistake of the caller's.
pub fn without_query<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
) -> MethodRouter<S> {
    handler.layer(from_fn(refuse_query))
}

async fn refuse_query(
    query: Result<Query<Nothing>, vestibule_http::Problem>,
    request: Request,
    next: Next,
) -> Response {
    match query {
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
