//! Routes with their rules and their OpenAPI description, from one declaration.
//!
//! Method and path stand in the handler's own `utoipa::path` attribute, the rule stands beside it.
//! Whatever follows from the two is written down here: the security schemes, the refusals of the
//! check and of the extractors, and the shape of every problem.
//!
//! ```
//! use utoipa_axum::routes;
//! use vestibule_layer::openapi::Documented;
//! use vestibule_layer::{Permit, Rule};
//!
//! #[utoipa::path(get, path = "/v1/hello", responses((status = 200, body = String)))]
//! async fn hello(permit: Permit) -> String {
//!     permit.user_id().to_string()
//! }
//!
//! #[utoipa::path(delete, path = "/v1/hello", responses((status = 204)))]
//! async fn goodbye(_: Permit) {}
//!
//! let documented = Documented::<()>::bearer().add(Rule::signed_in(), routes!(hello, goodbye));
//! let (routes, document) = documented.into_parts();
//! let (router, table) = routes.into_parts()?;
//! let path = &document.paths.paths["/v1/hello"];
//! for operation in [&path.get, &path.delete] {
//!     let operation = operation.as_ref().ok_or("not described")?;
//!     assert!(operation.responses.responses.contains_key("401"));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod components;
mod operation;

use axum::routing::MethodRouter;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{Components, ComponentsBuilder, OpenApi, OpenApiBuilder, RefOr, Schema};
use vestibule_policy::Rule;

pub use self::components::{BEARER_AUTH, SESSION_COOKIE, components};
use self::operation::{describe, operations, reads_query};
use crate::Routes;
use crate::query::refuse_query;

/// The output of `utoipa_axum::routes!`: schemas, described paths and the mounted handlers.
pub type Described<S> = (Vec<(String, RefOr<Schema>)>, Paths, MethodRouter<S>);

/// The shape of the problems of some routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `application/problem+json` (RFC 9457), for programs.
    Problem,
    /// `{"error": …}`, for browsers.
    Error,
}

/// Routes with their rules and the description of each: none can be without the others.
#[must_use]
pub struct Documented<S> {
    routes: Routes<S>,
    document: OpenApi,
    shape: Shape,
}

impl<S: Clone + Send + Sync + 'static> Documented<S> {
    /// Routes for callers with an `Authorization` header, as [`Routes::bearer`].
    pub fn bearer() -> Self {
        Self::new(Routes::bearer(), Shape::Problem)
    }

    /// Routes for browsers with a session cookie, and for keys too, as [`Routes::browser`].
    pub fn browser() -> Self {
        Self::new(Routes::browser(), Shape::Error)
    }

    fn new(routes: Routes<S>, shape: Shape) -> Self {
        let document = OpenApiBuilder::new()
            .components(Some(Components::new()))
            .build();
        Self {
            routes,
            document,
            shape,
        }
    }

    /// Adds handlers of one path under a rule. A query parameter that the description of an
    /// operation does not have is refused by name.
    ///
    /// # Panics
    /// When the router has the same path and method already, as [`Routes::method`] does.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `Routes::get` takes a rule"
    )]
    pub fn add(self, rule: Rule, described: Described<S>) -> Self {
        self.mount(&rule, described, true)
    }

    /// Adds handlers of one path that ignore query parameters they do not know: files and
    /// documents, which people open with whatever a link has appended.
    ///
    /// # Panics
    /// When the router has the same path and method already.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `Routes::get` takes a rule"
    )]
    pub fn add_ignoring_query(self, rule: Rule, described: Described<S>) -> Self {
        self.mount(&rule, described, false)
    }

    fn mount(mut self, rule: &Rule, described: Described<S>, refuses_query: bool) -> Self {
        let (schemas, mut paths, handler) = described;
        for (path, item) in &mut paths.paths {
            let mut methods = Vec::new();
            let mut without_query = Vec::new();
            for (method, operation) in operations(item) {
                if refuses_query && !reads_query(operation) {
                    without_query.push(method);
                }
                describe(operation, rule, self.shape, path.contains('{'));
                methods.push(method);
            }
            // One router answers all methods of the path: mounted once for each, axum would find
            // them overlapping.
            let handler = refuse_query(handler.clone(), without_query);
            self.routes = self.routes.methods(&methods, path, rule.clone(), handler);
        }
        let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
        let added = OpenApiBuilder::new()
            .paths(paths)
            .components(Some(components))
            .build();
        self.document.merge(added);
        self
    }

    /// Returns the routes and descriptions of both.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes = self.routes.merge(other.routes);
        self.document.merge(other.document);
        self
    }

    /// Returns the routes, and the description of each. The description refers to
    /// [`components()`], which the final document merges once.
    pub fn into_parts(self) -> (Routes<S>, OpenApi) {
        (self.routes, self.document)
    }
}

// What utoipa generates has no `Debug` of its own.
impl<S> std::fmt::Debug for Documented<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documented")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}
