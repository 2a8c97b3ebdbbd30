//! The check inside a Rust service: declare each route once with its handler and its rule, add the
//! layer, take a [`Permit`].
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
//! rule; [`CheckLayer`] stands before the router and refuses what the table does not allow, before
//! anything of the service runs. `examples/protected.rs` is a whole service.
//!
//! # Caveats
//! Put the layer round the finished router (`CheckLayer::new(check).layer(router)`), not inside it
//! with `Router::layer`: axum runs the latter after routing, and a request that no route matches
//! would be answered without having been checked.

mod changes;
mod future;
pub mod guard;
mod layer;
mod path_parts;
mod query;
mod routes;
mod service;

pub use changes::ResourceChanges;
pub use layer::CheckLayer;
pub use path_parts::PathParts;
pub use query::without_query;
pub use routes::Routes;
pub use service::CheckService;

pub use vestibule_check::{
    CacheBounds, Check, CheckParts, DEFAULT_COOKIE_NAME, Directory, MemoryDirectory, OwnOrigin,
    Permit, Unresolved,
};
pub use vestibule_credential as credential;
pub use vestibule_http::problem::{ErrorBody, ProblemBody};
pub use vestibule_http::{Dialect, FieldError, Json, OptionalJson, PageProblem, Problem, Query};
pub use vestibule_model as model;
pub use vestibule_policy::{LimitPer, LimitSpec, Refusal, Rule, RuleTable, TableError, Visible};
