//! When credentials were last used.

use vestibule_model::{ApiKeyId, SessionId, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

impl Write {
    /// Notes when keys and sessions were last used. A time earlier than what is stored is passed
    /// over, and so is a session that is ended.
    pub async fn flush_usage(
        &mut self,
        keys: &[(ApiKeyId, Timestamp)],
        sessions: &[(SessionId, Timestamp)],
    ) -> Result<(), StoreError> {
        for (id, at) in keys {
            sql("UPDATE api_key SET last_used_at = $2
                 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)")
            .bind(*id)
            .bind(*at)
            .execute(self)
            .await?;
        }
        for (id, at) in sessions {
            sql("UPDATE session SET last_seen_at = $2
                 WHERE id = $1 AND last_seen_at < $2 AND ended_at IS NULL")
            .bind(*id)
            .bind(*at)
            .execute(self)
            .await?;
        }
        Ok(())
    }
}
