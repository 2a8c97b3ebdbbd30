//! `/v1/auth/sso/backchannel-logout`: the provider says that somebody has signed out.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_accounts::Error;
use vestibule_handler::Result;
use vestibule_http::{PathId, Problem, body};
use vestibule_layer::Rule;
use vestibule_model::ConnectionId;

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private};

pub(super) fn routes() -> Documented {
    // Public: the provider has no credential of ours. The token that it signed is one.
    let rule = Rule::public().consumes(&["application/x-www-form-urlencoded"]);
    Documented::bearer().add(rule, routes!(backchannel_logout))
}

/// The logout token that the provider sends.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "read by the documentation alone")]
struct BackchannelLogout {
    /// A signed token that says who has signed out.
    logout_token: String,
}

/// The one value that counts; others may stand beside it (OpenID Connect Back-Channel Logout 1.0,
/// 2.5).
fn logout_token(form: &[u8]) -> Result<String, Problem> {
    let mut tokens = form_urlencoded::parse(form)
        .filter(|(name, _)| name == "logout_token")
        .map(|(_, value)| value.into_owned());
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token),
        _ => Err(refused("logout_token must be there once.")),
    }
}

fn refused(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::bad_request("logout_token_refused", detail)
}

/// End the sessions of somebody who has signed out at the provider
///
/// As in OpenID Connect Back-Channel Logout 1.0. Ends the session that the token names, or all of
/// the person's that came by this connection. Each token counts once.
#[utoipa::path(
    post,
    path = "/v1/auth/sso/backchannel-logout/{connection_id}",
    tag = tag::SSO,
    operation_id = "backchannelLogout",
    params(("connection_id" = String, Path, description = "The connection's id.", example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")),
    request_body(content = BackchannelLogout, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Whoever the token names has no session any more."),
        (status = 400, description = "The token was refused."),
    ),
)]
async fn backchannel_logout(
    SingleSignOn(sso): SingleSignOn,
    PathId(connection): PathId<ConnectionId>,
    body: Body,
) -> Result<Response> {
    let token = logout_token(&body::read(body).await?)?;
    match sso.backchannel_logout(connection, &token).await {
        Ok(_) => Ok(private(StatusCode::OK)),
        Err(error @ Error::Invalid(_)) => Err(refused(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("logout_token=a.b.c", Some("a.b.c"))]
    #[case("x=1&logout_token=a.b.c&y=2", Some("a.b.c"))]
    #[case("", None)]
    #[case("x=1", None)]
    #[case("logout_token=a&logout_token=b", None)]
    fn one_token_is_read_whatever_stands_beside_it(
        #[case] form: &str,
        #[case] token: Option<&str>,
    ) {
        assert_eq!(logout_token(form.as_bytes()).ok().as_deref(), token);
    }
}
