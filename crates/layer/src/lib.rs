//! The check inside a Rust service: declare each route once with its handler and its rule, put the
//! check before the router, take a [`Permit`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::body::Body;
//! use http::Request;
//! use tower::ServiceExt as _;
//! use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
//! use vestibule_layer::model::OsEntropy;
//! use vestibule_layer::{
//!     Core, CoreParts, EntryPointExt as _, MemoryDirectory, Permit, Routes, Rule,
//! };
//!
//! async fn hello(permit: Permit) -> String {
//!     format!("Hello {}, of {}", permit.user_id(), permit.organization_id())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (router, rules) = Routes::bearer()
//!     .get("/v1/hello", Rule::signed_in(), hello)
//!     .into_parts()?;
//! let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
//! let directory = MemoryDirectory::with_owner_key(&key.digest());
//! let service = Core::new(CoreParts::new(Arc::new(directory)))
//!     .entry_point(rules, "https://app.example.com".parse()?)
//!     .guard(router);
//!
//! let request = Request::get("/v1/hello").header("authorization", format!("Bearer {}", key.expose()));
//! let response = service.clone().oneshot(request.body(Body::empty())?).await?;
//! assert_eq!(response.status(), 200);
//!
//! let request = Request::get("/v1/hello").body(Body::empty())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["content-type"], "application/problem+json");
//! # Ok(())
//! # }
//! ```
//!
//! `examples/notes.rs` is a whole service; `vestibule-embed` provides the database, the accounts and
//! the background duties behind it.
//!
//! # What passes
//! A request reaches the handler if all of this holds, in this order:
//!
//! 1. Its path is in its one canonical spelling; otherwise 400.
//! 2. A route has its path and method, and the route's rule is [`Rule::public`]; or it presents a
//!    credential that is known, current and not revoked; otherwise 401. A credential that is
//!    presented and not good is never treated as absent.
//! 3. The user, the membership and the organisation are active; otherwise 403.
//! 4. With a cookie, a request that changes something has the service's own `Origin`; otherwise 403.
//! 5. Its body, if it has one, is JSON or a form where the route reads one; otherwise 415.
//! 6. No limit of the rule is used up; otherwise 429.
//! 7. The caller has the role, the capability and the plan feature that the rule demands; otherwise
//!    403. A path without a route is 404, also for callers with every right.
//!
//! Where the directory does not answer, the request is refused with 503: never let pass, and never
//! refused as if the caller were at fault.
//!
//! # Caveats
//! **Serve what [`guard`](EntryPointExt::guard) returns, not the router.** The router alone checks
//! nothing. A handler that takes a [`Permit`] then answers 500, and one that takes none answers every
//! caller:
//!
//! ```
//! # use axum::body::Body;
//! # use http::Request;
//! # use tower::ServiceExt as _;
//! # use vestibule_layer::{Routes, Rule};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (router, rules) = Routes::<()>::bearer()
//!     .get("/v1/report", Rule::signed_in(), async || "for members")
//!     .into_parts()?;
//! // Wrong: `rules` is not used, and `router` is served.
//! let response = router.oneshot(Request::get("/v1/report").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! **Do not put the check into [`Router::layer`](axum::Router::layer).** A layer made by hand, such as
//! `layer_fn(|inner| entry_point.guard(inner))`, compiles, because axum's routes are services like any
//! other. It wraps only the routes that exist when it is applied, so a route added afterwards answers
//! without a check:
//!
//! ```
//! # use std::sync::Arc;
//! # use axum::body::Body;
//! # use axum::routing::{Route, get};
//! # use http::Request;
//! # use tower::{ServiceExt as _, layer::layer_fn};
//! # use vestibule_layer::{Core, CoreParts, EntryPointExt as _, MemoryDirectory, Routes, Rule};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let core = Core::new(CoreParts::new(Arc::new(MemoryDirectory::new())));
//! # let origin = "https://app.example.com".parse()?;
//! let (router, rules) = Routes::<()>::bearer()
//!     .get("/v1/report", Rule::signed_in(), async || "for members")
//!     .into_parts()?;
//! let entry_point = core.entry_point(rules, origin);
//! // Wrong: `/admin` is added outside the check. Call `guard` on the finished router instead.
//! let service = router
//!     .layer(layer_fn(move |inner: Route| entry_point.guard(inner)))
//!     .route("/admin", get(async || "for everybody"));
//! let response = service.oneshot(Request::get("/admin").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! **Change no path behind the check.** The check judges the path of the request as it arrives. A layer
//! between the check and the router that rewrites the path leads to a handler whose rule was not applied:
//!
//! ```
//! # use std::sync::Arc;
//! # use axum::{body::Body, extract::Request};
//! # use tower::{ServiceBuilder, ServiceExt as _};
//! # use vestibule_layer::{Core, CoreParts, EntryPointExt as _, MemoryDirectory, Routes, Rule};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let core = Core::new(CoreParts::new(Arc::new(MemoryDirectory::new())));
//! # let origin = "https://app.example.com".parse()?;
//! let (router, rules) = Routes::<()>::bearer()
//!     .get("/v1/open", Rule::public(), async || "for everybody")
//!     .get("/v1/report", Rule::signed_in(), async || "for members")
//!     .into_parts()?;
//! // Wrong: this layer is behind the check. Put it outside `guard`.
//! let rewritten = ServiceBuilder::new()
//!     .map_request(|mut request: Request| {
//!         *request.uri_mut() = http::Uri::from_static("/v1/report");
//!         request
//!     })
//!     .service(router);
//! let service = core.entry_point(rules, origin).guard(rewritten);
//! let response = service.oneshot(Request::get("/v1/open").body(Body::empty())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! **A permit is valid for the request, not for what follows.** It holds when the handler is called. A
//! handler that streams for minutes, or reads a body that is neither JSON nor a form, has to check again
//! before it acts.
//!
//! **Tell the core what changes.** [`Core`] remembers callers. A [`Directory`] of your own calls
//! [`Core::apply`] for every key that is revoked and every right that is withdrawn, or calls
//! [`Core::suspend`] once, so that nothing is remembered.
//!
//! # Features
//! - `tokens`: access tokens beside keys and cookies. Builds a C library.
//! - `openapi`: descriptions of routes, made from their rules; see the module `openapi`.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

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
    Allowed, CacheBounds, Core, CoreParts, DEFAULT_COOKIE_NAME, Directory, EntryPoint,
    MemoryDirectory, OwnOrigin, Permit, Unresolved,
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
