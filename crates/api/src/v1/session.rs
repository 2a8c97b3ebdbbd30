//! `/v1/auth`: sign-in to an access token, its refresh, and its end.

use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_accounts::limits;
use vestibule_accounts::{AccessToken, Accounts, Me, PlainPassword, SignIn};
use vestibule_handler::{Result, Stranger, bearer_token};
use vestibule_http::{Fields, Json, OptionalJson, Problem, Query, Sent};
use vestibule_layer::{Permit, Rule};
use vestibule_model::{Email, OrganizationId};

use super::user::User;
use crate::ApiState;
use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on;

pub(crate) fn routes() -> Documented {
    Documented::bearer()
        .add(Rule::public(), routes!(sign_in))
        .add(
            Rule::signed_in().not_by_key().limit(limits::REFRESHES),
            routes!(refresh),
        )
        .add(Rule::public(), routes!(sign_out))
}

/// The credentials of a sign-in, with exactly one of `email` and `username`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordSignIn {
    /// The user's e-mail address.
    #[schema(format = "email", example = "user@example.com")]
    email: Option<String>,
    /// The same, for clients that call it so.
    #[schema(example = "user@example.com")]
    username: Option<String>,
    /// The user's password.
    #[schema(value_type = String, format = "password", max_length = 1024, example = "your-password")]
    password: Sent<PlainPassword>,
    /// The organisation to begin in; the oldest of the user's where left out or null.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<String>,
}

impl PasswordSignIn {
    fn validate(self, stranger: Stranger) -> Result<SignIn, Problem> {
        let mut fields = Fields::default();
        let email: Option<Email> = match (&self.email, &self.username) {
            (Some(email), None) => fields.parse("email", email),
            (None, Some(username)) => fields.parse("username", username),
            (None, None) => {
                fields.refuse("email", "missing_field", "is required");
                None
            }
            (Some(_), Some(_)) => {
                fields.refuse(
                    "username",
                    "ambiguous_field",
                    "must not be given together with email",
                );
                None
            }
        };
        let organization_id = fields.parse_optional("tenant_id", self.tenant_id.as_deref());
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

/// An access token, and whose it is.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// The token: to be sent as `Authorization: Bearer`.
    #[schema(example = "eyJ…")]
    access_token: String,
    /// The scheme of the `Authorization` header.
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Its lifetime, in seconds.
    #[schema(example = 3600)]
    expires_in: u64,
    /// The user who has signed in.
    #[serde(flatten)]
    user: User,
}

impl TokenAnswer {
    pub(super) fn new(token: &AccessToken, me: Me) -> Self {
        Self {
            access_token: token.expose().to_owned(),
            token_type: "bearer",
            expires_in: token.expires_in().as_secs(),
            user: me.into(),
        }
    }
}

/// Sign in with a password
///
/// Begins a session and gives its first access token. Whatever is wrong with the address, the
/// password, the user or the organisation, the answer is the same 401.
#[utoipa::path(
    post,
    path = "/v1/auth/pw/signin",
    tag = tag::SIGN_IN,
    operation_id = "signIn",
    request_body = PasswordSignIn,
    responses(
        (status = 200, description = "The token, and the user.", body = TokenAnswer),
        (status = 401, description = "The e-mail address or the password is wrong."),
        (status = 429, description = "Too many sign-ins from this address or for this user."),
        (status = 503, description = "Too many sign-ins at once, or the store is away."),
    ),
)]
async fn sign_in(
    State(accounts): State<Accounts>,
    stranger: Stranger,
    Json(body): Json<PasswordSignIn>,
) -> Result<Json<TokenAnswer>> {
    let sign_in = body.validate(stranger)?;
    let done = accounts.sign_in_for_token(sign_in).await?;
    Ok(Json(TokenAnswer::new(&done.token, done.signed_in.me)))
}

/// The organisation of the new token.
#[derive(Debug, Default, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RefreshFor {
    /// Another organisation of the user's; the same as before where left out or null.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    #[param(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<String>,
}

