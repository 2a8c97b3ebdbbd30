//! Tokens that count once: logout tokens of providers, for which the table was made and named, and
//! the tickets of test sign-ins.

use vestibule_model::{ConnectionId, Digest, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

impl Write {
    /// Spends a token that counts once, known by the digest of its id; whether it was not spent
    /// before. Nobody may take it any more from `forget_after` on.
    pub async fn spend_token(
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
