//! `/v1/sso/connections`: the connections to identity providers.

mod shown;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_accounts::Caller;
use vestibule_accounts::limits::SSO_CONNECTION_CHECKS;
use vestibule_federation::{AlsoEnd, NewConnection, SettingsVersion};
use vestibule_handler::Result;
use vestibule_http::body::Object;
use vestibule_http::{Fields, Json, OptionalJson, PathId};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{ConnectionId, Name, Role};

use self::shown::Check;
pub(super) use self::shown::{Connection, SavedConnection};
use super::settings::{KeyKind, Settings, first_secret, secret};
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private};

pub(super) fn routes() -> Documented {
    let admin = || Rule::signed_in().role(Role::Admin);
    let owner = || Rule::signed_in().role(Role::Owner);
    Documented::bearer()
        .add(admin(), routes!(list))
        .add(owner().limit(SSO_CONNECTION_CHECKS), routes!(create))
        .add(admin(), routes!(get))
        .add(owner(), routes!(enable))
        .add(owner(), routes!(disable))
        .add(admin().limit(SSO_CONNECTION_CHECKS), routes!(preflight))
}

/// The properties of a new connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSsoConnection {
    /// Its administrators' name for it.
    #[schema(min_length = 1, max_length = 100, example = "Acme's Keycloak")]
    name: String,
    /// Its settings: `issuer` and `client_id` at least.
    #[schema(value_type = Settings)]
    settings: Object<Settings>,
    /// The secret that the provider gave.
    #[schema(format = "password", max_length = 1024)]
    client_secret: Option<String>,
    /// A new key of the connection's own instead, with `client_auth` `private_key_jwt`.
    client_key: Option<KeyKind>,
    /// True if people may sign in with it at once.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// True to save it even where a check fails.
    #[serde(default)]
    save_anyway: bool,
}

const fn yes() -> bool {
    true
}

/// List the connections
///
/// All of the organisation, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/sso/connections",
    tag = tag::SSO_ADMIN,
    operation_id = "listSsoConnections",
    responses((status = 200, description = "All of them.", body = Vec<Connection>)),
)]
async fn list(SingleSignOn(sso): SingleSignOn, permit: Permit) -> Result<Json<Vec<Connection>>> {
    let connections = sso.connections(&Caller::from(&permit)).await?;
    let shown = connections.into_iter().map(|it| Connection::new(&sso, it));
    Ok(Json(shown.collect()))
}

/// Make a connection
///
/// Looks the provider over first. Where a check fails, nothing is saved, and the answer names the
/// check and the value that is wrong.
#[utoipa::path(
    post,
    path = "/v1/sso/connections",
    tag = tag::SSO_ADMIN,
    operation_id = "createSsoConnection",
    request_body = CreateSsoConnection,
    responses(
        (status = 201, description = "The connection.", body = SavedConnection),
        (status = 409, description = "The organisation has as many as one may have."),
    ),
)]
async fn create(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    Json(body): Json<CreateSsoConnection>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let name: Option<Name> = fields.parse("name", &body.name);
    let settings = body.settings.0.create(&mut fields);
    let secret = secret(&mut fields, body.client_secret, body.client_key);
    let secret = first_secret(fields, secret)?;
    let (name, settings) = Fields::default().finish_with(name.zip(settings))?;
    let new = NewConnection {
        name,
        settings,
        secret,
        enabled: body.enabled,
        save_anyway: body.save_anyway,
    };
    let saved = sso.create_connection(&Caller::from(&permit), new).await?;
    let answer = Json(SavedConnection::new(&sso, saved));
    Ok(private((StatusCode::CREATED, answer)))
}

/// Get a connection
#[utoipa::path(
    get,
    path = "/v1/sso/connections/{id}",
    tag = tag::SSO_ADMIN,
    operation_id = "getSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "The connection.", body = Connection)),
)]
async fn get(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<Connection>> {
    let connection = sso.connection(&Caller::from(&permit), id).await?;
    Ok(Json(Connection::new(&sso, connection)))
}

/// Enable a connection
///
/// People may sign in by it.
#[utoipa::path(
    post,
    path = "/v1/sso/connections/{id}/enable",
    tag = tag::SSO_ADMIN,
    operation_id = "enableSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "The connection.", body = Connection)),
)]
async fn enable(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<Connection>> {
    let connection = sso.enable_connection(&Caller::from(&permit), id).await?;
    Ok(Json(Connection::new(&sso, connection)))
}

/// The options of a deletion.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DisableSsoConnection {
    /// True to end the sessions that it started, too.
    #[serde(default)]
    end_sessions: bool,
    /// Revokes the API keys that were created in such sessions, too.
    #[serde(default)]
    revoke_keys: bool,
}

/// Disable a connection
///
/// Nobody signs in by it any more.
#[utoipa::path(
    post,
    path = "/v1/sso/connections/{id}/disable",
    tag = tag::SSO_ADMIN,
    operation_id = "disableSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    request_body = Option<DisableSsoConnection>,
    responses(
        (status = 200, description = "The connection.", body = Connection),
        (status = 409, description = "Single sign-on is enforced, and there is no other connection."),
    ),
)]
async fn disable(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
    OptionalJson(body): OptionalJson<DisableSsoConnection>,
) -> Result<Json<Connection>> {
    let body = body.unwrap_or_default();
    let also = AlsoEnd {
        sessions: body.end_sessions,
        keys: body.revoke_keys,
    };
    let caller = Caller::from(&permit);
    let connection = sso.disable_connection(&caller, id, also).await?;
    Ok(Json(Connection::new(&sso, connection)))
}

/// The live settings or the staged ones.
#[derive(Default, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[schema(as = WhichSsoSettings)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichSettings {
    /// `live`, the usual ones, or `staged`.
    #[serde(default)]
    #[schema(value_type = String, example = "live")]
    #[param(value_type = Option<String>, example = "live")]
    pub(super) which: SettingsVersion,
}

/// Look a connection over
///
/// Asks the provider now, and names what is not in order.
#[utoipa::path(
    post,
    path = "/v1/sso/connections/{id}/preflight",
    tag = tag::SSO_ADMIN,
    operation_id = "preflightSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    request_body = Option<WhichSettings>,
    responses((status = 200, description = "The checks in their order.", body = Vec<Check>)),
)]
async fn preflight(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
    OptionalJson(body): OptionalJson<WhichSettings>,
) -> Result<Json<Vec<Check>>> {
    let which = body.unwrap_or_default().which;
    let checks = sso.preflight(&Caller::from(&permit), id, which).await?;
    Ok(Json(checks.into_iter().map(Check::from).collect()))
}
