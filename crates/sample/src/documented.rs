//! Routes and their documentation, declared together.

use std::collections::BTreeMap;

use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Response,
};
use utoipa::{IntoResponses, PartialSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use vestibule_layer::{ErrorBody, FieldError, ProblemBody, Routes, Rule, without_query};

/// Routes with their rules and the description of each: none can be without the others.
pub(crate) struct Documented<S> {
    routes: Routes<S>,
    document: OpenApi,
    /// The content type and the schema of what is answered to a refused request.
    problem: (&'static str, &'static str),
}

impl<S: Clone + Send + Sync + 'static> Documented<S> {
    /// Routes for programs.
    pub(crate) fn bearer() -> Self {
        let problem = ("application/problem+json", "Problem");
        Self::new(Routes::bearer(), problem, ProblemBody::schema())
    }

    /// Routes for browsers.
    pub(crate) fn browser() -> Self {
        let problem = ("application/json", "Error");
        Self::new(Routes::browser(), problem, ErrorBody::schema())
    }

    fn new(
        routes: Routes<S>,
        problem: (&'static str, &'static str),
        schema: RefOr<Schema>,
    ) -> Self {
        let info = InfoBuilder::new().title("Sample").version("1").build();
        let components = ComponentsBuilder::new()
            .schema(problem.1, schema)
            .schema("FieldError", FieldError::schema())
            .build();
        let document = OpenApiBuilder::new()
            .info(info)
            .components(Some(components));
        Self {
            routes,
            document: document.build(),
            problem,
        }
    }

    /// A handler whose method and path stand in its `utoipa::path` attribute.
    pub(crate) fn route(mut self, rule: &Rule, route: UtoipaMethodRouter<S>) -> Self {
        let (schemas, mut paths, handler) = route;
        for (path, item) in &mut paths.paths {
            let methods = [
                ("GET", &mut item.get),
                ("POST", &mut item.post),
                ("PUT", &mut item.put),
                ("PATCH", &mut item.patch),
                ("DELETE", &mut item.delete),
            ];
            for (method, operation) in methods {
                let Some(operation) = operation else {
                    continue;
                };
                describe_refusals(operation, self.problem);
                let handler = if reads_query(operation) {
                    handler.clone()
                } else {
                    without_query(handler.clone())
                };
                self.routes = self.routes.method(method, path, rule.clone(), handler);
            }
        }
        let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
        let one = OpenApiBuilder::new()
            .paths(paths)
            .components(Some(components))
            .build();
        self.document.merge(one);
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.routes = self.routes.merge(other.routes);
        self.document.merge(other.document);
        self
    }

    pub(crate) fn into_parts(self) -> (Routes<S>, OpenApi) {
        (self.routes, self.document)
    }
}

fn reads_query(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
    })
}

/// Writes down what is answered to a refused request, with its headers, and that a body may be too
/// large or of the wrong type.
fn describe_refusals(operation: &mut Operation, (content_type, schema): (&str, &str)) {
    let responses = &mut operation.responses.responses;
    if operation.request_body.is_some() {
        responses.extend(describe(&[
            (
                "408",
                "The body was not complete in time; nothing was done.",
            ),
            ("413", "The body is larger than 1 MiB."),
            (
                "415",
                "The body is not JSON by its `Content-Type`, or has a `Content-Encoding`.",
            ),
        ]));
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if !status.starts_with(['4', '5']) {
            continue;
        }
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(schema)))
            .build();
        response
            .content
            .insert(content_type.to_owned(), RefOr::T(content));
        let header = match status.as_str() {
            "401" => (
                "WWW-Authenticate",
                Type::String,
                "The challenge of RFC 6750, section 3.",
            ),
            "429" | "503" => (
                "Retry-After",
                Type::Integer,
                "When to try again, in seconds.",
            ),
            _ => continue,
        };
        let (name, kind, text) = header;
        let mut header = Header::new(Schema::Object(
            ObjectBuilder::new().schema_type(kind).build(),
        ));
        header.description = Some(text.to_owned());
        response.headers.insert(name.to_owned(), RefOr::T(header));
    }
}

type Described = BTreeMap<String, RefOr<Response>>;

fn describe(statuses: &[(&str, &str)]) -> Described {
    statuses
        .iter()
        .map(|(status, text)| {
            let response = ResponseBuilder::new().description(*text).build();
            ((*status).to_owned(), response.into())
        })
        .collect()
}

/// What every route of `/v1` may answer besides its own.
pub(crate) struct BearerRefusals;

impl IntoResponses for BearerRefusals {
    fn responses() -> Described {
        describe(&[
            ("400", "The request cannot be read."),
            (
                "401",
                "No credential, or one that is malformed, expired or revoked.",
            ),
            ("403", "The caller may not; the cause is in the answer."),
            ("404", "There is no such thing for this caller."),
            ("422", "A field or parameter is wrong; `errors` names each."),
            (
                "429",
                "A limit is reached; `Retry-After` says when to try again.",
            ),
            ("503", "The database does not answer now."),
        ])
    }
}

/// What every route of `/api` may answer besides its own.
pub(crate) struct BrowserRefusals;

impl IntoResponses for BrowserRefusals {
    fn responses() -> Described {
        describe(&[
            (
                "400",
                "A field is missing, empty or wrong; the text names it.",
            ),
            ("401", "No session, or one that is over."),
            (
                "403",
                "The plan lacks the feature, the Origin is not our own, or the key is narrowed to paths.",
            ),
            (
                "429",
                "A limit or the month's allowance is used up; `Retry-After` says when to try again.",
            ),
            ("503", "The database does not answer now."),
        ])
    }
}

/// What a route of `/api` about one session may answer besides.
pub(crate) struct NoSuchSession;

impl IntoResponses for NoSuchSession {
    fn responses() -> Described {
        describe(&[("404", "There is no such session for this caller.")])
    }
}
