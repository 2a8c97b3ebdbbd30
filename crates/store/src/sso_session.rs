//! Which sessions came by which connection.

use vestibule_model::{ConnectionId, OrgScope, OrganizationId, SessionId, Timestamp, UserId};

use crate::sql::{Row, Source, sql};
use crate::{Store, StoreError, Write};

/// Picks the statement about the rows, of sessions or of codes, that came by a connection: of the
/// organisation `$1`, the connection `$2`, the subject `$3` and the provider's session `$4`, of which
/// the last two may be null. One of the subject that belongs to none of the provider's sessions
/// counts to each of them: nobody knows better.
///
/// One text for each case: an index is of no use to a condition that may be null.
macro_rules! that_came_by {
    ($subject:expr, $provider_session:expr, $before:literal, $after:literal) => {
        match ($subject, $provider_session) {
            (Some(_), _) => concat!(
                $before,
                "organization_id = $1 AND connection_id = $2 AND subject = $3
                 AND (CAST($4 AS TEXT) IS NULL OR provider_session = $4
                     OR provider_session IS NULL)",
                $after
            ),
            (None, Some(_)) => concat!(
                $before,
                "organization_id = $1 AND connection_id = $2 AND CAST($3 AS TEXT) IS NULL
                 AND provider_session = $4",
                $after
            ),
            (None, None) => concat!(
                $before,
                "organization_id = $1 AND connection_id = $2 AND CAST($3 AS TEXT) IS NULL
                 AND CAST($4 AS TEXT) IS NULL",
                $after
            ),
        }
    };
}
pub(crate) use that_came_by;

/// By what a session came.
#[derive(Clone, PartialEq, Eq)]
pub struct SsoSession {
    /// The organisation of the connection.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The provider.
    pub issuer: String,
    /// The subject that it named, by the provider's own name for the person (`sub`).
    pub subject: String,
    /// Its own session (`sid`), where it told.
    pub provider_session: Option<String>,
    /// The ID token, sealed.
    pub id_token: Option<Vec<u8>>,
}

/// Leaves the sealed bytes out.
impl std::fmt::Debug for SsoSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SsoSession")
            .field("connection_id", &self.connection_id)
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

pub(crate) fn read_origin(row: &Row<'_>) -> Result<SsoSession, StoreError> {
    Ok(SsoSession {
        organization_id: row.get("organization_id")?,
        connection_id: row.get("connection_id")?,
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        provider_session: row.get("provider_session")?,
        id_token: row.get("id_token")?,
    })
}

async fn origin(source: &mut impl Source, id: SessionId) -> Result<Option<SsoSession>, StoreError> {
    sql(
        "SELECT organization_id, connection_id, issuer, subject, provider_session, id_token
         FROM sso_session WHERE session_id = $1",
    )
    .bind(id)
    .optional(source, read_origin)
    .await
}

impl Store {
    /// Returns true if a user can sign in only through a provider of the organisation.
    pub async fn is_provider_only(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        let query = sql("SELECT COUNT(*) AS count
             FROM sso_identity i JOIN user_account u ON u.id = i.user_id
             WHERE i.user_id = $1 AND i.organization_id = $2 AND u.password_hash IS NULL");
        // One identity for each connection of the organisation, which are few.
        let found = self.prompt_count(query.bind(user).bind(organization));
        Ok(found.await? > 0)
    }

    /// The organisation by whose provider a session came; `None` where it began with a password.
    pub async fn organization_of_sso_session(
        &self,
        id: SessionId,
    ) -> Result<Option<OrganizationId>, StoreError> {
        let query = sql("SELECT organization_id FROM sso_session WHERE session_id = $1");
        self.prompt_optional(query.bind(id), |row| row.get("organization_id"))
            .await
    }

    /// By what a session came; `None` where it began with a password.
    pub async fn sso_session(&self, id: SessionId) -> Result<Option<SsoSession>, StoreError> {
        origin(&mut self.reader().await?, id).await
    }
}

impl Write {
    /// By what a session came, as this transaction sees it; `None` where it began with a password.
    pub async fn sso_session(&mut self, id: SessionId) -> Result<Option<SsoSession>, StoreError> {
        origin(self, id).await
    }

    /// Notes by what a session came.
    pub async fn insert_sso_session(
        &mut self,
        id: SessionId,
        origin: &SsoSession,
    ) -> Result<(), StoreError> {
        sql(
            "INSERT INTO sso_session (session_id, organization_id, connection_id, issuer, subject,
                provider_session, id_token)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(origin.organization_id)
        .bind(origin.connection_id)
        .bind(origin.issuer.as_str())
        .bind(origin.subject.as_str())
        .bind(origin.provider_session.as_deref())
        .bind(origin.id_token.as_deref())
        .execute(self)
        .await?;
        Ok(())
    }

    /// Holds the people whose sessions [`end_sso_sessions`](Self::end_sso_sessions) would end, and
    /// `also` one more, in the order of [`hold_people`](Self::hold_people).
    pub async fn hold_sso_people(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        subject: Option<&str>,
        provider_session: Option<&str>,
        also: Option<UserId>,
    ) -> Result<(), StoreError> {
        if self.holds_everything() {
            return Ok(());
        }
        sql(that_came_by!(
            subject,
            provider_session,
            "SELECT id FROM user_account
             WHERE id IN (
                 SELECT user_id FROM session WHERE ended_at IS NULL AND id IN (
                     SELECT session_id FROM sso_session WHERE ",
            ")
                 UNION SELECT id FROM user_account WHERE id = $5)
             ORDER BY id FOR NO KEY UPDATE"
        ))
        .bind(scope)
        .bind(connection)
        .bind(subject)
        .bind(provider_session)
        .bind(also)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Ends the sessions that came by a connection, of one of the provider's sessions or of one
    /// subject or of both where they are named, of all otherwise; those that were not ended
    /// before.
    pub async fn end_sso_sessions(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        subject: Option<&str>,
        provider_session: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql(that_came_by!(
            subject,
            provider_session,
            "UPDATE session SET ended_at = $5
             WHERE ended_at IS NULL AND id IN (SELECT session_id FROM sso_session WHERE ",
            ") RETURNING id"
        ))
        .bind(scope)
        .bind(connection)
        .bind(subject)
        .bind(provider_session)
        .bind(at)
        .all(self, |row| row.get("id"))
        .await
    }

    /// Ends the sessions of a user that came by a connection; those that were not ended before.
    pub async fn end_sso_sessions_of(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        user: UserId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql("UPDATE session SET ended_at = $4
             WHERE ended_at IS NULL AND user_id = $3 AND EXISTS (
                 SELECT 1 FROM sso_session o
                 WHERE o.session_id = session.id
                     AND o.organization_id = $1 AND o.connection_id = $2)
             RETURNING id")
        .bind(scope)
        .bind(connection)
        .bind(user)
        .bind(at)
        .all(self, |row| row.get("id"))
        .await
    }
}
