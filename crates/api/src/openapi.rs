//! The OpenAPI 3.1 document, and where it is served.

use axum::extract::State;
use http::HeaderName;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::PartialSchema;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{Components, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, HttpBuilder, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Content, ContentBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder,
    Ref, RefOr, Response, ResponseBuilder,
};
use utoipa_axum::routes;
use vestibule_http::problem::{ErrorBody, ProblemBody};
use vestibule_http::{ErrorFormat, FieldError};
use vestibule_layer::{DEFAULT_COOKIE_NAME, Rule};

use crate::ApiState;
use crate::documented::Documented;

/// The name of the scheme for API keys and access tokens.
pub(crate) const BEARER_AUTH: &str = "bearerAuth";

/// The name of the scheme for browsers.
pub(crate) const SESSION_COOKIE: &str = "sessionCookie";

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

fn components() -> Components {
    let mut components = Components::new();
    components.add_security_scheme(BEARER_AUTH, SecurityScheme::Http(bearer_auth()));
    components.add_security_scheme(
        SESSION_COOKIE,
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            DEFAULT_COOKIE_NAME,
            "The cookie that a sign-in sets. Its name can be configured.",
        ))),
    );
    components
        .schemas
        .insert("FieldError".into(), FieldError::schema());
    components
        .schemas
        .insert(PROBLEM_SCHEMA.into(), ProblemBody::schema());
    components
        .schemas
        .insert(ERROR_SCHEMA.into(), ErrorBody::schema());
    for format in [ErrorFormat::ProblemJson, ErrorFormat::ErrorJson] {
        for (status, meaning) in PROBLEMS {
            if (format, status) == (ErrorFormat::ErrorJson, 422) {
                continue;
            }
            components.responses.insert(
                problem_response_name(format, status),
                RefOr::T(problem_response(format, status, meaning)),
            );
        }
    }
    components
}

fn bearer_auth() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("API key or JWT")
        .description(Some(
            "An API key (`ks_live_…`) or the access token of a sign-in (`eyJ…`).",
        ))
        .build()
}

const PROBLEM_SCHEMA: &str = "Problem";
const ERROR_SCHEMA: &str = "Error";

/// The problems that many routes answer with.
const PROBLEMS: [(u16, &str); 10] = [
    (400, "The request cannot be read, or a field was refused."),
    (
        401,
        "No credential, or one that is malformed, expired or revoked.",
    ),
    (
        403,
        "The caller is known and may not do this; `reason` says why.",
    ),
    (
        404,
        "There is no such thing, or it belongs to an organisation that is not the caller's.",
    ),
    (408, "The body was not complete in time; nothing was done."),
    (
        413,
        "The body is larger than is read here: 1 MiB where a credential is asked for, 16 KiB elsewhere.",
    ),
    (
        415,
        "The body is not JSON by its `Content-Type`, or has a `Content-Encoding`.",
    ),
    (
        422,
        "A field was refused; `errors` says which and what would be right.",
    ),
    (429, "Too many requests."),
    (
        503,
        "The truth cannot be known now, or too much is on its way at once.",
    ),
];

/// The component that describes a problem's answer.
pub(crate) fn problem_response_name(format: ErrorFormat, status: u16) -> String {
    match format {
        ErrorFormat::ProblemJson => format!("Problem{status}"),
        ErrorFormat::ErrorJson | ErrorFormat::Page => format!("Error{status}"),
    }
}

/// The content type and the shape of every problem of a format.
pub(crate) fn problem_content(format: ErrorFormat) -> (&'static str, Content) {
    let (content_type, schema) = match format {
        ErrorFormat::ProblemJson => ("application/problem+json", PROBLEM_SCHEMA),
        ErrorFormat::ErrorJson | ErrorFormat::Page => ("application/json", ERROR_SCHEMA),
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    (content_type, content)
}

fn problem_response(format: ErrorFormat, status: u16, meaning: &str) -> Response {
    let (content_type, content) = problem_content(format);
    let response = ResponseBuilder::new()
        .description(meaning)
        .content(content_type, content);
    match status {
        401 => response.header(
            "WWW-Authenticate",
            header(Type::String, "The challenge of RFC 6750, section 3."),
        ),
        429 | 503 => response.header(
            "Retry-After",
            header(Type::Integer, "When to try again, in seconds."),
        ),
        _ => response,
    }
    .build()
}

fn header(kind: Type, description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    let mut header = Header::new(Schema::Object(schema));
    header.description = Some(description.to_owned());
    header
}

/// The document's own route.
pub(crate) fn routes() -> Documented {
    Documented::bearer().add(Rule::public(), routes!(document))
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
