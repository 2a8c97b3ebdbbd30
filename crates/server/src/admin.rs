//! Probes and metrics, on a listener of their own that strangers do not reach.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use vestibule_store::Store;

use crate::telemetry::Metrics;

/// By how many seconds the wall clock may differ and is still followed.
const FOLLOWED: i64 = 60;

#[derive(Debug, Clone)]
struct Admin {
    store: Store,
    metrics: Arc<Metrics>,
}

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(store: Store, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Admin { store, metrics })
}

/// Ready is who reaches the store and hears the changes of others. A server that hears none still
/// answers rightly, but asks the store every time.
async fn ready(State(admin): State<Admin>) -> Response {
    if let Err(error) = admin.store.ping().await {
        tracing::warn!(%error, "not ready");
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer\n",
        )
            .into_response();
    }
    if !admin.metrics.is_hearing() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "changes of other processes are not heard\n",
        )
            .into_response();
    }
    // With a wrong wall clock nothing passes that should not, so it takes no server out of service.
    match admin.metrics.wall_clock_ahead() {
        ahead if ahead.abs() > FOLLOWED => format!(
            "ready; the wall clock is {} s {} the server's, which expiry goes by\n",
            ahead.abs(),
            if ahead > 0 { "ahead of" } else { "behind" }
        )
        .into_response(),
        _ => "ready\n".into_response(),
    }
}

async fn metrics_text(State(admin): State<Admin>) -> Response {
    match admin.metrics.text() {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
