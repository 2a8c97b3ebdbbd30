//! The check inside a Rust service: declare each route once with its handler and its rule, put
//! the check before them, take a [`Permit`].
//!
//! ```
//! use vestibule_layer::{Permit, Routes, Rule};
//!
//! async fn hello(permit: Permit) -> String {
//!     format!("Hello {}, of {}", permit.user_id(), permit.organization_id())
//! }
//!
//! let routes = Routes::<()>::bearer().get("/v1/hello", Rule::signed_in(), hello);
//! let (router, table) = routes.into_parts()?;
//! # Ok::<(), vestibule_layer::TableError>(())
//! ```
//!
//! The rule table and the router come from the same declaration, so there is no route without a
//! rule; [`EntryPointExt::guard`] puts the check before the router, which refuses what the table does
//! not allow before anything of the service runs. `examples/protected.rs` is a whole service.

mod changes;
mod future;
mod guard;
#[cfg(feature = "openapi")]
pub mod openapi;
mod path_parts;
mod query;
pub mod refuse;
mod routes;
mod service;

pub use changes::ResourceChanges;
pub use guard::EntryPointExt;
pub use path_parts::PathParts;
pub use query::without_query;
pub use routes::Routes;
pub use service::CheckService;

pub use vestibule_check::{
    CacheBounds, Core, CoreParts, DEFAULT_COOKIE_NAME, Directory, EntryPoint, MemoryDirectory,
    OwnOrigin, Permit, Unresolved,
};
pub use vestibule_credential as credential;
pub use vestibule_http::problem::{ErrorBody, ProblemBody};
pub use vestibule_http::{
    ErrorFormat, FieldError, Fields, Json, OptionalJson, PageProblem, Paging, PathId, Problem,
    Query, SortDirection,
};
pub use vestibule_model as model;
pub use vestibule_policy::{
    Accepts, LimitPer, LimitSpec, Refusal, RouteKind, RouteTag, Rule, RuleTable, TableError,
    Visible,
};
