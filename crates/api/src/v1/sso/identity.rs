//! `/v1/sso/identities`: who somebody is at the providers, and `/v1/sso/presets`.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_accounts::Caller;
use vestibule_handler::Result;
use vestibule_http::{Fields, Json, Query};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{ConnectionId, Role, SsoIdentity, Timestamp, UserId};
use vestibule_sso::Preset;

use super::settings::PresetSchema;
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::SingleSignOn;

pub(super) fn routes() -> Documented {
    let admin = || Rule::signed_in().role(Role::Admin);
    Documented::bearer()
        .add(admin(), routes!(list))
        .add(admin(), routes!(unlink))
        .add(Rule::signed_in(), routes!(presets))
}

/// A person at a provider, linked with a user.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoIdentity)]
struct Identity {
    /// The connection.
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    /// The provider's name for itself.
    issuer: String,
    /// The provider's name for the person.
    subject: String,
    /// The user.
    #[schema(value_type = String)]
    user_id: UserId,
    /// The time at which they were linked.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The time of the person's last sign-in with it.
    #[schema(value_type = String, format = "date-time")]
    last_used_at: Timestamp,
}

impl From<SsoIdentity> for Identity {
    fn from(identity: SsoIdentity) -> Self {
        Self {
            connection_id: identity.connection_id,
            issuer: identity.issuer,
            subject: identity.subject,
            user_id: identity.user_id,
            created_at: identity.created_at,
            last_used_at: identity.last_used_at,
        }
    }
}

/// The user whose identities are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfUser {
    /// The user's id.
    #[param(example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: String,
}

/// The identity to unlink.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfUserByConnection {
    /// The user's id.
    #[param(example = "user_01jhmpfn80e48s5s0q7b7cwx5e")]
    user_id: String,
    /// The connection's id.
    #[param(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    connection_id: String,
    /// Revokes the API keys that the user created in sessions of the connection, too.
    #[serde(default)]
    #[param(required = false)]
    revoke_keys: bool,
}

/// List the identities of a user
///
/// At the providers of this organisation.
#[utoipa::path(
    get,
    path = "/v1/sso/identities",
    tag = tag::SSO_ADMIN,
    operation_id = "listSsoIdentities",
    params(OfUser),
    responses((status = 200, description = "All of them.", body = Vec<Identity>)),
)]
async fn list(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Query(query): Query<OfUser>,
) -> Result<Json<Vec<Identity>>> {
    let mut fields = Fields::default();
    let user = fields.parse("user_id", &query.user_id);
    let user = fields.finish_with(user)?;
    let identities = sso.identities(&Caller::from(&permit), user).await?;
    Ok(Json(identities.into_iter().map(Identity::from).collect()))
}

/// Unlink a user from a connection
///
/// The user's sessions that came by it end. The API keys created in them stay unless `revoke_keys`
/// says otherwise.
#[utoipa::path(
    delete,
    path = "/v1/sso/identities",
    tag = tag::SSO_ADMIN,
    operation_id = "unlinkSsoIdentity",
    params(OfUserByConnection),
    responses(
        (status = 204, description = "They are unlinked."),
        (status = 404, description = "They are not linked."),
    ),
)]
async fn unlink(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Query(query): Query<OfUserByConnection>,
) -> Result<StatusCode> {
    let mut fields = Fields::default();
    let user: Option<UserId> = fields.parse("user_id", &query.user_id);
    let connection: Option<ConnectionId> = fields.parse("connection_id", &query.connection_id);
    let (user, connection) = fields.finish_with(user.zip(connection))?;
    let caller = Caller::from(&permit);
    let revoke_keys = query.revoke_keys;
    sso.unlink(&caller, connection, user, revoke_keys).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A known provider, and what its preset fills in.
#[derive(Serialize, ToSchema)]
struct PresetHints {
    /// Its name.
    #[schema(value_type = PresetSchema)]
    preset: Preset,
    /// The issuer, with what is to be replaced in braces.
    issuer: &'static str,
    /// The scopes beside `openid`.
    scopes: &'static [&'static str],
    /// A note to the administrator.
    note: &'static str,
}

/// List the known providers
#[utoipa::path(
    get,
    path = "/v1/sso/presets",
    tag = tag::SSO_ADMIN,
    operation_id = "listSsoPresets",
    responses((status = 200, description = "All of them.", body = Vec<PresetHints>)),
)]
async fn presets(_: Permit) -> Json<Vec<PresetHints>> {
    let hints = |preset: Preset| {
        let hints = preset.hints();
        PresetHints {
            preset,
            issuer: hints.issuer,
            scopes: hints.scopes,
            note: hints.note,
        }
    };
    Json(Preset::ALL.map(hints).into())
}
