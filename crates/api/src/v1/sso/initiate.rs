//! `/v1/auth/sso/initiate`, `start` and `signin`: where a sign-in begins.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use vestibule_accounts::{Error, Initiate, ReturnTo, Sso, Target};
use vestibule_http::{Json, OptionalJson, Problem, Query};
use vestibule_layer::Rule;
use vestibule_model::{ConnectionId, OrganizationId};

use crate::ApiState;
use crate::documented::Documented;
use crate::error::Result;
use crate::input::{Fields, Id};
use crate::openapi::tag;
use crate::single_sign_on::{BindingCookie, SingleSignOn, private, redirect};
use crate::stranger::Stranger;

pub(super) fn routes() -> Documented {
    // Public: who begins to sign in has no credential. Nothing is given away but the address of
    // the organisation's provider, and how often one may ask is limited by address.
    Documented::bearer()
        .add(Rule::public(), routes!(initiate))
        .add(Rule::public(), routes!(start))
        .add(Rule::public(), routes!(sign_in))
}

/// What a sign-in is to be.
#[derive(Debug, Default, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InitiateSso {
    /// Whose people sign in.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    #[param(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<String>,
    /// By which of its connections; the one of the hint's domain, or its first, where left out.
    #[schema(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    #[param(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    connection_id: Option<String>,
    /// Where the browser goes with the token: one of the organisation's redirect URIs, character
    /// for character. Without it, the callback's own answer holds the token.
    #[schema(example = "https://app.example.com/callback")]
    #[param(example = "https://app.example.com/callback")]
    redirect_uri: Option<String>,
    /// How the token gets there: `fragment` as `#access_token=…`, the usual one, or `code` as a
    /// one-time code for `/v1/auth/sso/token`; `json` where there is no `redirect_uri`.
    #[schema(example = "fragment")]
    #[param(example = "fragment")]
    response_mode: Option<String>,
    /// What the application wants back with the answer: at most 256 printable characters.
    #[schema(max_length = 256)]
    #[param(max_length = 256)]
    state: Option<String>,
    /// Who probably wants to sign in: an e-mail address.
    #[schema(example = "user@example.com")]
    #[param(example = "user@example.com")]
    login_hint: Option<String>,
    /// `TENANT`: the organisation's own provider. There are no others.
    #[schema(example = "TENANT")]
    #[param(example = "TENANT")]
    provider: Option<String>,
}

impl InitiateSso {
    /// What the query and the body say together; both may say the same.
    fn merged(query: Self, body: Option<Self>, fields: &mut Fields) -> Self {
        let body = body.unwrap_or_default();
        let mut either = |field: &str, one: Option<String>, other: Option<String>| {
            if one.is_some() && other.is_some() && one != other {
                let message = "must not be one in the query and another in the body";
                fields.refuse(field, "ambiguous_field", message);
            }
            other.or(one)
        };
        Self {
            tenant_id: either("tenant_id", query.tenant_id, body.tenant_id),
            connection_id: either("connection_id", query.connection_id, body.connection_id),
            redirect_uri: either("redirect_uri", query.redirect_uri, body.redirect_uri),
            response_mode: either("response_mode", query.response_mode, body.response_mode),
            state: either("state", query.state, body.state),
            login_hint: either("login_hint", query.login_hint, body.login_hint),
            provider: either("provider", query.provider, body.provider),
        }
    }
}

/// Where the browser is to go.
#[derive(Serialize, ToSchema)]
struct RedirectUrl {
    /// A URL of this server that sends the browser on to the provider. It is for one person's
    /// browser, which is bound to the sign-in there.
    #[schema(format = "uri")]
    redirect_url: String,
}

/// How the browser goes on when it comes back from the provider.
fn return_to(
    fields: &mut Fields,
    redirect_uri: Option<String>,
    response_mode: Option<&str>,
) -> Option<ReturnTo> {
    match (redirect_uri, response_mode) {
        (Some(redirect_uri), None | Some("fragment")) => Some(ReturnTo::Fragment { redirect_uri }),
        (Some(redirect_uri), Some("code")) => Some(ReturnTo::Code { redirect_uri }),
        (None, None | Some("json")) => Some(ReturnTo::Json),
        (None, Some("fragment" | "code")) => {
            let message = "is required with this response_mode";
            fields.refuse("redirect_uri", "missing_field", message);
            None
        }
        (redirect_uri, Some(_)) => {
            let message = match redirect_uri {
                Some(_) => "must be fragment or code",
                None => "must be json, or fragment or code with a redirect_uri",
            };
            fields.refuse("response_mode", "invalid_value", message);
            None
        }
    }
}

/// The connection, if it is one of the organisation's; the organisation's own choice otherwise.
async fn target(
    sso: &Sso,
    organization: Option<OrganizationId>,
    connection: Option<ConnectionId>,
) -> Result<Target> {
    let (id, organization) = match (connection, organization) {
        (Some(id), Some(organization)) => (id, organization),
        (Some(id), None) => return Ok(Target::Connection(id)),
        (None, Some(organization)) => return Ok(Target::Organization(organization)),
        (None, None) => {
            let mut fields = Fields::default();
            fields.refuse("tenant_id", "missing_field", "is required");
            return Err(fields
                .finish()
                .err()
                .unwrap_or_else(Problem::internal)
                .into());
        }
    };
    let store = sso.accounts().store();
    let owner = store.organization_of_connection(id).await;
    if owner.map_err(Error::from)? != Some(organization) {
        return Err(Problem::not_found("connection to an identity provider").into());
    }
    Ok(Target::Connection(id))
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
        .start_url(&Initiate {
            target: target(&sso, organization, connection).await?,
            return_to,
            state: wanted.state,
            login_hint: wanted.login_hint,
            binding: None,
            origin: stranger.into(),
        })
        .await?;
    Ok(private(Json(RedirectUrl { redirect_url })))
}

