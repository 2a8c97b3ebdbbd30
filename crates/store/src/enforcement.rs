//! Which organisations' people have to sign in through their provider.

use vestibule_model::{OrgScope, OrganizationId, SessionId, Timestamp, UserId};

use crate::sql::{Source, sql};
use crate::{Store, StoreError, Write};

/// The rule by which the people of an organisation have to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoPolicy {
    /// Since when they have to sign in through the provider; `None` where they need not.
    pub enforced_since: Option<Timestamp>,
    /// Owners who may sign in by password all the same.
    pub break_glass: Vec<UserId>,
}

async fn policy(source: &mut impl Source, scope: OrgScope) -> Result<SsoPolicy, StoreError> {
    let since = sql("SELECT since FROM sso_enforcement WHERE organization_id = $1")
        .bind(scope)
        .optional(source, |row| row.get("since"))
        .await?;
    let break_glass = sql(
        "SELECT user_id FROM sso_break_glass WHERE organization_id = $1
         ORDER BY user_id",
    )
    .bind(scope)
    .all(source, |row| row.get("user_id"))
    .await?;
    Ok(SsoPolicy {
        enforced_since: since,
        break_glass,
    })
}

/// The organisations, or whether it is this one, into which a user has to come through the provider.
async fn required(
    source: &mut impl Source,
    user: UserId,
    organization: Option<OrganizationId>,
) -> Result<Vec<OrganizationId>, StoreError> {
    sql("SELECT m.organization_id
         FROM membership m JOIN sso_enforcement e ON e.organization_id = m.organization_id
         WHERE m.user_id = $1 AND m.organization_id = COALESCE($2, m.organization_id)
             AND NOT (m.role = 'OWNER' AND EXISTS (
                 SELECT 1 FROM sso_break_glass b
                 WHERE b.organization_id = m.organization_id AND b.user_id = m.user_id))")
    .bind(user)
    .bind(organization)
    .all(source, |row| row.get("organization_id"))
    .await
}

/// Ends the sessions in an organisation that began without its provider, with one more condition.
macro_rules! end_password_sessions {
    ($which:literal) => {
        concat!(
            "UPDATE session SET ended_at = $2
             WHERE organization_id = $1 AND ended_at IS NULL ",
            $which,
            " AND user_id NOT IN (
                     SELECT m.user_id
                     FROM membership m JOIN sso_break_glass b
                         ON b.organization_id = m.organization_id AND b.user_id = m.user_id
                     WHERE m.organization_id = $1 AND m.role = 'OWNER')
                 AND NOT EXISTS (
                     SELECT 1 FROM sso_session o
                     WHERE o.session_id = session.id AND o.organization_id = $1)
             RETURNING id"
        )
    };
}

const END_PASSWORD_SESSIONS: &str = end_password_sessions!("");
const END_PASSWORD_SESSIONS_OF: &str = end_password_sessions!("AND user_id = $3");

impl Store {
    /// Returns the rule by which the people of an organisation have to sign in.
    pub async fn sso_policy(&self, scope: OrgScope) -> Result<SsoPolicy, StoreError> {
        policy(&mut self.reader().await?, scope).await
    }

    /// The organisations into which a user has to come through their providers: those that
    /// demand it, and that have not kept the user, as an owner, out of it.
    pub async fn sso_required_of(&self, user: UserId) -> Result<Vec<OrganizationId>, StoreError> {
        required(&mut self.reader().await?, user, None).await
    }

    /// Returns true if this user has to sign in through the provider.
    pub async fn is_sso_required(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        let found = required(&mut self.reader().await?, user, Some(organization)).await?;
        Ok(!found.is_empty())
    }
}

impl Write {
    /// Returns the rule by which the people of an organisation have to sign in, as this transaction
    /// sees it.
    pub async fn sso_policy(&mut self, scope: OrgScope) -> Result<SsoPolicy, StoreError> {
        policy(self, scope).await
    }

