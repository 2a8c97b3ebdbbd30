//! Sign-ins through a provider that have begun and not come back.

use vestibule_model::{ConnectionId, Digest, OrganizationId, Timestamp};

use crate::sql::{Row, sql};
use crate::{Store, StoreError, Write};

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

/// How many sign-ins may be pending at once; those that have expired do not count. Beyond them the
/// oldest give way: whoever floods the door makes others hurry, and does not shut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingBounds {
    /// Of one organisation.
    pub per_organization: u32,
    /// Of all organisations.
    pub total: u32,
}

/// How many give way to one at most: transactions beside each other may leave a few too many.
const MOST_GIVING_WAY: i64 = 1_000;

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
    /// Whether a browser has begun this sign-in: asked first, so that a stranger's guess costs no
    /// transaction.
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

impl Write {
    /// Remembers a sign-in that has begun; whether there is such an organisation. Forgets those of
    /// the organisation that have expired, and the oldest that are too many.
    pub async fn insert_pending(
        &mut self,
        pending: &PendingSignIn,
        bounds: PendingBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        sql("DELETE FROM sso_pending WHERE organization_id = $1 AND expires_at <= $2")
            .bind(pending.organization_id)
            .bind(now)
            .execute(self)
            .await?;
        sql("DELETE FROM sso_pending WHERE state_digest IN (
                SELECT state_digest FROM sso_pending WHERE organization_id = $1
                ORDER BY expires_at DESC LIMIT $3 OFFSET $2)")
        .bind(pending.organization_id)
        .bind(i64::from(bounds.per_organization.saturating_sub(1)))
        .bind(MOST_GIVING_WAY)
        .execute(self)
        .await?;
        sql("DELETE FROM sso_pending WHERE state_digest IN (
                SELECT state_digest FROM sso_pending
                ORDER BY expires_at DESC LIMIT $2 OFFSET $1)")
        .bind(i64::from(bounds.total.saturating_sub(1)))
        .bind(MOST_GIVING_WAY)
        .execute(self)
        .await?;
        let inserted = sql("INSERT INTO sso_pending
                (state_digest, browser_digest, organization_id, connection_id, sealed, expires_at)
             SELECT $1, $2, o.id, $4, $5, $6 FROM organization o WHERE o.id = $3")
        .bind(&pending.state)
        .bind(&pending.browser)
        .bind(pending.organization_id)
        .bind(pending.connection_id)
        .bind(pending.sealed.as_slice())
        .bind(pending.expires_at)
        .execute(self)
        .await?;
        Ok(inserted > 0)
    }

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
