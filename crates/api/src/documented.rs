//! Routes with their rules and their documentation, from one declaration.

use axum::routing::MethodRouter;
use http::StatusCode;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem, Paths};
use utoipa::openapi::schema::Components;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema};
use vestibule_http::ErrorFormat;
use vestibule_layer::{Routes, Rule, without_query};
use vestibule_policy::rule::Access;

use crate::ApiState;
use crate::openapi::{BEARER_AUTH, SESSION_COOKIE, problem_content, problem_response_name};

/// What `routes!(handler)` gives: schemas, the documented path and the mounted handler.
type Documentation = (Vec<(String, RefOr<Schema>)>, Paths, MethodRouter<ApiState>);

/// Routes, each declared once: path and method stand in the handler's own annotation, what the
/// route demands stands beside it, and the document says of both what the check will do.
pub(crate) struct Documented {
    routes: Routes<ApiState>,
    document: OpenApi,
    format: ErrorFormat,
}

impl Documented {
    /// Routes for callers with an `Authorization` header.
    pub(crate) fn bearer() -> Self {
        Self::new(ErrorFormat::ProblemJson)
    }

    /// Routes for browsers.
    pub(crate) fn browser() -> Self {
        Self::new(ErrorFormat::ErrorJson)
    }

    fn new(format: ErrorFormat) -> Self {
        let routes = match format {
            ErrorFormat::ProblemJson => Routes::bearer(),
            ErrorFormat::ErrorJson | ErrorFormat::Page => Routes::browser(),
        };
        let document = OpenApiBuilder::new()
            .components(Some(Components::new()))
            .build();
        Self {
            routes,
            document,
            format,
        }
    }

    /// Adds what `routes!(handler)` gives, of one handler, under a rule.
    pub(crate) fn add(mut self, rule: Rule, (schemas, paths, handler): Documentation) -> Self {
        let Some((path, item)) = paths.paths.into_iter().next() else {
            return self;
        };
        let Some((method, mut operation)) = only_operation(item) else {
            return self;
        };
        let handler = if without_parameters(&path, &operation) {
            without_query(handler)
        } else {
            handler
        };
        document_rule(&mut operation, &rule, self.format, path.contains('{'));
        never_null(&mut operation);
        let components = self.document.components.get_or_insert_default();
        components.schemas.extend(schemas);
        self.document
            .paths
            .add_path_operation(&path, vec![method.clone()], operation);
        self.routes = self.routes.method(name(&method), &path, rule, handler);
        self
    }

    /// These routes and those.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.routes = self.routes.merge(other.routes);
        self.document.merge(other.document);
        self
    }

    /// The routes and what is written of them.
    pub(crate) fn into_parts(self) -> (Routes<ApiState>, OpenApi) {
        (self.routes, self.document)
    }
}

/// Whether nothing in the query means anything to a route of the interface. Those that read their
/// query refuse what they do not know themselves, or have to bear what a provider adds.
fn without_parameters(path: &str, operation: &Operation) -> bool {
    let in_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
    let reads = operation.parameters.iter().flatten().any(in_query);
    !reads && (path.starts_with("/v1/") || path.starts_with("/api/"))
}

/// A body that may be left out is an object where it is there, and never `null`.
fn never_null(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else {
        return;
    };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content
            && let Some(RefOr::T(Schema::OneOf(either))) = &content.schema
        {
            let object = either.items.iter().find(|it| matches!(it, RefOr::Ref(_)));
            content.schema = object.cloned();
            body.required = Some(Required::False);
        }
    }
}

type Method = utoipa::openapi::HttpMethod;

fn only_operation(item: PathItem) -> Option<(Method, Operation)> {
    [
        (Method::Get, item.get),
        (Method::Post, item.post),
        (Method::Put, item.put),
        (Method::Patch, item.patch),
        (Method::Delete, item.delete),
    ]
    .into_iter()
    .find_map(|(method, operation)| Some((method, operation?)))
}

const fn name(method: &Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
    }
}

/// Writes down what the check and the extractors do on this route, so that no annotation has to
/// repeat it: which credentials are taken, and which problems may come back.
fn document_rule(operation: &mut Operation, rule: &Rule, format: ErrorFormat, has_id: bool) {
    if operation.security.is_none() {
        operation.security = Some(security(rule, format));
    }
    let has_body = operation.request_body.is_some();
    let has_input = has_body || operation.parameters.is_some();
    let mut statuses = Vec::new();
    if !rule.is_open() {
        statuses.extend([401, 403, 429, 503]);
    }
    if has_body {
        statuses.extend([400, 408, 413, 415, 503]);
    }
    if has_input {
        statuses.push(match format {
            ErrorFormat::ProblemJson => 422,
            ErrorFormat::ErrorJson | ErrorFormat::Page => 400,
        });
    }
    if has_id {
        statuses.push(404);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_string()).or_insert_with(|| {
            RefOr::Ref(Ref::from_response_name(problem_response_name(
                format, status,
            )))
        });
    }
    // What an annotation says of a problem is its meaning here; its shape is always the same.
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && is_problem(status)
            && response.content.is_empty()
        {
            let (content_type, content) = problem_content(format);
            response
                .content
                .insert(content_type.to_owned(), RefOr::T(content));
        }
    }
}

fn is_problem(status: &str) -> bool {
    status
        .parse()
        .ok()
        .and_then(|status: u16| StatusCode::from_u16(status).ok())
        .is_some_and(|status| status.is_client_error() || status.is_server_error())
}

fn security(rule: &Rule, format: ErrorFormat) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let mut schemes = Vec::new();
    match rule.access() {
        Access::Public => return schemes,
        Access::Optional => schemes.push(SecurityRequirement::default()),
        Access::SignedIn => {}
    }
    schemes.push(SecurityRequirement::new(BEARER_AUTH, none));
    if format == ErrorFormat::ErrorJson && !rule.is_bearer_only() {
        schemes.push(SecurityRequirement::new(SESSION_COOKIE, none));
    }
    schemes
}
