//! What nobody will ask for again.

use std::time::Duration;

use uuid::Uuid;
use vestibule_model::{ResourceChangeId, Timestamp};

use crate::sql::sql;
use crate::store::Pool;
use crate::{StoreError, UnauditedWrite};

const DAY: u64 = 24 * 60 * 60;

/// A session is kept for this long after its longest life, whether it was ended before or not, so
/// that its holder is told why it is refused.
const SESSION_MEMORY: Duration = Duration::from_secs(30 * DAY);

/// So is a key that has expired.
const EXPIRED_KEY_MEMORY: Duration = Duration::from_secs(30 * DAY);

/// And, for longer, a key that was deleted: whoever still sends it may have missed the news.
const DELETED_KEY_MEMORY: Duration = Duration::from_secs(90 * DAY);

/// A change of a resource is kept for this long after it was noted, so that a service that was away
/// can still have the grants follow.
const RESOURCE_CHANGE_MEMORY: Duration = Duration::from_secs(30 * DAY);

/// The number of changes kept on SQLite for processes that have slept. One that missed more forgets all that
/// it has cached.
const CHANGES_KEPT: i64 = 10_000;

/// The number of rows of a table that one transaction deletes, so that others need not wait long.
const BATCH: i64 = 1_000;

/// The keys that are long gone, each kind by an index of its own, in an order, so that both
/// statements mean the same keys.
macro_rules! long_gone {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " (SELECT id FROM (SELECT id FROM api_key WHERE expires_at < $1
                   ORDER BY expires_at, id LIMIT $3) expired
               UNION SELECT id FROM (SELECT id FROM api_key WHERE revoked_at < $2
                   ORDER BY revoked_at, id LIMIT $3) deleted)",
            $after
        )
    };
}

const PRUNE_KEY_GRANTS: &str = long_gone!("DELETE FROM path_grant WHERE api_key_id IN", "");

/// Another server that prunes may have brought other keys into reach meanwhile.
const PRUNE_KEYS: &str = long_gone!(
    "DELETE FROM api_key WHERE id IN",
    " AND NOT EXISTS (SELECT 1 FROM path_grant WHERE api_key_id = api_key.id)"
);

/// The numbers of rows that [`UnauditedWrite::prune`](crate::UnauditedWrite::prune) deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Successors of access tokens that have ended.
    pub refreshes: u64,
    /// Keys that had expired for 30 days, or were deleted 90 days before.
    pub api_keys: u64,
    /// Sessions whose longest life was over for 30 days.
    pub sessions: u64,
    /// Sign-ins through a provider that were begun and never finished, codes that were never
    /// fetched, and spent tokens that are refused by their age by now.
    pub sso: u64,
    /// Changes of resources that no service has asked for in 30 days.
    pub resource_changes: u64,
    /// Rows of the change table.
    pub changes: u64,
    /// True if there may be more, for another transaction.
    pub more: bool,
}

impl UnauditedWrite {
    /// Deletes some of what is of no use any more: at most 1,000 rows of each kind. Changes no
    /// right.
    pub async fn prune(&mut self, now: Timestamp) -> Result<Pruned, StoreError> {
        let mut more = false;
        let mut counted = |deleted: u64| {
            more |= deleted >= BATCH.unsigned_abs();
            deleted
        };
        let refreshes = self.prune_before(
            "DELETE FROM token_refresh WHERE (token_id, organization_id) IN
                 (SELECT token_id, organization_id FROM token_refresh
                  WHERE expires_at < $1 LIMIT $2)",
            now,
        );
        let refreshes = counted(refreshes.await?);
        let api_keys = counted(self.prune_api_keys(now).await?);
        let sessions = self.prune_before(
            "DELETE FROM session WHERE id IN
                 (SELECT id FROM session WHERE expires_at < $1 LIMIT $2)",
            now.before(SESSION_MEMORY),
        );
        let sessions = counted(sessions.await?);
        let mut sso = 0;
        for query in [
            "DELETE FROM sso_pending WHERE state_digest IN
                 (SELECT state_digest FROM sso_pending WHERE expires_at < $1 LIMIT $2)",
            "DELETE FROM sso_code WHERE digest IN
                 (SELECT digest FROM sso_code WHERE expires_at < $1 LIMIT $2)",
            "DELETE FROM sso_logout_token WHERE (connection_id, digest) IN
                 (SELECT connection_id, digest FROM sso_logout_token
                  WHERE forget_after < $1 LIMIT $2)",
        ] {
            sso += counted(self.prune_before(query, now).await?);
        }
        let resource_changes = counted(self.prune_resource_changes(now).await?);
        let changes = match self.inner().store().pool {
            Pool::Sqlite(_) => {
                sql("DELETE FROM change WHERE seq IN
                         (SELECT seq FROM change
                          WHERE seq <= (SELECT MAX(seq) FROM change) - $1 LIMIT $2)")
                .bind(CHANGES_KEPT)
                .bind(BATCH)
                .execute(self)
                .await?
            }
            // Pruned every half minute, see `feed/prune.rs`.
            Pool::Postgres(_) => 0,
        };
        let changes = counted(changes);
        Ok(Pruned {
            refreshes,
            api_keys,
            sessions,
            sso,
            resource_changes,
            changes,
            more,
        })
    }

    async fn prune_before(
        &mut self,
        query: &'static str,
        moment: Timestamp,
    ) -> Result<u64, StoreError> {
        sql(query).bind(moment).bind(BATCH).execute(self).await
    }

    /// By the ids, which are in the order of their times.
    async fn prune_resource_changes(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let moment = now.before(RESOURCE_CHANGE_MEMORY).as_micros() / 1_000;
        let first = Uuid::from_u128(u128::try_from(moment).unwrap_or(0) << 80);
        sql("DELETE FROM resource_change WHERE id IN
                 (SELECT id FROM resource_change WHERE id < $1 ORDER BY id LIMIT $2)")
        .bind(ResourceChangeId::from_uuid(first))
        .bind(BATCH)
        .execute(self)
        .await
    }

    async fn prune_api_keys(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        for query in [PRUNE_KEY_GRANTS, PRUNE_KEYS] {
            pruned = sql(query)
                .bind(now.before(EXPIRED_KEY_MEMORY))
                .bind(now.before(DELETED_KEY_MEMORY))
                .bind(BATCH)
                .execute(self)
                .await?;
        }
        Ok(pruned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{Backend, World, at};

    #[tokio::test]
    async fn sqlite_finds_the_keys_that_are_long_gone_by_indexes_alone() {
        let world = World::new(Backend::Sqlite).await;
        for query in [PRUNE_KEY_GRANTS, PRUNE_KEYS] {
            let query: &'static str = format!("EXPLAIN QUERY PLAN {query}").leak();
            let steps: Vec<String> = sql(query)
                .bind(at(0))
                .bind(at(0))
                .bind(BATCH)
                .all(&mut world.store.reader().await.unwrap(), |row| {
                    row.get("detail")
                })
                .await
                .unwrap();
            for index in ["api_key_expiry", "api_key_revocation"] {
                let used = |step: &String| step.contains(&format!("USING INDEX {index} "));
                assert!(steps.iter().any(used), "{steps:#?}");
            }
            let scanned = steps.iter().any(|step| step.contains("SCAN api_key"));
            assert!(!scanned, "{steps:#?}");
        }
    }
}
