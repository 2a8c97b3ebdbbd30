//! The description of one operation, completed from its rule.

use http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required, Schema};
use vestibule_policy::Rule;
use vestibule_policy::rule::Access;

use super::Shape;
use super::components::{
    BEARER_AUTH, SESSION_COOKIE, problem_content, problem_headers, problem_response_name,
};

/// Returns every operation of a path, with its method.
pub(super) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
        ("HEAD", &mut item.head),
        ("OPTIONS", &mut item.options),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Returns true if the description has a query parameter: the handler reads the query, and refuses
/// by itself what it does not know.
pub(super) fn reads_query(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
    })
}

/// Adds what the check and the extractors do on this route, so that no annotation has to repeat
/// it: the credentials it takes, and the problems it may answer with. What an annotation says by
/// itself stays.
pub(super) fn describe(operation: &mut Operation, rule: &Rule, shape: Shape, has_id: bool) {
    never_null(operation);
    if operation.security.is_none() {
        operation.security = Some(security(rule, shape));
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
        statuses.push(match shape {
            Shape::Problem => 422,
            Shape::Error => 400,
        });
    }
    if has_id {
        statuses.push(404);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        let name = problem_response_name(shape, status);
        let entry = responses.entry(status.to_string());
        entry.or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
    for (status, response) in responses.iter_mut() {
        // An annotation gives a problem its meaning on this route; its form is always the same.
        if let RefOr::T(response) = response
            && let Some(status) = problem_status(status)
            && response.content.is_empty()
        {
            let (content_type, content) = problem_content(shape);
            response
                .content
                .insert(content_type.to_owned(), RefOr::T(content));
            response.headers.extend(problem_headers(status));
        }
    }
}

fn problem_status(status: &str) -> Option<u16> {
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let is_problem = status.is_client_error() || status.is_server_error();
    is_problem.then_some(status.as_u16())
}

/// Describes an optional body as an object that may be left out. The extractor refuses `null`, which
/// the derived schema would allow.
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

fn security(rule: &Rule, shape: Shape) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let mut schemes = Vec::new();
    match rule.access() {
        Access::Public => return schemes,
        Access::Optional => schemes.push(SecurityRequirement::default()),
        Access::SignedIn => {}
    }
    schemes.push(SecurityRequirement::new(BEARER_AUTH, none));
    if shape == Shape::Error && !rule.is_bearer_only() {
        schemes.push(SecurityRequirement::new(SESSION_COOKIE, none));
    }
    schemes
}
