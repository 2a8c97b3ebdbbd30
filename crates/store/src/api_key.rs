//! API keys.

mod connection;

use std::collections::HashMap;

use vestibule_model::{ApiKey, ApiKeyId, Digest, Grant, GrantHolder, OrgScope, Timestamp, UserId};

use crate::grant::{grant_columns, read_grant};
use crate::hold::held;
use crate::page::{FIFTY, Listed, Listing, Page, bind_fifty, fifty, listing};
use crate::sql::{Row, sql};
use crate::{Store, StoreError, Write};

/// The columns of a key `k`.
macro_rules! api_key_columns {
    () => {
        "k.id AS key_id, k.organization_id AS key_organization_id, k.owner_id, k.name AS key_name,
         k.suffix, k.narrowed, k.connection_id AS key_connection_id,
         k.created_at AS key_created_at, k.expires_at AS key_expires_at, k.last_used_at,
         k.revoked_at"
    };
}
pub(crate) use api_key_columns;

pub(crate) fn read_api_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.get("key_id")?,
        organization_id: row.get("key_organization_id")?,
        owner_id: row.get("owner_id")?,
        name: row.get("key_name")?,
        suffix: row.get("suffix")?,
        connection_id: row.get("key_connection_id")?,
        created_at: row.get("key_created_at")?,
        expires_at: row.get("key_expires_at")?,
        last_used_at: row.get("last_used_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

fn read_narrowed(row: &Row<'_>) -> Result<(ApiKey, bool), StoreError> {
    Ok((read_api_key(row)?, row.get("narrowed")?))
}

/// The keys of a user, from the index of live keys.
const KEYS_OF: &str = concat!(
    "SELECT ",
    api_key_columns!(),
    " FROM api_key k
     WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.revoked_at IS NULL
     ORDER BY k.created_at, k.id"
);

/// Read under the organisation's lock, and on SQLite while nobody else can write: from the index of
/// live keys, since a user may have revoked any number.
const LIVE_KEYS: &str = "SELECT COUNT(*) AS count FROM (
         SELECT 1 FROM api_key
         WHERE organization_id = $1 AND owner_id = $2 AND revoked_at IS NULL LIMIT $3) counted";

/// Read in the same place, for the same reason.
const NTH_NEWEST_KEY: &str = "SELECT created_at FROM api_key
     WHERE owner_id = $1 AND created_at > $2
     ORDER BY created_at DESC LIMIT 1 OFFSET $3";

/// A key, and the grants that narrow it where it is narrowed.
pub type NarrowedApiKey = (ApiKey, Option<Vec<Grant>>);

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

/// Each key with the grants that it holds.
fn with_grants(keys: Vec<(ApiKey, bool)>, grants: Vec<Grant>) -> Vec<NarrowedApiKey> {
    let mut by_holder = by_holder(grants);
    let each = keys.into_iter();
    each.map(|key| with_own(key, &mut by_holder)).collect()
}

impl Store {
    /// A user's keys that are not deleted, the oldest first.
    pub async fn api_keys_of(
        &self,
        scope: OrgScope,
        owner: UserId,
    ) -> Result<Vec<NarrowedApiKey>, StoreError> {
        let reader = &mut self.list_reader().await?;
        let keys = sql(KEYS_OF)
            .bind(scope)
            .bind(owner)
            .all(reader, read_narrowed)
            .await?;
        let grants = sql(concat!(
            "SELECT ",
            grant_columns!(),
            " FROM api_key k JOIN path_grant g ON g.api_key_id = k.id
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.revoked_at IS NULL
             ORDER BY g.created_at, g.id"
        ))
        .bind(scope)
        .bind(owner)
        .all(reader, read_grant)
        .await?;
        Ok(with_grants(keys, grants))
    }

