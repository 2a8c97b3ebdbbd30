//! When credentials were last used.

use sqlx::types::Uuid;
use vestibule_model::{ApiKeyId, SessionId, Timestamp};

use crate::sql::sql;
use crate::{StoreError, UnauditedWrite};

impl UnauditedWrite {
    /// Notes when keys and sessions were last used. A time earlier than what is stored is passed
    /// over, and so is a session that is ended, and a row that somebody else is changing: who
    /// holds many rows must wait for none.
    pub async fn flush_usage(
        &mut self,
        keys: &[(ApiKeyId, Timestamp)],
        sessions: &[(SessionId, Timestamp)],
    ) -> Result<(), StoreError> {
        if !self.inner().holds_everything() {
            let keys = keys.iter().map(|(id, at)| (id.uuid(), at));
            self.flush_unlocked(KEYS_USED, keys).await?;
            let sessions = sessions.iter().map(|(id, at)| (id.uuid(), at));
            return self.flush_unlocked(SESSIONS_USED, sessions).await;
        }
        for (id, at) in keys {
            let noted = sql("UPDATE api_key SET last_used_at = $2
                 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)");
            noted.bind(*id).bind(*at).execute(self).await?;
        }
        for (id, at) in sessions {
            let noted = sql("UPDATE session SET last_seen_at = $2
                 WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL");
            noted.bind(*id).bind(*at).execute(self).await?;
        }
        Ok(())
    }

    /// One statement on PostgreSQL, however many uses: each statement takes a way to the database
    /// and back, while sessions in use must not end as idle because theirs came too late.
    async fn flush_unlocked<'u>(
        &mut self,
        query: &'static str,
        uses: impl Iterator<Item = (Uuid, &'u Timestamp)>,
    ) -> Result<(), StoreError> {
        let (ids, times): (Vec<_>, Vec<_>) = uses
            .map(|(id, at)| (id.to_string(), at.as_micros().to_string()))
            .unzip();
        if ids.is_empty() {
            return Ok(());
        }
        sql(query)
            .bind(ids.join(",").as_str())
            .bind(times.join(",").as_str())
            .execute(self)
            .await?;
        Ok(())
    }
}

/// The latest of the uses in the two lists `$1` and `$2`.
macro_rules! uses {
    () => {
        "(SELECT id, MAX(at) AS at
          FROM UNNEST(CAST(STRING_TO_ARRAY($1, ',') AS UUID[]),
              CAST(STRING_TO_ARRAY($2, ',') AS BIGINT[])) AS used (id, at)
          GROUP BY id)"
    };
}

const KEYS_USED: &str = concat!(
    "WITH held AS (
         SELECT k.id, u.at FROM api_key k JOIN ",
    uses!(),
    " u ON u.id = k.id
         WHERE k.last_used_at IS NULL OR k.last_used_at < u.at
         FOR NO KEY UPDATE OF k SKIP LOCKED)
     UPDATE api_key SET last_used_at = held.at FROM held WHERE api_key.id = held.id"
);

const SESSIONS_USED: &str = concat!(
    "WITH held AS (
         SELECT s.id, u.at FROM session s JOIN ",
    uses!(),
    " u ON u.id = s.id
         WHERE s.last_seen_at < u.at AND s.ended_at IS NULL
         FOR NO KEY UPDATE OF s SKIP LOCKED)
     UPDATE session SET last_seen_at = held.at FROM held WHERE session.id = held.id"
);
