//! `/api/auth/sso/link`: another way in, by the own act of a signed-in user.

use axum::extract::State;
use axum::response::{AppendHeaders, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::RequestSource;
use vestibule_accounts::limits;
use vestibule_handler::{BindingCookie, Result, Stranger};
use vestibule_http::{Fields, Json};
use vestibule_layer::{Permit, Rule};
use vestibule_model::ConnectionId;

use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private};

pub(crate) fn routes() -> Documented {
    let rule = Rule::signed_in().not_by_key().limit(limits::SSO_LINKS);
    Documented::browser().add(rule, routes!(link))
}

/// The provider to link with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LinkIdentity {
    /// One of the connections of the active organisation.
    #[schema(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    connection_id: String,
    /// The page to go on with: a path of this server; `/` where left out.
    #[schema(example = "/account")]
    redirect: Option<String>,
}

/// The URL for the browser to open.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LinkStarted {
    /// The provider's page. Only a browser that keeps this answer's cookie can come back from it.
    #[schema(format = "uri")]
    redirect_url: String,
}

/// Link a person of an identity provider with the own account
///
/// The browser goes to the provider and comes back as it would to sign in. From then on that
/// person of the provider signs in to this account, whatever address the provider tells. Nobody
/// else may be linked with that person already.
#[utoipa::path(
    post,
    path = "/api/auth/sso/link",
    tag = tag::BROWSER,
    operation_id = "linkSsoIdentity",
    request_body = LinkIdentity,
    responses(
        (status = 200, description = "Where the browser is to go.", body = LinkStarted,
            headers(("Set-Cookie" = String, description = "Binds the way back to the browser."))),
        (status = 404, description = "The organisation has no such connection."),
        (status = 409, description = "The provider cannot be used now."),
    ),
    security(("bearerAuth" = []), ("sessionCookie" = [])),
)]
async fn link(
    State(state): State<ApiState>,
    SingleSignOn(sso): SingleSignOn,
    permit: Permit,
    stranger: Stranger,
    headers: HeaderMap,
    Json(body): Json<LinkIdentity>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let connection: Option<ConnectionId> = fields.parse("connectionId", &body.connection_id);
    let connection = fields.finish_with(connection)?;
    let path = body.redirect.as_deref().unwrap_or("/");
    let cookie = BindingCookie::beside(&state.cookie);
    let (binding, origin) = (cookie.presented(&headers), RequestSource::from(stranger));
    let begun = sso
        .start_link(&permit, connection, path, binding, &origin)
        .await?;
    let cookies = cookie
        .set(&headers, begun.binding.expose(), begun.carried.named())?
        .into_iter();
    let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
    let answer = Json(LinkStarted {
        redirect_url: begun.redirect_url,
    });
    Ok(private((StatusCode::OK, cookies, answer)))
}
