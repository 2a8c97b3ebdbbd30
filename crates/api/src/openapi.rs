//! The OpenAPI 3.1 document, and where it is served.

use axum::extract::State;
use http::HeaderName;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::routes;
use vestibule_layer::Rule;
use vestibule_layer::openapi::components;

use crate::{ApiState, Documented};

/// The sections of the document, in their order.
const TAGS: [(&str, &str); 9] = [
    (
        tag::API_KEYS,
        "Credentials for servers. They act with the live rights of their owner, narrowed to \
         paths where they were made so, and end when they are deleted or expire.",
    ),
    (
        tag::SIGN_IN,
        "Password sign-in to a user access token, and its end.",
    ),
    (
        tag::SSO,
        "Sign-in through an organisation's own identity provider. A browser goes from `redirect_url` \
         to the provider and comes back to the application with an access token.",
    ),
    (
        tag::SSO_ADMIN,
        "Connections to identity providers, and who has to use them. Administrators may look, \
         owners may change.",
    ),
    (tag::USERS, "Who is calling."),
    (tag::TENANTS, "The organisations of the caller."),
    (
        tag::PERMISSIONS,
        "What members may do on which paths. For owners and administrators.",
    ),
    (
        tag::BROWSER,
        "The session cookie of applications that draw their own pages. A request that changes \
         something must carry the `Origin` of this server, unless it carries an API key or \
         access token instead of the cookie.",
    ),
    (tag::SERVICE, "The server itself. No credential is needed."),
];

/// The names of the sections.
pub(crate) mod tag {
    pub(crate) const API_KEYS: &str = "API keys";
    pub(crate) const SIGN_IN: &str = "Sign-in";
    pub(crate) const SSO: &str = "Single sign-on";
    pub(crate) const SSO_ADMIN: &str = "Single sign-on administration";
    pub(crate) const USERS: &str = "Users";
    pub(crate) const TENANTS: &str = "Tenants";
    pub(crate) const PERMISSIONS: &str = "User permissions";
    pub(crate) const BROWSER: &str = "Browser sessions";
    pub(crate) const SERVICE: &str = "Service";
}

/// The document of all routes of this crate.
pub fn openapi() -> OpenApi {
    let (_, routes) = crate::documented().into_parts();
    let mut document = frame();
    document.merge(routes);
    document
}

/// All that does not belong to one route.
fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Vestibule")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Who is calling, for which organisation, and what they may do there. `/v1` is for \
             programs, with `Authorization: Bearer`; `/api` is for browsers, with a session \
             cookie. Ids are TypeIDs such as `key_01jhmpfn80e48s5s0q7b7cwx5e`; the UUID within \
             is accepted wherever an id comes in. Times are RFC 3339. Every problem names a \
             stable `reason`; `/problems` explains each.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    OpenApiBuilder::new()
        .info(info)
        .tags(Some(tags))
        .components(Some(components()))
        .build()
}

/// The document's own route.
pub(crate) fn routes() -> Documented {
    Documented::bearer().add_ignoring_query(Rule::public(), routes!(document))
}

/// This document
///
/// OpenAPI 3.1, of every route that the server has.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = tag::SERVICE,
    operation_id = "getOpenApi",
    responses((status = 200, description = "The document.", content_type = "application/json", body = Object)),
)]
async fn document(
    State(state): State<ApiState>,
) -> ([(HeaderName, &'static str); 2], bytes::Bytes) {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, state.document)
}
