//! Tokens that count once: logout tokens of providers, and tickets of test sign-ins.

use vestibule_model::{ConnectionId, Digest, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

impl Write {
    /// Remembers a token that counts once, by the digest of its id; whether it is new.
    pub async fn remember_token(
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
