//! Reports to the grants of what became of a resource.

use futures_util::future::BoxFuture;
use vestibule_check::Allowed;
use vestibule_http::Problem;
use vestibule_model::{ResourceChangeId, ResourcePath};

/// The place where a service reports what becomes of its resources: a grant follows its folder, and
/// ends with it.
///
/// A resource that comes to a path, because it is created there, renamed or moved, has nothing to do
/// with grants that stand on the path already: they are deleted, so that nobody has rights on it that
/// nobody gave. [`created`](Self::created) and [`moving`](Self::moving) refuse with 409
/// (`path_has_grants`) where the caller could not revoke one of those. That is decided together
/// with the change, so ask nothing about grants beforehand.
///
/// Each of the three takes an [`Allowed`], which only [`Permit::may`](crate::Permit::may) makes: a
/// service cannot report a change that it has not asked the caller's permit about.
/// [`follow`](Self::follow) takes none, since it is also called after a crash, without a caller: the
/// id that it takes was given out for such evidence.
///
/// # Two databases and a crash
///
/// The service's resources and the grants are in two databases, and a process can end between the two
/// commits. So a move and a deletion have an id, and the service keeps it with its half, in an
/// *outbox*:
///
/// 1. Under a lock on the tree, let the grants [`follow`](Self::follow) every change that is in the
///    outbox, and remove it there. Nothing may come to a path while grants of what was there still
///    stand on it.
/// 2. Change the resource, and call [`moving`](Self::moving) or [`removing`](Self::removing) last. On
///    an error roll back, and answer with it: no right was changed that is not noted above.
/// 3. Write the id into the outbox, in the same transaction, and commit.
/// 4. Call [`follow`](Self::follow), and remove the id from the outbox.
/// 5. At the start, and every so often, do 4 for each id that is left.
///
/// Between 3 and 4 the grants stand where the resource was, so their holders wait, and nobody has a
/// right that nobody gave. `follow` does its work once for each id, however often it is called. An id
/// that was never written into an outbox means nothing, and is forgotten after 30 days; the same holds
/// for one whose service was away for so long.
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use axum::{body::Body, extract::State};
/// # use futures_util::future::BoxFuture;
/// # use http::Request;
/// # use tower::ServiceExt as _;
/// # use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
/// # use vestibule_layer::model::{Capability, OsEntropy, ResourceChangeId, ResourcePath, SystemClock};
/// # use vestibule_layer::{
/// #     Allowed, Core, CoreParts, EntryPointExt as _, MemoryDirectory, OwnOrigin, Permit, Problem,
/// #     ResourceChanges, Routes, Rule,
/// # };
/// # type Noted = (ResourceChangeId, ResourcePath, ResourcePath);
/// # #[derive(Default)]
/// # struct Grants { at: Mutex<Option<ResourcePath>>, noted: Mutex<Vec<Noted>>, away: Mutex<bool> }
/// # impl ResourceChanges for Grants {
/// #     fn created<'a>(&'a self, _: Allowed<'a>) -> BoxFuture<'a, Result<(), Problem>> {
/// #         Box::pin(async { Ok(()) })
/// #     }
/// #     fn moving<'a>(&'a self, from: Allowed<'a>, to: &'a ResourcePath)
/// #         -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
/// #         let id = ResourceChangeId::mint(&SystemClock, &OsEntropy);
/// #         self.noted.lock().unwrap().push((id, from.path().clone(), to.clone()));
/// #         Box::pin(async move { Ok(id) })
/// #     }
/// #     fn removing<'a>(&'a self, _: Allowed<'a>)
/// #         -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
/// #         Box::pin(async { Err(Problem::internal()) })
/// #     }
/// #     fn follow(&self, id: ResourceChangeId) -> BoxFuture<'_, Result<(), Problem>> {
/// #         Box::pin(async move {
/// #             if *self.away.lock().unwrap() { return Err(Problem::internal()); }
/// #             let mut noted = self.noted.lock().unwrap();
/// #             if let Some(index) = noted.iter().position(|(it, ..)| *it == id) {
/// #                 let (_, from, to) = noted.remove(index);
/// #                 let mut at = self.at.lock().unwrap();
/// #                 *at = at.take().map(|path| path.rebased(&from, &to));
/// #             }
/// #             Ok(())
/// #         })
/// #     }
/// # }
/// /// What stands in one database of the service, and changes in one transaction.
/// #[derive(Default)]
/// struct Tables {
///     folder: Option<ResourcePath>,
///     outbox: Vec<ResourceChangeId>,
/// }
///
/// #[derive(Clone)]
/// struct Service {
///     tables: Arc<tokio::sync::Mutex<Tables>>, // the lock is that of the tree
///     changes: Arc<dyn ResourceChanges>,
/// }
///
/// impl Service {
///     /// 1, 4 and 5: lets the grants follow whatever is left.
///     async fn finish(&self, tables: &mut Tables) -> Result<(), Problem> {
///         while let Some(id) = tables.outbox.first().copied() {
///             self.changes.follow(id).await?;
///             tables.outbox.remove(0);
///         }
///         Ok(())
///     }
/// }
///
/// async fn rename(State(service): State<Service>, permit: Permit) -> Result<&'static str, Problem> {
///     let to: ResourcePath = "/shared/dst".parse().map_err(|_| Problem::internal())?;
///     let mut tables = service.tables.lock().await;
///     service.finish(&mut tables).await?;
///     let from = tables.folder.clone().ok_or_else(|| Problem::not_found("folder"))?;
///     let from = permit.may(&from, Capability::ReadWrite)?;
///     let id = service.changes.moving(from, &to).await?;
///     tables.folder = Some(to); // 2 and 3, committed together
///     tables.outbox.push(id);
///     if service.finish(&mut tables).await.is_err() {
///         // It is done, and the grants follow later.
///     }
///     Ok("renamed")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let grants = Arc::new(Grants::default());
/// # *grants.at.lock().unwrap() = Some("/shared/src/deep".parse()?);
/// # let service = Service { tables: Arc::default(), changes: grants.clone() };
/// # service.tables.lock().await.folder = Some("/shared/src".parse()?);
/// let routes = Routes::bearer().post("/v1/rename", Rule::signed_in(), rename);
/// # let (router, table) = routes.with_state(service.clone()).into_parts()?;
/// # let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
/// # let directory = MemoryDirectory::with_owner_key(&key.digest());
/// # let origin = "http://127.0.0.1:3000".parse::<OwnOrigin>()?;
/// # let entry_point = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);
/// # let stack = entry_point.guard(router);
/// # let request = Request::post("/v1/rename")
/// #     .header("authorization", format!("Bearer {}", key.expose()))
/// #     .body(Body::empty())?;
/// // The grants cannot be reached, or the process ends here: the rename is done, they wait.
/// # *grants.away.lock().unwrap() = true;
/// let answer = stack.oneshot(request).await?;
/// assert_eq!(answer.status(), 200);
/// assert_eq!(grants.at.lock().unwrap().as_ref().unwrap().as_str(), "/shared/src/deep");
///
/// // At the next start they follow.
/// # *grants.away.lock().unwrap() = false;
/// let mut tables = service.tables.lock().await;
/// service.finish(&mut tables).await.map_err(|_| "the grants are away")?;
/// assert_eq!(grants.at.lock().unwrap().as_ref().unwrap().as_str(), "/shared/dst/deep");
/// assert!(tables.outbox.is_empty());
/// # Ok(())
/// # }
/// ```
pub trait ResourceChanges: Send + Sync + 'static {
    /// Deletes every grant of the caller's organisation on the path of `place` and below it, where a
    /// resource is about to be created. Refuses with 403 where the caller may not write there, and
    /// with 409 where the caller could not revoke one of the grants. Call it before the service's own
    /// half is committed.
    ///
    /// Deleted grants do not come back if the service's own half fails: rights that are lost can be
    /// granted again.
    fn created<'a>(&'a self, place: Allowed<'a>) -> BoxFuture<'a, Result<(), Problem>>;

    /// Notes that the resource at `from` is about to be at `to`, after deleting the grants of the
    /// caller's organisation on `to` and below it, as [`created`](Self::created) does and with the
    /// same refusals, also where the caller may not write `from`. The grants on `from` and below it move when the returned id is given to
    /// [`follow`](Self::follow); those that are given until then go along.
    fn moving<'a>(
        &'a self,
        from: Allowed<'a>,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>>;

    /// Notes that `resource` is about to be deleted: refuses with 403 where the caller may not. The grants of the caller's
    /// organisation on it and below it end when the returned id is given to
    /// [`follow`](Self::follow): whoever may delete a resource may end what was granted on it.
    fn removing<'a>(
        &'a self,
        resource: Allowed<'a>,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>>;

    /// Lets the grants follow a change that the service has committed. On success that holds for
    /// every request that starts later. Called again with the same id, it does nothing.
    ///
    /// # Errors
    /// Nothing was changed. The service keeps the id in its outbox, and calls again later.
    fn follow(&self, id: ResourceChangeId) -> BoxFuture<'_, Result<(), Problem>>;
}
