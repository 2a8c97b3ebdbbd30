//! A key, in answers to itself.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Accounts;
use vestibule_handler::Result;
use vestibule_http::Json;
use vestibule_layer::{Permit, Rule};
use vestibule_model::{self as model, ApiKeyId, Grant, Name, Timestamp};

use super::{ApiKey, KeyGrant, key_grants};
use crate::Documented;
use crate::openapi::tag;

pub(super) fn routes() -> Documented {
    Documented::bearer().add(Rule::signed_in(), routes!(current))
}

/// A narrowed key, in what it is told of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::v1) struct CallingKey {
    /// The key's id.
    #[schema(value_type = String, example = "key_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: ApiKeyId,
    /// Name of the key.
    #[schema(value_type = String, example = "my-service-key")]
    name: Name,
    /// Grants that narrow it.
    grants: Vec<KeyGrant>,
    /// End of its life; null where it has none.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    expires_at: Option<Timestamp>,
}

impl CallingKey {
    pub(in crate::v1) fn new(key: model::ApiKey, grants: Vec<Grant>) -> Self {
        Self {
            id: key.id,
            name: key.name,
            grants: key_grants(Some(grants)).unwrap_or_default(),
            expires_at: key.expires_at,
        }
    }
}

/// Get the calling API key
///
/// Answers any key, narrowed or not, about itself; 404 for access tokens and sessions.
#[utoipa::path(
    get,
    path = "/v1/api-keys/current",
    tag = tag::API_KEYS,
    operation_id = "getCurrentApiKey",
    responses(
        (status = 200, description = "The key.", body = ApiKey),
        (status = 404, description = "The request was not made with an API key."),
    ),
)]
async fn current(State(accounts): State<Accounts>, permit: Permit) -> Result<Json<ApiKey>> {
    let key = accounts.calling_api_key(&permit).await?;
    Ok(Json(key.into()))
}