/// The organisation that the query or the body names; both may, if they agree.
fn wanted(
    query: &RefreshFor,
    body: Option<&RefreshFor>,
) -> Result<Option<OrganizationId>, Problem> {
    let mut fields = Fields::default();
    let in_query = fields.parse_optional("tenant_id", query.tenant_id.as_deref());
    let in_body = body.and_then(|body| body.tenant_id.as_deref());
    let in_body = fields.parse_optional("tenant_id", in_body);
    if let (Some(one), Some(other)) = (in_query, in_body)
        && one != other
    {
        fields.refuse(
            "tenant_id",
            "ambiguous_field",
            "must not be one in the query and another in the body",
        );
    }
    fields.finish()?;
    Ok(in_body.or(in_query))
}

/// Refresh an access token
///
/// Gives a new token of the same session with a fresh end, up to the session's own. The presented
/// token keeps its end. Requests that refresh one token at the same time get the same new one.
#[utoipa::path(
    post,
    path = "/v1/auth/uat",
    tag = tag::SIGN_IN,
    operation_id = "refreshToken",
    params(RefreshFor),
    request_body = Option<RefreshFor>,
    responses(
        (status = 200, description = "The new token, and the user.", body = TokenAnswer),
        (status = 404, description = "The user is no active member of that organisation."),
    ),
)]
async fn refresh(
    State(accounts): State<Accounts>,
    permit: Permit,
    headers: HeaderMap,
    Query(query): Query<RefreshFor>,
    OptionalJson(body): OptionalJson<RefreshFor>,
) -> Result<Json<TokenAnswer>> {
    let organization = wanted(&query, body.as_ref())?;
    let presented = bearer_token(&headers).unwrap_or_default();
    let done = accounts.refresh(&permit, presented, organization).await?;
    Ok(Json(TokenAnswer::new(&done.token, done.me)))
}

/// The confirmation.
#[derive(Serialize, ToSchema)]
struct SignedOut {
    /// The URL for the browser to open, so that the user is signed out at the identity provider
    /// too; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri")]
    provider_sign_out_url: Option<String>,
}

/// The options of a sign-out.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignOutFor {
    /// The URI to which the identity provider sends the browser in the end: one of the
    /// organisation's redirect URIs, character for character, which the provider has to know too.
    #[schema(example = "https://app.example.com/signed-out")]
    post_logout_redirect_uri: Option<String>,
}

/// Sign out
///
/// Ends the session of the access token, with all its tokens and its cookie; also where the token
/// has expired or the user may not act any more. Without a token there is nothing to end, and the
/// answer is the same. So it is with an API key, which has no session: it lives until it is deleted
/// (`DELETE /v1/api-keys/{id}`).
#[utoipa::path(
    post,
    path = "/v1/auth/signout",
    tag = tag::SIGN_IN,
    operation_id = "signOut",
    request_body = Option<SignOutFor>,
    responses(
        (status = 200, description = "Signed out.", body = SignedOut),
        (status = 503, description = "The store is away, and the session has not ended."),
    ),
    security((), ("bearerAuth" = [])),
)]
async fn sign_out(
    State(state): State<ApiState>,
    stranger: Stranger,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<SignOutFor>,
) -> Result<Json<SignedOut>> {
    let presented = stranger.sign_out(&headers);
    let after = body.and_then(|body| body.post_logout_redirect_uri);
    let url = single_sign_on::sign_out(
        &state,
        &presented,
        after.as_deref(),
        "post_logout_redirect_uri",
    )
    .await?;
    Ok(Json(SignedOut {
        provider_sign_out_url: url,
    }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, None, Ok(None))]
    #[case(Some(ONE), None, Ok(Some(ONE)))]
    #[case(None, Some(ONE), Ok(Some(ONE)))]
    #[case(Some(ONE), Some(ONE), Ok(Some(ONE)))]
    #[case(Some(ONE), Some(OTHER), Err("ambiguous_field"))]
    #[case(Some("ada"), None, Err("invalid_id"))]
    fn the_organisation_is_named_in_the_query_or_in_the_body(
        #[case] query: Option<&str>,
        #[case] body: Option<&str>,
        #[case] expected: Result<Option<&str>, &str>,
    ) {
        let of = |text: Option<&str>| RefreshFor {
            tenant_id: text.map(str::to_owned),
        };
        let found = wanted(&of(query), Some(&of(body)));
        let found = found.map_err(|problem| problem.reason().to_owned());
        let expected = expected.map(|text| text.map(|text| text.parse().unwrap()));
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    const ONE: &str = "tenant_01h455vb4pex5vsknk084sn02q";
    const OTHER: &str = "tenant_01jhmpfn80e48s5s0q7b7cwx5e";
}
