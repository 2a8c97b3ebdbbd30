//! Sign-ins.

use vestibule_model::session::Lifetimes;
use vestibule_model::{Digest, OrgScope, OrganizationId, Session, SessionId, Timestamp, UserId};

use crate::hold::held;
use crate::sql::{Row, Source, sql};
use crate::{Store, StoreError, Write};

/// The columns of a session `s`.
macro_rules! session_columns {
    () => {
        "s.id AS session_id, s.user_id AS session_user_id,
         s.organization_id AS session_organization_id, s.created_at AS session_created_at,
         s.last_seen_at, s.expires_at AS session_expires_at, s.ended_at"
    };
}
pub(crate) use session_columns;

pub(crate) fn read_session(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.get("session_id")?,
        user_id: row.get("session_user_id")?,
        organization_id: row.get("session_organization_id")?,
        created_at: row.get("session_created_at")?,
        last_seen_at: row.get("last_seen_at")?,
        expires_at: row.get("session_expires_at")?,
        ended_at: row.get("ended_at")?,
    })
}

async fn by_cookie(
    source: &mut impl Source,
    cookie: &Digest,
) -> Result<Option<Session>, StoreError> {
    sql(concat!(
        "SELECT ",
        session_columns!(),
        " FROM session s WHERE s.cookie_digest = $1"
    ))
    .bind(cookie)
    .optional(source, read_session)
    .await
}

impl Store {
    /// A session, over or not.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        sql(concat!(
            "SELECT ",
            session_columns!(),
            " FROM session s WHERE s.id = $1"
        ))
        .bind(id)
        .optional(&mut self.reader().await?, read_session)
        .await
    }

    /// The session whose cookie has this digest, over or not.
    pub async fn session_by_cookie(&self, cookie: &Digest) -> Result<Option<Session>, StoreError> {
        by_cookie(&mut self.reader().await?, cookie).await
    }

    /// A user's sessions that stand, in one organisation or in all, the newest first: they were used
    /// after `idle_since`, and are neither over nor ended. At most [`Session::MAX_PER_USER`].
    pub async fn sessions_of(
        &self,
        user: UserId,
        within: Option<OrganizationId>,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        sql(concat!(
            "SELECT ",
            session_columns!(),
            " FROM session s
             WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
                 AND s.last_seen_at > $3 AND s.organization_id = COALESCE($4, s.organization_id)
             ORDER BY s.created_at DESC, s.id LIMIT $5"
        ))
        .bind(user)
        .bind(now)
        .bind(idle_since)
        .bind(within)
        .bind(i64::from(Session::MAX_PER_USER))
        .all(&mut self.reader().await?, read_session)
        .await
    }
}

impl Write {
    /// The session whose cookie has this digest, over or not, as this transaction sees it.
    pub async fn session_by_cookie(
        &mut self,
        cookie: &Digest,
    ) -> Result<Option<Session>, StoreError> {
        by_cookie(self, cookie).await
    }

