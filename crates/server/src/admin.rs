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

/// Answers how well a server can do what it is for.
///
/// - *ready*: it answers, remembers and writes.
/// - *degraded*: requests are answered rightly, but not as fast or not all of them. Taking it out of
///   service would make that worse.
/// - *not ready*: nothing can be known of callers, and requests are answered 503.
async fn ready(State(admin): State<Admin>) -> Response {
    if let Err(error) = admin.store.pulse().await {
        tracing::warn!(%error, "not ready");
        admin.metrics.note_pulse(false);
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the store does not answer\n",
        )
            .into_response();
    }
    admin.metrics.note_pulse(true);
    let mut reasons = Vec::new();
    if !admin.metrics.is_hearing() {
        reasons.push(
            "changes of other processes are not heard, so every request is looked up".to_owned(),
        );
    }
    if let Some(reason) = admin.store.writes_fail() {
        reasons.push(format!("writes fail: {reason}"));
    }
    let mut text = if reasons.is_empty() {
        "ready".to_owned()
    } else {
        format!("degraded: {}", reasons.join("; "))
    };
    // With a wrong wall clock nothing passes that should not, so it takes no server out of service.
    let ahead = admin.metrics.wall_clock_ahead();
    if ahead.abs() > FOLLOWED {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let note = format!(
            "; the wall clock is {} s {side} the server's, which expiry goes by",
            ahead.abs()
        );
        text.push_str(&note);
    }
    text.push('\n');
    text.into_response()
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
