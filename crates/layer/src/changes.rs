//! Telling the grants what became of a resource.

use futures_util::future::BoxFuture;
use vestibule_check::Permit;
use vestibule_http::Problem;
use vestibule_model::ResourcePath;

/// Where a service says what became of a resource: a grant follows its folder, and ends with it.
///
/// Each is to be called before the service commits its own half of the change. When it returns, it
/// holds for every request that starts later.
pub trait ResourceChanges: Send + Sync + 'static {
    /// Rebases every grant of the caller's organisation on `from` and below it to `to`.
    ///
    /// To be called with `from` and `to` exchanged if the service's own half fails. Grants that
    /// stand on `to` already are for what was there once: [`removed`](Self::removed) takes them
    /// away, and is to be called for `to` first.
    fn moved<'a>(
        &'a self,
        permit: &'a Permit,
        from: &'a ResourcePath,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;

    /// Deletes every grant of the caller's organisation on `path` and below it.
    ///
    /// To be called when a resource is deleted, and before one comes to a path where nothing is,
    /// so that nobody has rights on it whom nobody gave them. What is deleted does not come back
    /// if the service's own half fails: rights that are lost can be granted again.
    fn removed<'a>(
        &'a self,
        permit: &'a Permit,
        path: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;
}
