//! Sign-ins through a provider that a server of an earlier version has begun. They are finished here,
//! and new ones write nothing.

use vestibule_model::{ConnectionId, Digest, OrganizationId, Timestamp};

use crate::sql::{Row, sql};
use crate::{Store, StoreError, UnauditedWrite};

/// A sign-in that has begun. What it is about is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The digest of the state, which goes to the provider and comes back.
    pub state: Digest,
    /// The digest of the secret that the browser keeps.
    pub browser: Digest,
    /// The organisation.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// All else, sealed.
    pub sealed: Vec<u8>,
    /// From when on it is as if it had never begun.
    pub expires_at: Timestamp,
}

/// Leaves digests and sealed bytes out.
impl std::fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingSignIn")
            .field("organization_id", &self.organization_id)
            .field("connection_id", &self.connection_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

fn read_pending(row: &Row<'_>) -> Result<PendingSignIn, StoreError> {
    let digest = |name| {
        let bytes: Vec<u8> = row.get(name)?;
        let bytes = bytes.try_into();
        bytes
            .map(Digest::from_bytes)
            .map_err(|_| StoreError::corrupt(format_args!("column {name} is no digest")))
    };
    Ok(PendingSignIn {
        state: digest("state_digest")?,
        browser: digest("browser_digest")?,
        organization_id: row.get("organization_id")?,
        connection_id: row.get("connection_id")?,
        sealed: row.get("sealed")?,
        expires_at: row.get("expires_at")?,
    })
}

impl Store {
    /// Returns true if a browser has started this sign-in: asked first, so that a stranger's guess
    /// costs no transaction.
    pub async fn is_pending(
        &self,
        state: &Digest,
        browser: &Digest,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = sql("SELECT COUNT(*) AS count FROM sso_pending
             WHERE state_digest = $1 AND browser_digest = $2 AND expires_at > $3")
        .bind(state)
        .bind(browser)
        .bind(now)
        .count(&mut self.reader().await?)
        .await?;
        Ok(found > 0)
    }
}

impl UnauditedWrite {
    /// Takes a sign-in that this browser has begun and that has not expired. Of two that ask for
    /// the same, one gets it.
    pub async fn take_pending(
        &mut self,
        state: &Digest,
        browser: &Digest,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>, StoreError> {
        sql("DELETE FROM sso_pending
             WHERE state_digest = $1 AND browser_digest = $2 AND expires_at > $3
             RETURNING state_digest, browser_digest, organization_id, connection_id, sealed,
                expires_at")
        .bind(state)
        .bind(browser)
        .bind(now)
        .optional(self, read_pending)
        .await
    }
}
