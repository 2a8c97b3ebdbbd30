//! `/v1/sso/redirect-uris`: where applications get their people back.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Caller;
use vestibule_handler::Result;
use vestibule_http::{Json, PathId};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{RedirectUri, RedirectUriId, RegisteredRedirectUri, Role, Timestamp};

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::SingleSignOn;

pub(super) fn routes() -> Documented {
    let owner = || Rule::signed_in().role(Role::Owner);
    Documented::bearer()
        .add(Rule::signed_in().role(Role::Admin), routes!(list))
        .add(owner(), routes!(add))
        .add(owner(), routes!(remove))
}

/// A registered redirect URI.
#[derive(Serialize, ToSchema)]
#[schema(as = RegisteredRedirectUri)]
struct Registered {
    /// Its id.
    #[schema(value_type = String, example = "redirect_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: RedirectUriId,
    /// The URI.
    #[schema(value_type = String, format = "uri", example = "https://app.example.com/callback")]
    uri: RedirectUri,
    /// The time of its registration.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<RegisteredRedirectUri> for Registered {
    fn from(registered: RegisteredRedirectUri) -> Self {
        Self {
            id: registered.id,
            uri: registered.uri,
            created_at: registered.created_at,
        }
    }
}

/// A redirect URI to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddRedirectUri {
    /// The URI: `https`, or `http` on this machine's own loopback.
    #[schema(max_length = 512, example = "https://app.example.com/callback")]
    uri: String,
}

/// List the redirect URIs
#[utoipa::path(
    get,
    path = "/v1/sso/redirect-uris",
    tag = tag::SSO_ADMIN,
    operation_id = "listRedirectUris",
    responses((status = 200, description = "All of them.", body = Vec<Registered>)),
)]
async fn list(SingleSignOn(sso): SingleSignOn, permit: Permit) -> Result<Json<Vec<Registered>>> {
    let uris = sso.redirect_uris(&Caller::from(&permit)).await?;
    Ok(Json(uris.into_iter().map(Registered::from).collect()))
}

/// Register a redirect URI
///
/// Browsers may then be sent there with tokens of this organisation.
#[utoipa::path(
    post,
    path = "/v1/sso/redirect-uris",
    tag = tag::SSO_ADMIN,
    operation_id = "addRedirectUri",
    request_body = AddRedirectUri,
    responses(
        (status = 201, description = "The redirect URI.", body = Registered),
        (status = 409, description = "It is registered already, or there are as many as there may be."),
    ),
)]
async fn add(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Json(body): Json<AddRedirectUri>,
) -> Result<(StatusCode, Json<Registered>)> {
    let uri = sso
        .add_redirect_uri(&Caller::from(&permit), &body.uri)
        .await?;
    Ok((StatusCode::CREATED, Json(uri.into())))
}

/// Remove a redirect URI
#[utoipa::path(
    delete,
    path = "/v1/sso/redirect-uris/{id}",
    tag = tag::SSO_ADMIN,
    operation_id = "removeRedirectUri",
    params(("id" = String, Path, description = "Its id.", example = "redirect_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 204, description = "Nobody is sent there any more.")),
)]
async fn remove(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<RedirectUriId>,
) -> Result<StatusCode> {
    sso.remove_redirect_uri(&Caller::from(&permit), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