/// What stands in the URL that `initiate` gives.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Start {
    /// One of the organisation's connections.
    connection_id: Option<String>,
    /// Where the browser goes with the token.
    redirect_uri: Option<String>,
    /// How the token gets there: `fragment`, `code` or `json`.
    response_mode: Option<String>,
    /// What the application wants back.
    state: Option<String>,
    /// Who probably wants to sign in.
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
async fn start(
    State(state): State<ApiState>,
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    headers: HeaderMap,
    Id(organization): Id<OrganizationId>,
    Query(query): Query<Start>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let connection = fields.parse_optional("connection_id", query.connection_id.as_deref());
    let mode = query.response_mode.as_deref();
    let return_to = return_to(&mut fields, query.redirect_uri, mode);
    let return_to = fields.finish_with(return_to)?;
    let cookie = BindingCookie::beside(&state.cookie);
    let request = Initiate {
        target: target(&sso, Some(organization), connection).await?,
        return_to,
        state: query.state,
        login_hint: query.login_hint,
        binding: cookie.presented(&headers).map(str::to_owned),
        origin: stranger.into(),
    };
    go(StatusCode::SEE_OTHER, &sso, &cookie, request).await
}

/// Where a browser session is to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SignIn {
    /// The page to go on with: a path of this server.
    #[param(example = "/")]
    redirect: Option<String>,
    /// One of the organisation's connections.
    connection_id: Option<String>,
    /// Who probably wants to sign in.
    login_hint: Option<String>,
}

/// Sign in to a browser session
///
/// Sends the browser to the provider. When it comes back, it has a session cookie and is sent on
/// to a page of this server.
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
        (status = 307, description = "To the provider.",
            headers(("Location" = String, description = "The provider's page."),
                ("Set-Cookie" = String, description = "Binds the sign-in to the browser."))),
        (status = 404, description = "The organisation has no such connection."),
        (status = 409, description = "The provider cannot be used now."),
        (status = 429, description = "Too many sign-ins begun from this address."),
    ),
)]
async fn sign_in(
    State(state): State<ApiState>,
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    headers: HeaderMap,
    Id(organization): Id<OrganizationId>,
    Query(query): Query<SignIn>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let connection = fields.parse_optional("connection_id", query.connection_id.as_deref());
    fields.finish()?;
    let path = query.redirect.filter(|path| !path.is_empty());
    let cookie = BindingCookie::beside(&state.cookie);
    let request = Initiate {
        target: target(&sso, Some(organization), connection).await?,
        return_to: ReturnTo::Browser {
            path: path.unwrap_or_else(|| "/".to_owned()),
        },
        state: None,
        login_hint: query.login_hint,
        binding: cookie.presented(&headers).map(str::to_owned),
        origin: stranger.into(),
    };
    go(StatusCode::TEMPORARY_REDIRECT, &sso, &cookie, request).await
}

/// Begins the sign-in in the browser that asks.
async fn go(
    status: StatusCode,
    sso: &Sso,
    cookie: &BindingCookie,
    request: Initiate,
) -> Result<Response> {
    let begun = sso.initiate(request).await?;
    let cookie = cookie.set(&begun.binding)?;
    Ok(redirect(status, &begun.redirect_url, Some(cookie))?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("https://a.example"), None, Ok("fragment"))]
    #[case(Some("https://a.example"), Some("fragment"), Ok("fragment"))]
    #[case(Some("https://a.example"), Some("code"), Ok("code"))]
    #[case(Some("https://a.example"), Some("json"), Err("invalid_value"))]
    #[case(Some("https://a.example"), Some("query"), Err("invalid_value"))]
    #[case(None, None, Ok("json"))]
    #[case(None, Some("json"), Ok("json"))]
    #[case(None, Some("code"), Err("missing_field"))]
    #[case(None, Some("Fragment"), Err("invalid_value"))]
    fn a_token_travels_in_the_fragment_by_code_or_as_json_and_never_in_the_query(
        #[case] redirect_uri: Option<&str>,
        #[case] mode: Option<&str>,
        #[case] expected: Result<&str, &str>,
    ) {
        let mut fields = Fields::default();
        let found = return_to(&mut fields, redirect_uri.map(str::to_owned), mode);
        let found = fields.finish_with(found).map(|to| match to {
            ReturnTo::Fragment { .. } => "fragment",
            ReturnTo::Code { .. } => "code",
            ReturnTo::Json => "json",
            ReturnTo::Browser { .. } => "browser",
        });
        let found = found.map_err(|problem| problem.reason().to_owned());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn the_query_and_the_body_may_not_contradict_each_other() {
        let of = |state: &str| InitiateSso {
            state: Some(state.to_owned()),
            ..InitiateSso::default()
        };
        let mut fields = Fields::default();
        let same = InitiateSso::merged(of("a"), Some(of("a")), &mut fields);
        assert_eq!(same.state.as_deref(), Some("a"));
        assert!(fields.finish().is_ok());
        let mut fields = Fields::default();
        InitiateSso::merged(of("a"), Some(of("b")), &mut fields);
        assert!(fields.finish().is_err());
    }
}