    /// A key of a user that is not deleted.
    pub async fn api_key(
        &self,
        scope: OrgScope,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<Option<NarrowedApiKey>, StoreError> {
        let key = sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.id = $3
                 AND k.revoked_at IS NULL"
        ))
        .bind(scope)
        .bind(owner)
        .bind(id)
        .optional(&mut self.reader().await?, read_narrowed)
        .await?;
        Ok(match key {
            None => None,
            Some((key, false)) => Some((key, None)),
            Some((key, true)) => {
                let grants = self.grants_of(scope, GrantHolder::ApiKey(id)).await?;
                Some((key, Some(grants)))
            }
        })
    }

    /// Returns a user's key, revoked or not.
    pub async fn api_key_or_revoked(
        &self,
        scope: OrgScope,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.id = $3"
        ))
        .bind(scope)
        .bind(owner)
        .bind(id)
        .optional(&mut self.reader().await?, read_api_key)
        .await
    }

    /// Returns a key of the organisation, whoever owns it, revoked or not. For the operator.
    pub async fn api_key_of_anyone(
        &self,
        scope: OrgScope,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k WHERE k.organization_id = $1 AND k.id = $2"
        ))
        .bind(scope)
        .bind(id)
        .optional(&mut self.reader().await?, read_api_key)
        .await
    }

    /// A part of the keys of an organisation, revoked ones too, the oldest first. For admins and the
    /// operator.
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

impl Write {
    /// Adds a key, known by the digest of its secret. A `narrowed` one has no right but what the
    /// grants that it holds give.
    pub async fn insert_api_key(
        &mut self,
        key: &ApiKey,
        digest: &Digest,
        narrowed: bool,
    ) -> Result<(), StoreError> {
        sql(
            "INSERT INTO api_key (digest, id, organization_id, owner_id, name, suffix, narrowed,
                connection_id, created_at, expires_at, last_used_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(digest)
        .bind(key.id)
        .bind(key.organization_id)
        .bind(key.owner_id)
        .bind(&key.name)
        .bind(key.suffix.as_str())
        .bind(narrowed)
        .bind(key.connection_id)
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.last_used_at)
        .bind(key.revoked_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Counts the keys of a user in the organisation that are not revoked, those that have expired
    /// among them, and stops at `up_to`. Only after
    /// [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn count_api_keys(
        &mut self,
        scope: OrgScope,
        owner: UserId,
        up_to: u32,
    ) -> Result<u64, StoreError> {
        sql(LIVE_KEYS)
            .bind(scope)
            .bind(owner)
            .bind(i64::from(up_to))
            .count(self)
            .await
    }

    /// Returns when the last key but `newer` of a user was created, in whichever organisation and
    /// revoked or not; `None` where the user has created fewer after `since`.
    pub async fn nth_newest_api_key(
        &mut self,
        owner: UserId,
        since: Timestamp,
        newer: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        sql(NTH_NEWEST_KEY)
            .bind(owner)
            .bind(since)
            .bind(i64::from(newer))
            .optional(self, |row| row.get("created_at"))
            .await
    }

    /// Whether a key stands: it is neither deleted nor expired, and is not deleted before this
    /// transaction is over.
    pub async fn hold_api_key(&mut self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.hold(held!(
            "SELECT 1 AS held FROM api_key
             WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
        ))
        .bind(id)
        .bind(now)
        .exists(self)
        .await
    }

    /// Deletes a user's key: nobody sees it any more, and its secret is refused. Whether there was
    /// such a key that was not deleted yet.
    pub async fn revoke_api_key(
        &mut self,
        scope: OrgScope,
        owner: UserId,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = sql("UPDATE api_key SET revoked_at = $4
             WHERE organization_id = $1 AND owner_id = $2 AND id = $3 AND revoked_at IS NULL")
        .bind(scope)
        .bind(owner)
        .bind(id)
        .bind(at)
        .execute(self)
        .await?;
        Ok(revoked > 0)
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
    async fn a_user_s_keys_are_counted_without_reading_those_that_were_revoked(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let world = World::new(backend).await;
        uses_only(&world, LIVE_KEYS, "UUID, UUID, BIGINT", "api_key_live").await;
        let types = "UUID, BIGINT, BIGINT";
        uses_only(&world, NTH_NEWEST_KEY, types, "api_key_created").await;
        uses_only(&world, KEYS_OF, "UUID, UUID", "api_key_live").await;
    }
}
