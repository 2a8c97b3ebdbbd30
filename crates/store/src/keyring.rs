//! Signing keys, sealed.

use vestibule_model::{SigningKeyId, Timestamp};

use crate::sql::sql;
use crate::{Store, StoreError, UnauditedWrite, Write};

/// A signing key as it lies at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKeyRow {
    /// The key's id, which is the `kid` of its tokens.
    pub id: SigningKeyId,
    /// The key, sealed with the master key.
    pub sealed: Vec<u8>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// Since when it signs nothing more, where that is so.
    pub retired_at: Option<Timestamp>,
}

/// Leaves the sealed bytes out.
impl std::fmt::Debug for SealedKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedKeyRow")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("retired_at", &self.retired_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// All signing keys, the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<SealedKeyRow>, StoreError> {
        sql("SELECT id, sealed, created_at, retired_at FROM signing_key
             ORDER BY created_at DESC, id DESC")
        .all(&mut self.reader().await?, |row| {
            Ok(SealedKeyRow {
                id: row.get("id")?,
                sealed: row.get("sealed")?,
                created_at: row.get("created_at")?,
                retired_at: row.get("retired_at")?,
            })
        })
        .await
    }
}

impl Write {
    /// Adds a signing key.
    pub async fn insert_signing_key(&mut self, key: &SealedKeyRow) -> Result<(), StoreError> {
        sql("INSERT INTO signing_key (id, sealed, created_at, retired_at) VALUES ($1, $2, $3, $4)")
            .bind(key.id)
            .bind(key.sealed.as_slice())
            .bind(key.created_at)
            .bind(key.retired_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Retires the keys that were made before a moment and are not retired yet; how many.
    pub async fn retire_signing_keys_before(
        &mut self,
        created_before: Timestamp,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        sql("UPDATE signing_key SET retired_at = $2 WHERE created_at < $1 AND retired_at IS NULL")
            .bind(created_before)
            .bind(at)
            .execute(self)
            .await
    }

    /// Deletes all keys but one, and with them every token that they signed; how many.
    pub async fn delete_signing_keys_but(&mut self, kept: SigningKeyId) -> Result<u64, StoreError> {
        sql("DELETE FROM signing_key WHERE id <> $1")
            .bind(kept)
            .execute(self)
            .await
    }
}

impl UnauditedWrite {
    /// Deletes the keys that were retired before a moment, whose tokens have all expired. Returns
    /// their number.
    pub async fn delete_signing_keys_retired_before(
        &mut self,
        moment: Timestamp,
    ) -> Result<u64, StoreError> {
        sql("DELETE FROM signing_key WHERE retired_at < $1")
            .bind(moment)
            .execute(self)
            .await
    }
}
