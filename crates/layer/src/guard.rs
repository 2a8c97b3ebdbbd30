//! The way to put an entry point before a service.

use vestibule_check::EntryPoint;

use crate::CheckService;

/// Puts an [`EntryPoint`] before a service.
///
/// # Several services in one process
///
/// Each has an entry point of its own, and all of them come from one [`Core`](crate::Core). A caller
/// whom one has met is known to the others, and a limit of one name is one allowance:
///
/// ```
/// # use std::{num::NonZeroU32, sync::Arc, time::Duration};
/// # use axum::{body::Body, http::Request};
/// # use tower::ServiceExt as _;
/// # use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
/// # use vestibule_layer::model::OsEntropy;
/// # use vestibule_layer::{
/// #     Core, CoreParts, EntryPointExt as _, LimitPer, LimitSpec, MemoryDirectory, Routes, Rule,
/// # };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
/// # let directory = MemoryDirectory::with_owner_key(&key.digest());
/// # let request = |path: &str| Request::get(path)
/// #     .header("authorization", format!("Bearer {}", key.expose()))
/// #     .body(Body::empty());
/// let once_an_hour = Rule::signed_in().limit(LimitSpec {
///     name: "reports".into(),
///     per: LimitPer::User,
///     count: NonZeroU32::MIN,
///     window: Duration::from_secs(3_600),
/// });
/// let core = Core::new(CoreParts::new(Arc::new(directory)));
///
/// let (router, table) = Routes::bearer()
///     .get("/v1/report", once_an_hour.clone(), async || "for customers")
///     .into_parts()?;
/// let public = core.entry_point(table, "https://app.example.com".parse()?);
/// let public = public.guard(router);
///
/// let (router, table) = Routes::bearer()
///     .get("/internal/report", once_an_hour, async || "for staff")
///     .into_parts()?;
/// let internal = core.entry_point(table, "https://internal.example.com".parse()?);
/// let internal = internal.guard(router);
///
/// assert_eq!(public.oneshot(request("/v1/report")?).await?.status(), 200);
/// assert_eq!(internal.oneshot(request("/internal/report")?).await?.status(), 429);
/// # Ok(())
/// # }
/// ```
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
