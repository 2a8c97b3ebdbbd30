//! Which access token succeeds which.

use std::time::Duration;

use vestibule_model::{OrganizationId, Timestamp};

use crate::sql::sql;
use crate::{StoreError, Write};

/// The parts of an access token: equal parts give the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The token's id (`jti`).
    pub token_id: String,
    /// The time of issue (`iat`).
    pub issued_at: Timestamp,
    /// The time of expiry (`exp`).
    pub expires_at: Timestamp,
}

impl Write {
    /// The successor of a token in an organisation: the one that was made within `window` before
    /// the candidate, or the candidate. Callers that refresh one token at the same time all get
    /// the same.
    pub async fn refresh_successor(
        &mut self,
        token_id: &str,
        organization: OrganizationId,
        candidate: &Successor,
        window: Duration,
    ) -> Result<Successor, StoreError> {
        sql("INSERT INTO token_refresh AS t
                (token_id, organization_id, successor_id, issued_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (token_id, organization_id) DO UPDATE SET
                successor_id = CASE WHEN t.issued_at > $6
                    THEN t.successor_id ELSE excluded.successor_id END,
                expires_at = CASE WHEN t.issued_at > $6
                    THEN t.expires_at ELSE excluded.expires_at END,
                issued_at = CASE WHEN t.issued_at > $6
                    THEN t.issued_at ELSE excluded.issued_at END
             RETURNING successor_id, issued_at, expires_at")
        .bind(token_id)
        .bind(organization)
        .bind(candidate.token_id.as_str())
        .bind(candidate.issued_at)
        .bind(candidate.expires_at)
        .bind(candidate.issued_at.before(window))
        .one(self, |row| {
            Ok(Successor {
                token_id: row.get("successor_id")?,
                issued_at: row.get("issued_at")?,
                expires_at: row.get("expires_at")?,
            })
        })
        .await
    }
}
