//! `/v1/sso/connections/{id}/staged`: a change of a live connection, prepared, tested, swapped.

use axum::extract::State;
use axum::response::{AppendHeaders, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::limits::{SSO_CONNECTION_CHECKS, SSO_TEST_SIGN_INS};
use vestibule_accounts::{Caller, RequestSource};
use vestibule_handler::{BindingCookie, Result, Stranger};
use vestibule_http::body::Object;
use vestibule_http::{Fields, Json, OptionalJson, PathId, Query};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{ConnectionId, Role};

use super::connection::{Connection, SavedConnection, WhichSettings};
use super::settings::{KeyKind, Settings, secret};
use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private};

pub(super) fn routes() -> Documented {
    let admin = || Rule::signed_in().role(Role::Admin);
    let owner = || Rule::signed_in().role(Role::Owner);
    Documented::bearer()
        .add(owner().limit(SSO_CONNECTION_CHECKS), routes!(stage))
        .add(owner(), routes!(unstage))
        .add(owner(), routes!(swap))
        .add(admin().limit(SSO_TEST_SIGN_INS), routes!(test))
        .add(admin(), routes!(client_jwk))
}

/// The changes to stage.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StageSsoConnection {
    /// The changes to what is staged already, or to what is live.
    #[schema(value_type = Settings)]
    settings: Object<Settings>,
    /// A new secret. With another issuer or another kind of proof there has to be one.
    #[schema(format = "password", max_length = 1024)]
    client_secret: Option<String>,
    /// A new key of the connection's own instead, with `client_auth` `private_key_jwt`.
    client_key: Option<KeyKind>,
    /// True to save it even where a check fails.
    #[serde(default)]
    save_anyway: bool,
}

/// Stage a change
///
/// Sign-ins go on with the live settings until the two are swapped.
#[utoipa::path(
    put,
    path = "/v1/sso/connections/{id}/staged",
    tag = tag::SSO_ADMIN,
    operation_id = "stageSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    request_body = StageSsoConnection,
    responses(
        (status = 200, description = "The connection.", body = SavedConnection),
        (status = 409, description = "Somebody else has changed the connection meanwhile."),
    ),
)]
async fn stage(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
    Json(body): Json<StageSsoConnection>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let secret = secret(&mut fields, body.client_secret, body.client_key);
    fields.finish()?;
    let caller = Caller::from(&permit);
    let before = sso.connection(&caller, id).await?;
    let settings = body.settings.0.change(before.staged.unwrap_or(before.live));
    let saved = sso
        .stage_connection(&caller, id, settings, secret, body.save_anyway)
        .await?;
    Ok(private(Json(SavedConnection::new(&sso, saved))))
}

/// Give up a staged change
#[utoipa::path(
    delete,
    path = "/v1/sso/connections/{id}/staged",
    tag = tag::SSO_ADMIN,
    operation_id = "unstageSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses((status = 200, description = "The connection.", body = Connection)),
)]
async fn unstage(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<Connection>> {
    let connection = sso.unstage_connection(&Caller::from(&permit), id).await?;
    Ok(Json(Connection::new(&sso, connection)))
}

/// Swap what is live and what is staged
///
/// What was live can be swapped back.
#[utoipa::path(
    post,
    path = "/v1/sso/connections/{id}/swap",
    tag = tag::SSO_ADMIN,
    operation_id = "swapSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    responses(
        (status = 200, description = "The connection.", body = Connection),
        (status = 409, description = "Nothing is staged."),
    ),
)]
async fn swap(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
) -> Result<Json<Connection>> {
    let connection = sso.swap_connection(&Caller::from(&permit), id).await?;
    Ok(Json(Connection::new(&sso, connection)))
}

/// The URL for the browser to open.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoTestUrl)]
struct TestUrl {
    /// The provider's page. Only a browser that keeps this answer's cookie can come back from it.
    #[schema(format = "uri")]
    redirect_url: String,
}

/// Test a sign-in
///
/// The browser goes to the provider and comes back as it would to sign in. Nobody is created and
/// nothing is changed: the answer at the end shows the claims, what the mapping makes of them and
/// what would have happened, and stands among the connection's attempts.
#[utoipa::path(
    post,
    path = "/v1/sso/connections/{id}/test",
    tag = tag::SSO_ADMIN,
    operation_id = "testSsoConnection",
    params(("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    request_body = Option<WhichSettings>,
    responses(
        (status = 200, description = "Where the browser is to go.", body = TestUrl,
            headers(("Set-Cookie" = String, description = "Binds the test to the browser."))),
        (status = 409, description = "The provider cannot be used now."),
    ),
)]
async fn test(
    State(state): State<ApiState>,
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    stranger: Stranger,
    headers: HeaderMap,
    PathId(id): PathId<ConnectionId>,
    OptionalJson(body): OptionalJson<WhichSettings>,
) -> Result<Response> {
    let which = body.unwrap_or_default().which;
    let cookie = BindingCookie::beside(&state.cookie);
    let (caller, origin) = (Caller::from(&permit), RequestSource::from(stranger));
    let binding = cookie.presented(&headers);
    let begun = sso.start_test(&caller, id, which, binding, &origin).await?;
    let cookies = cookie
        .set(&headers, begun.binding.expose(), begun.carried.named())?
        .into_iter();
    let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
    let answer = Json(TestUrl {
        redirect_url: begun.redirect_url,
    });
    Ok(private((StatusCode::OK, cookies, answer)))
}

/// Get the public part of a connection's own key
///
/// To be registered at the provider, where the connection proves itself with `private_key_jwt`.
#[utoipa::path(
    get,
    path = "/v1/sso/connections/{id}/client-key",
    tag = tag::SSO_ADMIN,
    operation_id = "getSsoClientKey",
    params(
        ("id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e"),
        WhichSettings,
    ),
    responses((status = 200, description = "A JSON Web Key; null where the connection has a secret.", body = Option<Object>)),
)]
async fn client_jwk(
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    PathId(id): PathId<ConnectionId>,
    Query(settings): Query<WhichSettings>,
) -> Result<Json<Option<Value>>> {
    let caller = Caller::from(&permit);
    let key = sso.client_jwk(&caller, id, settings.which).await?;
    Ok(Json(key))
}