    /// Returns true if a user has to sign in to an organisation through its provider, as this
    /// transaction sees it. After [`hold_user`](Self::hold_user) it is still true at the commit,
    /// unless the rule is lifted for everybody.
    pub async fn sso_required(
        &mut self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<bool, StoreError> {
        let found = required(self, user, Some(scope.organization_id())).await?;
        Ok(!found.is_empty())
    }

    /// Ends the sessions in the organisation that began without its provider, also of those who are
    /// members no longer, but for those of owners who may sign in by password all the same; those
    /// that were not ended before.
    pub async fn end_password_sessions(
        &mut self,
        scope: OrgScope,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        // Whoever begins or moves a session holds its user: what has begun is seen below, and what
        // begins later sees what this transaction demands.
        self.hold_people(scope).await?;
        sql(END_PASSWORD_SESSIONS)
            .bind(scope)
            .bind(at)
            .all(self, |row| row.get("id"))
            .await
    }

    /// Does as [`end_password_sessions`](Self::end_password_sessions) for one user, whom the caller
    /// of this [holds](Self::hold_user).
    pub async fn end_password_sessions_of(
        &mut self,
        scope: OrgScope,
        user: UserId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        sql(END_PASSWORD_SESSIONS_OF)
            .bind(scope)
            .bind(at)
            .bind(user)
            .all(self, |row| row.get("id"))
            .await
    }

    /// Demands the provider's sign-in from a moment on, or no longer.
    pub async fn set_sso_enforced(
        &mut self,
        scope: OrgScope,
        since: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        match since {
            Some(since) => {
                sql("INSERT INTO sso_enforcement (organization_id, since)
                 VALUES ($1, $2) ON CONFLICT (organization_id) DO NOTHING")
                .bind(scope)
                .bind(since)
                .execute(self)
                .await?
            }
            None => {
                sql("DELETE FROM sso_enforcement WHERE organization_id = $1")
                    .bind(scope)
                    .execute(self)
                    .await?
            }
        };
        Ok(())
    }

    /// Lets these owners, and no others, sign in by password all the same; how many of them are
    /// active owners of the organisation who have a password.
    pub async fn set_break_glass(
        &mut self,
        scope: OrgScope,
        owners: &[UserId],
    ) -> Result<u64, StoreError> {
        sql("DELETE FROM sso_break_glass WHERE organization_id = $1")
            .bind(scope)
            .execute(self)
            .await?;
        for owner in owners {
            sql("INSERT INTO sso_break_glass (organization_id, user_id)
                 SELECT organization_id, user_id FROM membership
                 WHERE organization_id = $1 AND user_id = $2
                 ON CONFLICT (organization_id, user_id) DO NOTHING")
            .bind(scope)
            .bind(*owner)
            .execute(self)
            .await?;
        }
        self.count_break_glass(scope).await
    }

    /// Ends the exemption of one owner. Returns whether there was one.
    pub async fn end_break_glass(
        &mut self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<bool, StoreError> {
        let ended = sql("DELETE FROM sso_break_glass WHERE organization_id = $1 AND user_id = $2")
            .bind(scope)
            .bind(user)
            .execute(self)
            .await?;
        Ok(ended > 0)
    }

    /// Counts the exempt members who can sign in by password: active owners with a password.
    pub async fn count_break_glass(&mut self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count
             FROM sso_break_glass b
             JOIN membership m ON m.organization_id = b.organization_id AND m.user_id = b.user_id
             JOIN user_account u ON u.id = b.user_id
             WHERE b.organization_id = $1 AND m.role = 'OWNER' AND m.deactivated_at IS NULL
                 AND u.suspended_at IS NULL AND u.password_hash IS NOT NULL")
        .bind(scope)
        .count(self)
        .await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::explained::uses_only;
    use crate::support::{Backend, World};

    #[rstest]
    #[tokio::test]
    async fn only_live_sessions_of_the_organisation_are_looked_at_where_some_are_ended(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let world = World::new(backend).await;
        for (query, types) in [
            (END_PASSWORD_SESSIONS, "UUID, BIGINT"),
            (END_PASSWORD_SESSIONS_OF, "UUID, BIGINT, UUID"),
        ] {
            uses_only(&world, query, types, "session_live").await;
        }
    }
}
