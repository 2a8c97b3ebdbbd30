//! Codes by which an application fetches the token of a finished sign-in.

use vestibule_model::{ConnectionId, Digest, OrgScope, OrganizationId, Timestamp, UserId};

use crate::sql::sql;
use crate::sso_session::{SsoSession, read_origin, that_came_by};
use crate::{Store, StoreError, Write};

/// The sign-in that a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeCode {
    /// The URI to which the browser was sent with it.
    pub redirect_uri: String,
    /// The user who signed in.
    pub user_id: UserId,
    /// By what.
    pub origin: SsoSession,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

impl Store {
    /// Returns the user that a code stands for, if there is one: asked first, so that a stranger's
    /// guess costs no transaction, and the user can be held before the code is.
    pub async fn user_of_one_time_code(
        &self,
        digest: &Digest,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        sql("SELECT user_id FROM sso_code
             WHERE digest = $1 AND redirect_uri = $2 AND expires_at > $3")
        .bind(digest)
        .bind(redirect_uri)
        .bind(now)
        .optional(&mut self.reader().await?, |row| row.get("user_id"))
        .await
    }
}

impl Write {
    /// Remembers a code.
    pub async fn insert_one_time_code(
        &mut self,
        digest: &Digest,
        code: &OneTimeCode,
    ) -> Result<(), StoreError> {
        let origin = &code.origin;
        sql(
            "INSERT INTO sso_code (digest, redirect_uri, organization_id, user_id, connection_id,
                issuer, subject, provider_session, id_token, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(digest)
        .bind(code.redirect_uri.as_str())
        .bind(origin.organization_id)
        .bind(code.user_id)
        .bind(origin.connection_id)
        .bind(origin.issuer.as_str())
        .bind(origin.subject.as_str())
        .bind(origin.provider_session.as_deref())
        .bind(origin.id_token.as_deref())
        .bind(code.expires_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Takes a code that has not expired. Of two that offer it, one gets it.
    pub async fn take_one_time_code(
        &mut self,
        digest: &Digest,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Option<OneTimeCode>, StoreError> {
        sql("DELETE FROM sso_code
             WHERE digest = $1 AND redirect_uri = $2 AND expires_at > $3
             RETURNING redirect_uri, organization_id, user_id, connection_id, issuer, subject,
                provider_session, id_token, expires_at")
        .bind(digest)
        .bind(redirect_uri)
        .bind(now)
        .optional(self, |row| {
            Ok(OneTimeCode {
                redirect_uri: row.get("redirect_uri")?,
                user_id: row.get("user_id")?,
                origin: read_origin(row)?,
                expires_at: row.get("expires_at")?,
            })
        })
        .await
    }

    /// Deletes the codes that were not fetched yet, of the same sessions as
    /// [`end_sso_sessions`](Self::end_sso_sessions) would end; how many. It waits for whoever is
    /// exchanging one of them: the session of that is there to be ended afterwards.
    pub async fn delete_one_time_codes(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        subject: Option<&str>,
        provider_session: Option<&str>,
    ) -> Result<u64, StoreError> {
        sql(that_came_by!(
            subject,
            provider_session,
            "DELETE FROM sso_code WHERE ",
            ""
        ))
        .bind(scope)
        .bind(connection)
        .bind(subject)
        .bind(provider_session)
        .execute(self)
        .await
    }

    /// Deletes the codes of a user that were not fetched yet: those for one organisation or all, by
    /// one connection or all; how many. It waits as
    /// [`delete_one_time_codes`](Self::delete_one_time_codes) does.
    pub async fn delete_one_time_codes_of(
        &mut self,
        user: UserId,
        within: Option<OrganizationId>,
        connection: Option<ConnectionId>,
    ) -> Result<u64, StoreError> {
        sql("DELETE FROM sso_code
             WHERE user_id = $1 AND organization_id = COALESCE($2, organization_id)
                 AND connection_id = COALESCE($3, connection_id)")
        .bind(user)
        .bind(within)
        .bind(connection)
        .execute(self)
        .await
    }
}
