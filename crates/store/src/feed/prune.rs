//! The change table of PostgreSQL is kept short.
//!
//! A look begins at the oldest transaction that is open anywhere in the cluster, so that a long one
//! makes every look read all changes since it began. So a change is kept for a minute, by the clock
//! of the database, which wrote its time, whatever becomes of other housekeeping.

use std::time::Duration;

use crate::sql::sql;
use crate::{Store, StoreError};

/// The interval at which changes are pruned.
pub(crate) const EVERY: Duration = Duration::from_secs(30);

/// The time for which a change is kept, in microseconds.
const MEMORY_MICROS: i64 = 60_000_000;

/// The most changes that are pruned at once.
const BATCH: i64 = 20_000;

impl Store {
    /// Deletes the changes that the call before has `found`, and returns those to delete next time.
    ///
    /// A commit may hang for longer than a change is kept, and its changes are old once they can be
    /// seen. That they were seen half a minute before proves that every process has had the time to
    /// see them: one that has not looked for two seconds begins anew.
    pub(crate) async fn prune_changes(&self, found: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut write = self.begin_unaudited().await?;
        if !found.is_empty() {
            let found: Vec<_> = found.iter().map(i64::to_string).collect();
            // Other servers prune the same, and nobody waits for them.
            sql("DELETE FROM change WHERE seq IN (
                     SELECT seq FROM change
                     WHERE seq = ANY(CAST(STRING_TO_ARRAY($1, ',') AS BIGINT[]))
                     FOR UPDATE SKIP LOCKED)")
            .bind(found.join(",").as_str())
            .execute(&mut write)
            .await?;
        }
        let old = sql("SELECT seq FROM change
             WHERE at < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) - $1
             ORDER BY at LIMIT $2")
        .bind(MEMORY_MICROS)
        .bind(BATCH)
        .all(&mut write, |row| row.get("seq"))
        .await?;
        write.commit().await?;
        Ok(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{Backend, World};

    #[tokio::test]
    async fn an_old_change_is_deleted_once_it_was_found_and_a_new_one_stays() {
        let world = World::new(Backend::Postgres).await;
        world
            .raw("INSERT INTO change (fact) VALUES ('keyring')")
            .await;
        world
            .raw("INSERT INTO change (fact, at) VALUES ('everything', 1)")
            .await;
        let count = async || {
            sql("SELECT COUNT(*) AS count FROM change")
                .count(&mut world.store.reader().await.unwrap())
                .await
                .unwrap()
        };
        let found = world.store.prune_changes(&[]).await.unwrap();
        assert_eq!((found.len(), count().await), (1, 2));
        let left = world.store.prune_changes(&found).await.unwrap();
        assert_eq!((left.len(), count().await), (0, 1));
    }
}
