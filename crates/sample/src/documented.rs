//! Routes and their documentation, declared together.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Response};
use utoipa_axum::router::UtoipaMethodRouter;
use vestibule_layer::{Routes, Rule};

/// Routes with their rules and the description of each: none can be without the others.
pub(crate) struct Documented<S> {
    routes: Routes<S>,
    document: OpenApi,
}

impl<S: Clone + Send + Sync + 'static> Documented<S> {
    pub(crate) fn new(routes: Routes<S>) -> Self {
        let info = InfoBuilder::new().title("Sample").version("1").build();
        Self {
            routes,
            document: OpenApiBuilder::new().info(info).build(),
        }
    }

    /// A handler whose method and path stand in its `utoipa::path` attribute.
    pub(crate) fn route(mut self, rule: &Rule, route: UtoipaMethodRouter<S>) -> Self {
        let (schemas, paths, handler) = route;
        for (path, item) in &paths.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in methods {
                if operation.is_some() {
                    self.routes = self
                        .routes
                        .method(method, path, rule.clone(), handler.clone());
                }
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
            ("404", "There is no such session for this caller."),
            (
                "429",
                "A limit or the month's allowance is used up; `Retry-After` says when to try again.",
            ),
            ("503", "The database does not answer now."),
        ])
    }
}
