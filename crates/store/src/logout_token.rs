//! Logout tokens that were heeded.

use vestibule_model::{ConnectionId, Digest, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

impl Write {
    /// Remembers a logout token by the digest of its id; whether it is new.
    pub async fn remember_logout_token(
        &mut self,
        connection: ConnectionId,
        id: &Digest,
        forget_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let inserted = sql(
            "INSERT INTO sso_logout_token (connection_id, digest, forget_after)
             VALUES ($1, $2, $3) ON CONFLICT (connection_id, digest) DO NOTHING",
        )
        .bind(connection)
        .bind(id)
        .bind(forget_after)
        .execute(self)
        .await?;
        Ok(inserted > 0)
    }
}
