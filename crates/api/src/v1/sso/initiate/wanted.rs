//! What a sign-in is to be, as applications say it.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vestibule_accounts::Error;
use vestibule_federation::{ReturnTo, SignInTarget, Sso};
use vestibule_handler::Result;
use vestibule_http::{Fields, Problem};
use vestibule_model::{ConnectionId, OrgScope, OrganizationId};

/// The properties of a sign-in.
#[derive(Debug, Default, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InitiateSso {
    /// The organisation whose people sign in.
    #[schema(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    #[param(example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    pub(super) tenant_id: Option<String>,
    /// By which of its connections; the one of the hint's domain, or its first, where left out.
    #[schema(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    #[param(example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    pub(super) connection_id: Option<String>,
    /// The URI to which the browser goes with the token: one of the organisation's redirect URIs,
    /// character for character. Without it, the callback's own answer holds the token.
    #[schema(example = "https://app.example.com/callback")]
    #[param(example = "https://app.example.com/callback")]
    pub(super) redirect_uri: Option<String>,
    /// The way in which the token gets there: `fragment` as `#access_token=…`, the usual one, or
    /// `code` as a one-time code for `/v1/auth/sso/token`; `json` where there is no `redirect_uri`.
    #[schema(example = "fragment")]
    #[param(example = "fragment")]
    pub(super) response_mode: Option<String>,
    /// The application's own value, which it gets back with the answer: at most 256 printable
    /// characters.
    #[schema(max_length = 256)]
    #[param(max_length = 256)]
    pub(super) state: Option<String>,
    /// The e-mail address of the person who probably signs in.
    #[schema(example = "user@example.com")]
    #[param(example = "user@example.com")]
    pub(super) login_hint: Option<String>,
    /// `TENANT`: the organisation's own provider. There are no others.
    #[schema(example = "TENANT")]
    #[param(example = "TENANT")]
    pub(super) provider: Option<String>,
}

impl InitiateSso {
    /// Merges query and body; both may have the same value.
    pub(super) fn merged(query: Self, body: Option<Self>, fields: &mut Fields) -> Self {
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

/// Reads the way in which the browser goes on when it comes back from the provider.
pub(super) fn return_to(
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
pub(super) async fn target(
    sso: &Sso,
    organization: Option<OrganizationId>,
    connection: Option<ConnectionId>,
) -> Result<SignInTarget> {
    let (id, organization) = match (connection, organization) {
        (Some(id), Some(organization)) => (id, organization),
        (Some(id), None) => return Ok(SignInTarget::Connection(id)),
        (None, Some(organization)) => return Ok(SignInTarget::Organization(organization)),
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
    let scope = store.scope_of_connection(id).await.map_err(Error::from)?;
    if scope.map(OrgScope::organization_id) != Some(organization) {
        return Err(Problem::not_found("connection to an identity provider").into());
    }
    Ok(SignInTarget::Connection(id))
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
