//! Grants follow what the sample moves, and end with what it deletes; and the console lists what
//! the sample has.

use futures_util::future::BoxFuture;
use vestibule_accounts::{Accounts, Error, Page};
use vestibule_check::{Allowed, Permit};
use vestibule_handler::Failure;
use vestibule_http::Problem;
use vestibule_layer::ResourceChanges;
use vestibule_model::{ResourceChangeId, ResourcePath};
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

/// The answer to an operation on grants.
fn answer<T>(done: Result<T, Error>) -> Result<T, Problem> {
    done.map_err(|error| {
        let problem = Failure::from(error).answer();
        if problem.reason() == "path_has_grants" {
            return problem.hint(
                "Choose another name or folder, or ask an owner of the organisation to revoke the permissions \
                 there.",
            );
        }
        problem
    })
}

impl ResourceChanges for FollowingGrants {
    fn created<'a>(&'a self, place: Allowed<'a>) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move { answer(self.0.clear_grants(place).await).map(drop) })
    }

    fn moving<'a>(
        &'a self,
        from: Allowed<'a>,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
        Box::pin(async move { answer(self.0.resource_moving(from, to).await) })
    }

    fn removing<'a>(
        &'a self,
        resource: Allowed<'a>,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
        Box::pin(async move { answer(self.0.resource_leaving(resource).await) })
    }

    fn follow(&self, id: ResourceChangeId) -> BoxFuture<'_, Result<(), Problem>> {
        Box::pin(async move { answer(self.0.follow_resource(id).await).map(drop) })
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
        let part = (part.limit, part.offset());
        Box::pin(async move { self.0.documents(permit, part).await.map(listed) })
    }

    fn conversations<'a>(
        &'a self,
        permit: &'a Permit,
        part: Page,
    ) -> BoxFuture<'a, Result<(Vec<Listed>, u64), Problem>> {
        let part = (part.limit, part.offset());
        Box::pin(async move { self.0.conversations(permit, part).await.map(listed) })
    }
}
