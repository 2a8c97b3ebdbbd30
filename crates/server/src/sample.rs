//! Grants follow what the sample moves.

use futures_util::future::BoxFuture;
use vestibule_accounts::{Accounts, Caller};
use vestibule_api::ApiError;
use vestibule_check::Permit;
use vestibule_http::Problem;
use vestibule_layer::ResourceMoves;
use vestibule_model::ResourcePath;

/// Rebases grants where a resource moved.
#[derive(Debug)]
pub(crate) struct FollowingGrants(Accounts);

impl FollowingGrants {
    /// Over the grants of these accounts.
    pub(crate) const fn new(accounts: Accounts) -> Self {
        Self(accounts)
    }
}

impl ResourceMoves for FollowingGrants {
    fn moved<'a>(
        &'a self,
        permit: &'a Permit,
        from: &'a ResourcePath,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let moved = self.0.rebase_grants(&Caller::from(permit), from, to).await;
            moved
                .map(|_| ())
                .map_err(|error| ApiError::from(error).into())
        })
    }
}
