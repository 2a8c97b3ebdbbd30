//! Grants follow what the sample moves, and end with what it deletes; and the console lists what
//! the sample has.

use futures_util::future::BoxFuture;
use vestibule_accounts::{Accounts, Caller, Page};
use vestibule_check::Permit;
use vestibule_handler::Failure;
use vestibule_http::Problem;
use vestibule_layer::ResourceChanges;
use vestibule_model::ResourcePath;
use vestibule_sample::{ListedItem, Sample};
use vestibule_web::{Listed, SampleLists};

/// Keeps the grants with their resources.
#[derive(Debug)]
pub(crate) struct FollowingGrants(Accounts);

impl FollowingGrants {
    /// Over the grants of these accounts.
    pub(crate) const fn new(accounts: Accounts) -> Self {
        Self(accounts)
    }
}

impl ResourceChanges for FollowingGrants {
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
                .map_err(|error| Failure::from(error).into())
        })
    }

    fn removed<'a>(
        &'a self,
        permit: &'a Permit,
        path: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let caller = Caller::from(permit);
            let removed = self.0.remove_grants_below(&caller, path).await;
            removed
                .map(|_| ())
                .map_err(|error| Failure::from(error).into())
        })
    }
}

/// The sample's lists, for the console.
pub(crate) struct Lists(pub(crate) Sample);

fn listed((items, total): (Vec<ListedItem>, u64)) -> (Vec<Listed>, u64) {
    let items = items.into_iter().map(|item| Listed {
        name: item.name,
        path: item.path,
        updated_at: item.updated_at,
    });
    (items.collect(), total)
}

impl SampleLists for Lists {
    fn documents<'a>(
        &'a self,
        permit: &'a Permit,
        part: Page,
    ) -> BoxFuture<'a, Result<(Vec<Listed>, u64), Problem>> {
        let part = (part.limit, part.offset);
        Box::pin(async move { self.0.documents(permit, part).await.map(listed) })
    }

    fn conversations<'a>(
        &'a self,
        permit: &'a Permit,
        part: Page,
    ) -> BoxFuture<'a, Result<(Vec<Listed>, u64), Problem>> {
        let part = (part.limit, part.offset);
        Box::pin(async move { self.0.conversations(permit, part).await.map(listed) })
    }
}
