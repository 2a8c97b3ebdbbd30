//! `/api/auth/sign-in` and `sign-out`: a session cookie, and its end.

use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::{PlainPassword, SignIn, SignedIn};
use vestibule_handler::{Result, Stranger, session_cookies};
use vestibule_http::{Fields, Json, OptionalJson, Problem, Sent};
use vestibule_layer::Rule;
use vestibule_model::Email;

use super::session::{Organization, User};
use super::set_cookie::{SetCookie, set_cookie};
use crate::openapi::tag;
use crate::single_sign_on;
use crate::{ApiState, Documented};

pub(crate) fn routes() -> Documented {
    Documented::browser()
        .add(Rule::public(), routes!(sign_in))
        .add(Rule::public().origin_or_bearer(), routes!(sign_out))
}

/// The credentials of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BrowserSignIn {
    /// The user's e-mail address.
    #[schema(format = "email", example = "user@example.com")]
    email: String,
    /// The user's password.
    #[schema(value_type = String, format = "password", max_length = 1024, example = "your-password")]
    password: Sent<PlainPassword>,
    /// The organisation to begin in; the oldest of the user's where left out or null.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    organization_id: Option<String>,
}

impl BrowserSignIn {
    fn validate(self, stranger: Stranger) -> Result<SignIn, Problem> {
        let mut fields = Fields::default();
        let email: Option<Email> = fields.parse("email", &self.email);
        let organization_id =
            fields.parse_optional("organizationId", self.organization_id.as_deref());
        let password = fields.take("password", self.password.0);
        fields.finish_with(email.zip(password).map(|(email, password)| SignIn {
            email,
            password,
            organization_id,
            address: stranger.address,
            request_id: stranger.request_id,
        }))
    }
}

/// The user who has signed in.
#[derive(Serialize, ToSchema)]
struct BrowserSignedIn {
    /// Always true.
    ok: bool,
    /// The user.
    user: User,
    /// The active organisation.
    organization: Organization,
}

/// The confirmation.
#[derive(Serialize, ToSchema)]
struct BrowserSignedOut {
    /// Always true.
    ok: bool,
    /// The URL for the browser to open, so that the user is signed out at the identity provider
    /// too; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    provider_sign_out_url: Option<String>,
}

/// Sign in with a password
///
/// Begins a session and sets its cookie; the session of a cookie that the request carries ends.
/// Whatever is wrong with the address, the password, the
/// user or the organisation, the answer is the same 401. The request must carry the `Origin` of
/// this server.
#[utoipa::path(
    post,
    path = "/api/auth/sign-in",
    tag = tag::BROWSER,
    operation_id = "browserSignIn",
    request_body = BrowserSignIn,
    responses(
        (status = 200, description = "Signed in.", body = BrowserSignedIn,
            headers(("Set-Cookie" = String, description = "The session cookie."))),
        (status = 401, description = "The e-mail address or the password is wrong."),
        (status = 403, description = "The request does not come from a page of this server."),
        (status = 429, description = "Too many sign-ins from this address or for this user."),
        (status = 503, description = "Too many sign-ins at once, or the store is away."),
    ),
)]
async fn sign_in(
    State(state): State<ApiState>,
    stranger: Stranger,
    headers: HeaderMap,
    Json(body): Json<BrowserSignIn>,
) -> Result<(SetCookie, Json<BrowserSignedIn>)> {
    let sign_in = body.validate(stranger)?;
    let replaces = session_cookies(&headers, &state.cookie);
    let done = state.accounts.sign_in_for_cookie(sign_in, &replaces);
    let done = done.await?;
    let cookie = set_cookie(state.cookie.set(&done.cookie))?;
    let SignedIn {
        me, organization, ..
    } = done.signed_in;
    let answer = BrowserSignedIn {
        ok: true,
        user: me.user.into(),
        organization: (organization, me.role).into(),
    };
    Ok((cookie, Json(answer)))
}

/// The options of a sign-out.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BrowserSignOut {
    /// The URI to which the identity provider sends the browser in the end: one of the
    /// organisation's redirect URIs, character for character, which the provider has to know too.
    #[schema(example = "https://app.example.com/signed-out")]
    post_logout_redirect_uri: Option<String>,
}

/// Sign out
///
/// Ends the session of the cookie, and that of an access token sent as bearer, with its cookie and
/// all its tokens, and clears the cookie; also where the token has expired or the user may not act
/// any more. Without a session there is nothing to end, and the answer is the same; so it is with an
/// API key, which lives until it is deleted (`DELETE /v1/api-keys/{id}`). The request must carry the
/// `Origin` of this server, unless it carries a bearer token and no session cookie.
#[utoipa::path(
    post,
    path = "/api/auth/sign-out",
    tag = tag::BROWSER,
    operation_id = "browserSignOut",
    request_body = Option<BrowserSignOut>,
    responses(
        (status = 200, description = "Signed out.", body = BrowserSignedOut,
            headers(("Set-Cookie" = String, description = "Clears the session cookie."))),
        (status = 403, description = "The request does not come from a page of this server."),
        (status = 503, description = "The store is away, and the session has not ended."),
    ),
    security((), ("bearerAuth" = []), ("sessionCookie" = [])),
)]
async fn sign_out(
    State(state): State<ApiState>,
    stranger: Stranger,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<BrowserSignOut>,
) -> Result<(SetCookie, Json<BrowserSignedOut>)> {
    let presented = stranger.sign_out_of_browser(&headers, &state.cookie);
    let after = body.and_then(|body| body.post_logout_redirect_uri);
    let provider_sign_out_url = single_sign_on::sign_out(
        &state,
        &presented,
        after.as_deref(),
        "postLogoutRedirectUri",
    )
    .await?;
    Ok((
        set_cookie(state.cookie.clear())?,
        Json(BrowserSignedOut {
            ok: true,
            provider_sign_out_url,
        }),
    ))
}
