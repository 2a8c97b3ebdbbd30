//! The way to put an entry point before a service.

use vestibule_check::EntryPoint;

use crate::CheckService;

/// Puts an [`EntryPoint`] before a service.
pub trait EntryPointExt {
    /// Wraps `inner`: it is called only with requests that the check lets pass. See [`CheckService`]
    /// for what becomes of each.
    ///
    /// `inner` is a whole service: a finished router, or one with layers around it. The check is no
    /// layer, because [`Router::layer`](axum::Router::layer) wraps only the routes that are there
    /// when it is called: one that is added later would answer without a check. So this does not
    /// compile:
    ///
    /// ```compile_fail,E0277
    /// # use axum::Router;
    /// # use axum::routing::get;
    /// # use vestibule_layer::{EntryPoint, EntryPointExt as _};
    /// # fn wrong(entry_point: EntryPoint) -> Router {
    /// Router::new().layer(entry_point).route("/admin", get(async || "open to everybody"))
    /// # }
    /// ```
    ///
    /// Neither does this, since what `guard` returns has no routes to add to:
    ///
    /// ```compile_fail,E0599
    /// # use axum::Router;
    /// # use axum::routing::get;
    /// # use vestibule_layer::{EntryPoint, EntryPointExt as _};
    /// # fn wrong(entry_point: EntryPoint) {
    /// entry_point.guard(Router::new()).route("/admin", get(async || "open to everybody"));
    /// # }
    /// ```
    ///
    /// This is right:
    ///
    /// ```
    /// # use axum::Router;
    /// # use axum::routing::get;
    /// # use vestibule_layer::{CheckService, EntryPoint, EntryPointExt as _};
    /// # fn right(entry_point: EntryPoint) -> CheckService<Router> {
    /// entry_point.guard(Router::new().route("/admin", get(async || "only for whom the rules allow")))
    /// # }
    /// ```
    fn guard<S>(&self, inner: S) -> CheckService<S>;
}

impl EntryPointExt for EntryPoint {
    fn guard<S>(&self, inner: S) -> CheckService<S> {
        CheckService::new(self.clone(), inner)
    }
}
