//! `/v1/auth/discover`: how somebody signs in.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use vestibule_handler::{Result, Stranger};
use vestibule_http::{Fields, Json};
use vestibule_layer::Rule;
use vestibule_model::{ConnectionId, Email, OrganizationId};

use crate::Documented;
use crate::openapi::tag;
use crate::single_sign_on::{SingleSignOn, private};

pub(super) fn routes() -> Documented {
    // Public: a sign-in page asks it before anybody has a credential. The answer depends on the
    // domain alone, so it tells nobody who has an account.
    Documented::bearer().add(Rule::public(), routes!(discover))
}

/// The address of the person who is about to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Discover {
    /// The address that somebody has typed.
    #[schema(format = "email", example = "user@example.com")]
    email: String,
}

/// The way to sign in.
#[derive(ToSchema)]
#[schema(as = SignInMethod, rename_all = "lowercase")]
#[expect(dead_code, reason = "read by the documentation alone")]
enum Method {
    Password,
    Sso,
    Both,
}

/// The way in which the people of a domain sign in.
#[derive(Serialize, ToSchema)]
struct Discovered {
    /// By password, through the identity provider, or either way.
    #[schema(value_type = Method)]
    method: &'static str,
    /// The organisation to name at `/v1/auth/sso/initiate`.
    #[schema(value_type = Option<String>, required, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: Option<OrganizationId>,
    /// The connection by which its people come in.
    #[schema(value_type = Option<String>, required, example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    connection_id: Option<ConnectionId>,
}

/// Find out how to sign in
///
/// By the domain of the address alone, once an organisation has proved it: the answer is the same
/// whether the address belongs to anybody or not.
#[utoipa::path(
    post,
    path = "/v1/auth/discover",
    tag = tag::SSO,
    operation_id = "discoverSignIn",
    request_body = Discover,
    responses(
        (status = 200, description = "How.", body = Discovered),
        (status = 429, description = "Too many questions from this address."),
    ),
)]
async fn discover(
    SingleSignOn(sso): SingleSignOn,
    stranger: Stranger,
    Json(body): Json<Discover>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let email: Option<Email> = fields.parse("email", &body.email);
    let email = fields.finish_with(email)?;
    let found = sso.discover(&email, stranger.address).await?;
    Ok(private(Json(Discovered {
        method: found.method.as_str(),
        tenant_id: found.connection.map(|(organization, _)| organization),
        connection_id: found.connection.map(|(_, connection)| connection),
    })))
}
