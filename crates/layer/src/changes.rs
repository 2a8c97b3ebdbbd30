//! Reports to the grants of what became of a resource.

use futures_util::future::BoxFuture;
use vestibule_check::Permit;
use vestibule_http::Problem;
use vestibule_model::ResourcePath;

/// The place where a service reports what becomes of its resources: a grant follows its folder, and
/// ends with it.
///
/// Report before the service commits its own half of the change. On success the report holds for
/// every request that starts later. On an error nothing was changed; answer with it, and roll the
/// service's own half back.
///
/// A resource that comes to a path, because it is created there, renamed or moved, has nothing to do
/// with grants that stand on the path already: they are deleted, so that nobody has rights on it that
/// nobody gave. [`created`](Self::created) and [`moved`](Self::moved) refuse with 409
/// (`path_has_grants`) where the caller could not revoke one of those. That is decided together
/// with the change, so ask nothing beforehand.
pub trait ResourceChanges: Send + Sync + 'static {
    /// Deletes every grant of the caller's organisation on `path` and below it, where a resource is
    /// about to be created. Refuses with 409 where the caller could not revoke one of them.
    ///
    /// Deleted grants do not come back if the service's own half fails: rights that are lost can be
    /// granted again.
    fn created<'a>(
        &'a self,
        permit: &'a Permit,
        path: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;

    /// Rebases every grant of the caller's organisation on `from` and below it to `to`, after
    /// deleting those that stand on `to` and below it. Refuses with 409 where the caller could not
    /// revoke one of the latter.
    ///
    /// If the service's own half fails afterwards, call [`moved_back`](Self::moved_back).
    fn moved<'a>(
        &'a self,
        permit: &'a Permit,
        from: &'a ResourcePath,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;

    /// Takes a [`moved`](Self::moved) with the same arguments back, whoever holds what and whatever
    /// has become of the caller.
    fn moved_back<'a>(
        &'a self,
        permit: &'a Permit,
        from: &'a ResourcePath,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;

    /// Deletes every grant of the caller's organisation on `path` and below it, where a resource is
    /// being deleted: whoever may delete it may end what was granted on it.
    fn removed<'a>(
        &'a self,
        permit: &'a Permit,
        path: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;
}
