//! Lists of API keys.

use std::collections::HashMap;

use vestibule_model::{ApiKey, Grant, GrantHolder, OrgScope, UserId};

use super::{NarrowedApiKey, api_key_columns, read_narrowed};
use crate::grant::{grant_columns, read_grant};
use crate::page::{FIFTY, Listed, Listing, Page, bind_fifty, fifty, listing};
use crate::sql::sql;
use crate::{Store, StoreError};

/// The most narrowed keys whose grants are read on the calling thread: each has at most fifty.
const FEW: usize = 10;

/// The keys of a user, from the index of live keys.
const KEYS_OF: &str = concat!(
    "SELECT ",
    api_key_columns!(),
    " FROM api_key k
     WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.revoked_at IS NULL
     ORDER BY k.created_at, k.id"
);

fn by_holder(grants: Vec<Grant>) -> HashMap<GrantHolder, Vec<Grant>> {
    let mut by_holder: HashMap<GrantHolder, Vec<Grant>> = HashMap::new();
    for grant in grants {
        by_holder.entry(grant.holder).or_default().push(grant);
    }
    by_holder
}

fn with_own(
    (key, narrowed): (ApiKey, bool),
    grants: &mut HashMap<GrantHolder, Vec<Grant>>,
) -> NarrowedApiKey {
    let own = narrowed.then(|| grants.remove(&GrantHolder::ApiKey(key.id)));
    (key, own.map(Option::unwrap_or_default))
}

/// Returns each key with the grants that it holds.
pub(super) fn with_grants(keys: Vec<(ApiKey, bool)>, grants: Vec<Grant>) -> Vec<NarrowedApiKey> {
    let mut by_holder = by_holder(grants);
    let each = keys.into_iter();
    each.map(|key| with_own(key, &mut by_holder)).collect()
}

impl Store {
    /// Returns a user's keys that are not revoked, the oldest first. A user has a hundred at most.
    pub async fn api_keys_of(
        &self,
        scope: OrgScope,
        owner: UserId,
    ) -> Result<Vec<NarrowedApiKey>, StoreError> {
        let query = sql(KEYS_OF).bind(scope).bind(owner);
        let keys = self.prompt_all(query, read_narrowed).await?;
        let narrowed = keys.iter().filter(|(_, narrowed)| *narrowed).count();
        if narrowed == 0 {
            return Ok(with_grants(keys, Vec::new()));
        }
        let query = sql(concat!(
            "SELECT ",
            grant_columns!(),
            " FROM api_key k JOIN path_grant g ON g.api_key_id = k.id
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.revoked_at IS NULL
             ORDER BY g.created_at, g.id"
        ))
        .bind(scope)
        .bind(owner);
        let grants = if narrowed <= FEW {
            self.prompt_all(query, read_grant).await?
        } else {
            // Some thousands of rows, which would keep the tasks of this thread waiting.
            query
                .all(&mut self.list_reader().await?, read_grant)
                .await?
        };
        Ok(with_grants(keys, grants))
    }

    /// Returns a part of the keys of an organisation, revoked ones too, the oldest first. For admins
    /// and the operator.
    pub async fn api_keys(
        &self,
        scope: OrgScope,
        page: Page,
    ) -> Result<Listed<NarrowedApiKey>, StoreError> {
        const LIST: Listing = listing!(
            1,
            api_key_columns!(),
            "api_key k WHERE k.organization_id = $1",
            "k.created_at",
            "k.id"
        );
        let reader = &mut self.list_reader().await?;
        let keys = LIST.read(
            reader,
            page,
            |query| query.bind(scope),
            read_narrowed,
            |(key, _)| (key.created_at, key.id.uuid()),
        );
        let keys = keys.await?;
        let narrowed = keys.items.iter().filter(|(_, narrowed)| *narrowed);
        let ids: Vec<_> = narrowed.map(|(key, _)| key.id.uuid()).collect();
        let mut grants = Vec::new();
        for ids in ids.chunks(FIFTY) {
            let query = sql(concat!(
                "SELECT ",
                grant_columns!(),
                " FROM path_grant g WHERE g.organization_id = $1 AND g.api_key_id IN (",
                fifty!(),
                ")"
            ))
            .bind(scope);
            grants.extend(bind_fifty(query, ids).all(reader, read_grant).await?);
        }
        // At most fifty a key, in no order of an index.
        grants.sort_unstable_by_key(|grant| (grant.created_at, grant.id));
        let mut by_holder = by_holder(grants);
        Ok(keys.map(|key| with_own(key, &mut by_holder)))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::explained::uses_only;
    use crate::support::{Backend, World};

    #[rstest]
    #[tokio::test]
    async fn a_user_s_keys_are_read_without_those_that_were_revoked(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let world = World::new(backend).await;
        uses_only(&world, KEYS_OF, "UUID, UUID", "api_key_live").await;
    }
}
