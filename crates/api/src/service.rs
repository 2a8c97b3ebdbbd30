//! The server itself: what it is, and whether it is well.

use axum::extract::State;
use http::header::{CACHE_CONTROL, HeaderName};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::{Accounts, Error};
use vestibule_handler::Result;
use vestibule_http::Json;
use vestibule_layer::Rule;
use vestibule_model::Timestamp;

use crate::Documented;
use crate::openapi::tag;

pub(crate) fn routes() -> Documented {
    Documented::bearer()
        .add_ignoring_query(Rule::public(), routes!(index))
        .add_ignoring_query(Rule::public(), routes!(health))
}

/// The identity of this server.
#[derive(Serialize, ToSchema)]
struct Service {
    /// Its name.
    #[schema(example = "Vestibule")]
    service: &'static str,
    /// The path of the description of its interface.
    #[schema(example = "/openapi.json")]
    docs: &'static str,
}

/// Identifies the server
#[utoipa::path(
    get,
    path = "/",
    tag = tag::SERVICE,
    operation_id = "getService",
    responses((status = 200, description = "The server's name and documents.", body = Service)),
)]
async fn index() -> ([(HeaderName, &'static str); 1], Json<Service>) {
    let service = Service {
        service: "Vestibule",
        docs: "/openapi.json",
    };
    ([(CACHE_CONTROL, "public, max-age=300")], Json(service))
}

/// The health of the server.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `healthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// The database's own time: proof that it answers.
    #[schema(value_type = String, format = "date-time", example = "2025-01-15T10:00:00Z")]
    database_ts: Timestamp,
}

/// Is it well?
#[utoipa::path(
    get,
    path = "/healthz",
    tag = tag::SERVICE,
    operation_id = "getHealth",
    responses(
        (status = 200, description = "The server and its database answer.", body = Health),
        (status = 503, description = "The database does not answer."),
    ),
)]
async fn health(State(accounts): State<Accounts>) -> Result<Json<Health>> {
    let database_ts = accounts.store().pulse().await.map_err(Error::from)?;
    Ok(Json(Health {
        status: "healthy",
        database_ts,
    }))
}
