//! Telling the grants that a resource has another path now.

use futures_util::future::BoxFuture;
use vestibule_check::Permit;
use vestibule_http::Problem;
use vestibule_model::ResourcePath;

/// Where a service says that it moved a resource, so that the grants on it and below it move too:
/// a grant follows its folder.
pub trait ResourceMoves: Send + Sync + 'static {
    /// Rebases every grant of the caller's organisation on `from` and below it to `to`. When this
    /// returns, the new paths hold for every request that starts later.
    ///
    /// To be called before the service commits its own half of the move, and with `from` and `to`
    /// exchanged if that fails.
    fn moved<'a>(
        &'a self,
        permit: &'a Permit,
        from: &'a ResourcePath,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>>;
}
