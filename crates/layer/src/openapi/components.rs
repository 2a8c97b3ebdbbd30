//! The parts of a document that do not belong to one route.

use utoipa::PartialSchema as _;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, HttpBuilder, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use vestibule_check::DEFAULT_COOKIE_NAME;
use vestibule_http::FieldError;
use vestibule_http::problem::{ErrorBody, ProblemBody};

use super::Shape;

/// The name of the security scheme for API keys and access tokens.
pub const BEARER_AUTH: &str = "bearerAuth";

/// The name of the security scheme for browsers.
pub const SESSION_COOKIE: &str = "sessionCookie";

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

/// Returns the components that every description of a route refers to: the two security schemes,
/// the shapes of problems, and the refusals that many routes share.
pub fn components() -> Components {
    let mut components = Components::new();
    components.add_security_scheme(BEARER_AUTH, SecurityScheme::Http(bearer_auth()));
    components.add_security_scheme(
        SESSION_COOKIE,
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            DEFAULT_COOKIE_NAME,
            "The cookie that a sign-in sets. Its name can be configured.",
        ))),
    );
    for (name, schema) in [
        ("FieldError", FieldError::schema()),
        (PROBLEM_SCHEMA, ProblemBody::schema()),
        (ERROR_SCHEMA, ErrorBody::schema()),
    ] {
        components.schemas.insert(name.to_owned(), schema);
    }
    for shape in [Shape::Problem, Shape::Error] {
        for (status, meaning) in PROBLEMS {
            // Browsers' routes answer 400 for a refused field.
            if (shape, status) == (Shape::Error, 422) {
                continue;
            }
            components.responses.insert(
                problem_response_name(shape, status),
                RefOr::T(problem_response(shape, status, meaning)),
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

/// Names the component that describes a problem with this status.
pub(super) fn problem_response_name(shape: Shape, status: u16) -> String {
    match shape {
        Shape::Problem => format!("Problem{status}"),
        Shape::Error => format!("Error{status}"),
    }
}

/// Returns the content type of every problem, and its schema.
pub(super) fn problem_content(shape: Shape) -> (&'static str, Content) {
    let (content_type, schema) = match shape {
        Shape::Problem => ("application/problem+json", PROBLEM_SCHEMA),
        Shape::Error => ("application/json", ERROR_SCHEMA),
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    (content_type, content)
}

/// Returns the headers that go with a status.
pub(super) fn problem_headers(status: u16) -> Option<(String, RefOr<Header>)> {
    let (name, kind, description) = match status {
        401 => (
            "WWW-Authenticate",
            Type::String,
            "The challenge of RFC 6750, section 3.",
        ),
        429 | 503 => (
            "Retry-After",
            Type::Integer,
            "When to try again, in seconds.",
        ),
        _ => return None,
    };
    let schema = ObjectBuilder::new().schema_type(kind).build();
    let mut header = Header::new(Schema::Object(schema));
    header.description = Some(description.to_owned());
    Some((name.to_owned(), RefOr::T(header)))
}

fn problem_response(shape: Shape, status: u16, meaning: &str) -> Response {
    let (content_type, content) = problem_content(shape);
    let mut response = ResponseBuilder::new()
        .description(meaning)
        .content(content_type, content)
        .build();
    response.headers.extend(problem_headers(status));
    response
}
