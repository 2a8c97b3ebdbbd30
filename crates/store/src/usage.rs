//! When credentials were last used.

use vestibule_model::{ApiKeyId, SessionId, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

impl Write {
    /// Notes when keys and sessions were last used. A time earlier than what is stored is passed
    /// over, and so is a session that is ended, and a row that somebody else is changing: who
    /// holds many rows must wait for none.
    pub async fn flush_usage(
        &mut self,
        keys: &[(ApiKeyId, Timestamp)],
        sessions: &[(SessionId, Timestamp)],
    ) -> Result<(), StoreError> {
        let (of_key, of_session) = if self.holds_everything() {
            (
                "UPDATE api_key SET last_used_at = $2
                 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
                "UPDATE session SET last_seen_at = $2
                 WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL",
            )
        } else {
            (
                "UPDATE api_key SET last_used_at = $2
                 WHERE id = (SELECT id FROM api_key
                     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)
                     FOR NO KEY UPDATE SKIP LOCKED)",
                "UPDATE session SET last_seen_at = $2
                 WHERE id = (SELECT id FROM session
                     WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL
                     FOR NO KEY UPDATE SKIP LOCKED)",
            )
        };
        for (id, at) in keys {
            let noted = sql(of_key).bind(*id).bind(*at);
            noted.execute(self).await?;
        }
        for (id, at) in sessions {
            let noted = sql(of_session).bind(*id).bind(*at);
            noted.execute(self).await?;
        }
        Ok(())
    }
}