    /// Adds a session, with the digest of its cookie where it has one.
    pub async fn insert_session(
        &mut self,
        session: &Session,
        cookie: Option<&Digest>,
    ) -> Result<(), StoreError> {
        sql(
            "INSERT INTO session (id, user_id, organization_id, cookie_digest, created_at,
                last_seen_at, expires_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(session.id)
        .bind(session.user_id)
        .bind(session.organization_id)
        .bind(cookie)
        .bind(session.created_at)
        .bind(session.last_seen_at)
        .bind(session.expires_at)
        .bind(session.ended_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Gives a session another cookie and another active organisation, in exchange for its
    /// present cookie. Of two that offer the same cookie one gets `true`, whatever they do at the
    /// same time.
    pub async fn rotate_cookie(
        &mut self,
        id: SessionId,
        old: &Digest,
        new: &Digest,
        organization: OrganizationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let rotated = sql(
            "UPDATE session SET cookie_digest = $3, organization_id = $4, last_seen_at = $5
             WHERE id = $1 AND cookie_digest = $2 AND ended_at IS NULL",
        )
        .bind(id)
        .bind(old)
        .bind(new)
        .bind(organization)
        .bind(at)
        .execute(self)
        .await?;
        Ok(rotated > 0)
    }

    /// Returns true if a session is live: it was used after `idle_since`, has neither expired nor
    /// ended, and does not end before this transaction does.
    pub async fn hold_session(
        &mut self,
        id: SessionId,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<bool, StoreError> {
        self.hold(held!(
            "SELECT 1 AS held FROM session
             WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND last_seen_at > $3"
        ))
        .bind(id)
        .bind(now)
        .bind(idle_since)
        .exists(self)
        .await
    }

    /// Ends a session; whether there was one to end.
    pub async fn end_session(&mut self, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let ended = sql("UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
            .bind(id)
            .bind(at)
            .execute(self)
            .await?;
        Ok(ended > 0)
    }

    /// Ends the session whose cookie has this digest: its id and its organisation, where there was
    /// one to end.
    pub async fn end_session_by_cookie(
        &mut self,
        cookie: &Digest,
        at: Timestamp,
    ) -> Result<Option<(SessionId, OrganizationId)>, StoreError> {
        sql(
            "UPDATE session SET ended_at = $2 WHERE cookie_digest = $1 AND ended_at IS NULL
             RETURNING id, organization_id",
        )
        .bind(cookie)
        .bind(at)
        .optional(self, |row| {
            Ok((row.get("id")?, row.get("organization_id")?))
        })
        .await
    }

    /// Ends the sessions of the user of a new one that are more than
    /// [`Session::MAX_PER_USER`]: first those that have no cookie and no token that still lives,
    /// then those that were unused for longest. The new one stays. Only sessions that stand and
    /// came in the same way count: by the provider of `came_by`, or with a password.
    pub async fn end_oldest_sessions_of(
        &mut self,
        new: &Session,
        came_by: Option<OrganizationId>,
        at: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql("UPDATE session SET ended_at = $3 WHERE id IN (
                 SELECT s.id FROM session s
                 WHERE s.user_id = $1 AND s.id <> $2 AND s.ended_at IS NULL
                     AND s.expires_at > $3 AND s.last_seen_at > $4
                     AND (SELECT o.organization_id FROM sso_session o WHERE o.session_id = s.id)
                         IS NOT DISTINCT FROM $6
                 ORDER BY s.cookie_digest IS NOT NULL OR s.last_seen_at > $5 DESC,
                     s.last_seen_at DESC, s.id DESC
                 LIMIT $7 OFFSET $8)
             RETURNING id")
        .bind(new.user_id)
        .bind(new.id)
        .bind(at)
        .bind(at.before(lifetimes.session_idle))
        .bind(at.before(lifetimes.access_token))
        .bind(came_by)
        .bind(i64::from(u32::MAX))
        .bind(i64::from(Session::MAX_PER_USER) - 1)
        .all(self, |row| row.get("id"))
        .await
    }

    /// Ends all sessions of a user but one, in one organisation or in all; those that were not ended
    /// before.
    pub async fn end_other_sessions_of(
        &mut self,
        user: UserId,
        kept: SessionId,
        within: Option<OrganizationId>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql("UPDATE session SET ended_at = $4
             WHERE user_id = $1 AND id <> $2 AND organization_id = COALESCE($3, organization_id)
                 AND ended_at IS NULL
             RETURNING id")
        .bind(user)
        .bind(kept)
        .bind(within)
        .bind(at)
        .all(self, |row| row.get("id"))
        .await
    }

    /// Ends the sessions of a user whose active organisation is this one. Returns those that were
    /// not ended before.
    pub async fn end_sessions_in(
        &mut self,
        scope: OrgScope,
        user: UserId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql("UPDATE session SET ended_at = $3
             WHERE organization_id = $1 AND user_id = $2 AND ended_at IS NULL
             RETURNING id")
        .bind(scope)
        .bind(user)
        .bind(at)
        .all(self, |row| row.get("id"))
        .await
    }

    /// Ends all sessions of a user; those that were not ended before.
    pub async fn end_sessions_of(
        &mut self,
        user: UserId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql(
            "UPDATE session SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL
             RETURNING id",
        )
        .bind(user)
        .bind(at)
        .all(self, |row| row.get("id"))
        .await
    }
}
