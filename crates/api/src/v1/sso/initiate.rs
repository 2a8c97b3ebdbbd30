//! `/v1/auth/sso/initiate`, `start`, `signin` and `test`: where a sign-in begins.

mod door;
mod wanted;

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_federation::{ReturnTo, StartSignIn};
use vestibule_handler::{Result, Stranger};
use vestibule_http::{Fields, Json, OptionalJson, Query};
use vestibule_layer::Rule;

use self::door::Door;
use self::wanted::{InitiateSso, return_to, target};
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private, redirect};

pub(super) fn routes() -> Documented {
    // Public: who begins to sign in has no credential. Nothing is given away but the address of
    // the organisation's provider, and how often one may ask is limited by address.
    Documented::bearer()
        .add(Rule::public(), routes!(initiate))
        .add(Rule::public(), routes!(start))
        .add(Rule::public(), routes!(sign_in))
        .add(Rule::public(), routes!(start_test))
}

/// The URL for the browser to open.
#[derive(Serialize, ToSchema)]
struct RedirectUrl {
    /// A URL of this server that sends the browser on to the provider. It is for one person's
    /// browser, which is bound to the sign-in there.
    #[schema(format = "uri")]
    redirect_url: String,
}

/// Begin a sign-in through an identity provider
///
/// Gives the URL to send the browser to. It leads to the provider of the organisation, and from
/// there back to the application's `redirect_uri` with an access token. The values may stand in
/// the body or in the query.
#[utoipa::path(
    post,
    path = "/v1/auth/sso/initiate",
    tag = tag::SSO,
    operation_id = "initiateSso",
    params(InitiateSso),
    request_body = Option<InitiateSso>,
    responses(
        (status = 200, description = "Where the browser is to go.", body = RedirectUrl),
        (status = 404, description = "The organisation has no such connection."),
        (status = 429, description = "Too many sign-ins begun from this address."),
    ),
)]
async fn initiate(
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    Query(query): Query<InitiateSso>,
    OptionalJson(body): OptionalJson<InitiateSso>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let wanted = InitiateSso::merged(query, body, &mut fields);
    if wanted.provider.as_deref().is_some_and(|it| it != "TENANT") {
        fields.refuse("provider", "invalid_value", "must be TENANT");
    }
    let organization = fields.parse_optional("tenant_id", wanted.tenant_id.as_deref());
    let connection = fields.parse_optional("connection_id", wanted.connection_id.as_deref());
    let mode = wanted.response_mode.as_deref();
    let return_to = return_to(&mut fields, wanted.redirect_uri, mode);
    let return_to = fields.finish_with(return_to)?;
    let redirect_url = sso
        .start_url(&StartSignIn {
            target: target(&sso, organization, connection).await?,
            return_to,
            state: wanted.state,
            login_hint: wanted.login_hint,
            binding: None,
            replaces: None,
            origin: stranger.into(),
        })
        .await?;
    Ok(private(Json(RedirectUrl { redirect_url })))
}

/// The query of the URL that `initiate` returns.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Start {
    /// One of the organisation's connections.
    connection_id: Option<String>,
    /// The URI to which the browser goes with the token.
    redirect_uri: Option<String>,
    /// The way in which the token gets there: `fragment`, `code` or `json`.
    response_mode: Option<String>,
    /// The application's own value, which it gets back.
    state: Option<String>,
    /// The address of the person who probably signs in.
    login_hint: Option<String>,
}

