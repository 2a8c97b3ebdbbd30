//! Changes of API keys, and what is counted before one is created.

use vestibule_model::{ApiKey, ApiKeyId, Digest, OrgScope, Timestamp, UserId};

use crate::hold::held;
use crate::sql::sql;
use crate::{StoreError, Write};

/// Read under the organisation's lock, and on SQLite while nobody else can write: from the index of
/// live keys, since a user may have revoked any number.
const LIVE_KEYS: &str = "SELECT COUNT(*) AS count FROM (
         SELECT 1 FROM api_key
         WHERE organization_id = $1 AND owner_id = $2 AND revoked_at IS NULL LIMIT $3) counted";

/// Read in the same place, for the same reason.
const NTH_NEWEST_KEY: &str = "SELECT created_at FROM api_key
     WHERE owner_id = $1 AND created_at > $2
     ORDER BY created_at DESC LIMIT 1 OFFSET $3";

impl Write {
    /// Inserts a key, found by the digest of its secret. A `narrowed` one has no rights beyond the
    /// grants that it holds.
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

    /// Returns true if a key is neither revoked nor expired, and keeps it from being revoked before
    /// this transaction is over.
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

    /// Revokes a user's key: its secret is refused, and it is left out of the user's list. Returns
    /// false where there is no such key, or it was revoked before.
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
    }
}
