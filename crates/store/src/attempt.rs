//! The last tries to sign in through each connection.

use vestibule_model::{ConnectionId, OrgScope, SsoAttempt};

use crate::sql::sql;
use crate::{Store, StoreError, UnauditedWrite, Write};

/// The number of attempts that are kept of a connection.
const KEPT: i64 = 50;

impl Store {
    /// The last 50 tries of a connection, the newest first.
    pub async fn attempts(
        &self,
        scope: OrgScope,
        connection: ConnectionId,
    ) -> Result<Vec<SsoAttempt>, StoreError> {
        sql(
            "SELECT id, connection_id, organization_id, at, purpose, clause, detail, issuer,
                subject, email, user_id, address, report
             FROM sso_attempt WHERE organization_id = $1 AND connection_id = $2
             ORDER BY at DESC, id DESC LIMIT $3",
        )
        .bind(scope)
        .bind(connection)
        .bind(KEPT)
        .all(&mut self.reader().await?, |row| {
            let address: Option<String> = row.get("address")?;
            Ok(SsoAttempt {
                id: row.get("id")?,
                connection_id: row.get("connection_id")?,
                organization_id: row.get("organization_id")?,
                at: row.get("at")?,
                purpose: row.get("purpose")?,
                clause: row.get("clause")?,
                detail: row.get("detail")?,
                issuer: row.get("issuer")?,
                subject: row.get("subject")?,
                email: row.get("email")?,
                user_id: row.get("user_id")?,
                address: address.and_then(|text| text.parse().ok()),
                report: row.get("report")?,
            })
        })
        .await
    }
}

impl UnauditedWrite {
    /// [`Write::insert_attempt`].
    pub async fn insert_attempt(&mut self, attempt: &SsoAttempt) -> Result<(), StoreError> {
        self.inner().insert_attempt(attempt).await
    }
}

impl Write {
    /// Notes a try, and forgets those before the last 50 of the connection.
    pub async fn insert_attempt(&mut self, attempt: &SsoAttempt) -> Result<(), StoreError> {
        let address = attempt.address.map(|address| address.to_string());
        sql(
            "INSERT INTO sso_attempt (id, connection_id, organization_id, at, purpose, clause,
                detail, issuer, subject, email, user_id, address, report)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(attempt.id)
        .bind(attempt.connection_id)
        .bind(attempt.organization_id)
        .bind(attempt.at)
        .bind(attempt.purpose.as_str())
        .bind(attempt.clause.as_deref())
        .bind(attempt.detail.as_str())
        .bind(attempt.issuer.as_deref())
        .bind(attempt.subject.as_deref())
        .bind(attempt.email.as_ref())
        .bind(attempt.user_id)
        .bind(address.as_deref())
        .bind(attempt.report.as_deref())
        .execute(self)
        .await?;
        sql(
            "DELETE FROM sso_attempt WHERE connection_id = $1 AND id NOT IN (
                SELECT id FROM sso_attempt WHERE connection_id = $1
                ORDER BY at DESC, id DESC LIMIT $2)",
        )
        .bind(attempt.connection_id)
        .bind(KEPT)
        .execute(self)
        .await?;
        Ok(())
    }
}