/// Send the browser to the provider
///
/// What `/v1/auth/sso/initiate` gives leads here. Sets the cookie that binds the sign-in to this
/// browser.
#[utoipa::path(
    get,
    path = "/v1/auth/sso/{tenant_id}/start",
    tag = tag::SSO,
    operation_id = "startSso",
    params(
        ("tenant_id" = String, Path, description = "The organisation's id.", example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e"),
        Start,
    ),
    responses(
        (status = 303, description = "To the provider.",
            headers(("Location" = String, description = "The provider's page."),
                ("Set-Cookie" = String, description = "Binds the sign-in to the browser."))),
        (status = 404, description = "The organisation has no such connection."),
        (status = 409, description = "The provider cannot be used now."),
        (status = 429, description = "Too many sign-ins begun from this address."),
    ),
)]
async fn start(door: Door, Query(query): Query<Start>) -> Result<Response> {
    let mut fields = Fields::default();
    let connection = fields.parse_optional("connection_id", query.connection_id.as_deref());
    let mode = query.response_mode.as_deref();
    let return_to = return_to(&mut fields, query.redirect_uri, mode);
    let return_to = fields.finish_with(return_to)?;
    let request = door
        .request(connection, return_to, query.state, query.login_hint)
        .await?;
    door.open(StatusCode::SEE_OTHER, request).await
}

/// The start of a browser session.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SignIn {
    /// The page to go on with: a path of this server.
    #[param(example = "/")]
    redirect: Option<String>,
    /// One of the organisation's connections.
    connection_id: Option<String>,
    /// The address of the person who probably signs in.
    login_hint: Option<String>,
}

/// Sign in to a browser session
///
/// Sends the browser to the provider. When it comes back, it has a session cookie and is sent on
/// to a page of this server. Where somebody is signed in in the browser already, a page of this
/// server asks first.
#[utoipa::path(
    get,
    path = "/v1/auth/sso/{tenant_id}/signin",
    tag = tag::SSO,
    operation_id = "signInBySso",
    params(
        ("tenant_id" = String, Path, description = "The organisation's id.", example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e"),
        SignIn,
    ),
    responses(
        (status = 303, description = "To a page that asks, where somebody is signed in already.",
            headers(("Location" = String, description = "The page."))),
        (status = 307, description = "To the provider.",
            headers(("Location" = String, description = "The provider's page."),
                ("Set-Cookie" = String, description = "Binds the sign-in to the browser."))),
        (status = 404, description = "The organisation has no such connection."),
        (status = 409, description = "The provider cannot be used now."),
        (status = 429, description = "Too many sign-ins begun from this address."),
    ),
)]
async fn sign_in(door: Door, Query(query): Query<SignIn>) -> Result<Response> {
    let mut fields = Fields::default();
    let connection = fields.parse_optional("connection_id", query.connection_id.as_deref());
    fields.finish()?;
    let path = query.redirect.filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| "/".to_owned());
    let to = ReturnTo::Browser { path };
    let request = door.request(connection, to, None, query.login_hint).await?;
    if let Some(question) = door.question(&request).await? {
        return Ok(redirect(StatusCode::SEE_OTHER, &question, None)?);
    }
    door.open(StatusCode::TEMPORARY_REDIRECT, request).await
}

/// The query of the URL of a test.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StartTest {
    /// The ticket.
    ticket: String,
}

/// Begin a test sign-in in the browser
///
/// What `vestibule sso test --sign-in` prints leads here, once and within ten minutes. Nobody is
/// created and nothing is changed: the answer at the end shows the claims, what the mapping makes
/// of them and what would have happened.
#[utoipa::path(
    get,
    path = "/v1/auth/sso/{tenant_id}/test",
    tag = tag::SSO,
    operation_id = "startSsoTest",
    params(
        ("tenant_id" = String, Path, description = "The organisation's id.", example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e"),
        StartTest,
    ),
    responses(
        (status = 303, description = "To the provider."),
        (status = 401, description = "The ticket is wrong, used or too old."),
        (status = 409, description = "The provider cannot be used now."),
        (status = 429, description = "Too many sign-ins begun from this address."),
    ),
)]
async fn start_test(door: Door, Query(query): Query<StartTest>) -> Result<Response> {
    let begun = door
        .sso
        .start_test_by_ticket(&query.ticket, door.binding.as_deref(), &door.origin)
        .await?;
    door.go(StatusCode::SEE_OTHER, &begun)
}
