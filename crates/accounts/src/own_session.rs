//! A user's own sessions: seen, and ended one by one.

use serde_json::json;
use vestibule_check::Permit;
use vestibule_model::{Change, Role, Session, SessionId};

use crate::caller::credential_stands;
use crate::{Accounts, Error, Result};

impl Accounts {
    /// The calling user's sessions that still stand, in any organisation [that the credential
    /// reaches](Self::reaches_only), the newest first.
    pub async fn own_sessions(&self, permit: &Permit) -> Result<Vec<Session>> {
        permit.administers(Role::User)?;
        let within = self.reaches_only(permit).await?;
        let now = self.now();
        let idle_since = now.before(self.0.lifetimes.session_idle);
        let store = &self.0.store;
        let sessions = store.sessions_of(permit.user_id(), within, now, idle_since);
        Ok(sessions.await?)
    }

    /// Ends one of [the calling user's sessions](Self::own_sessions). When this returns, no request passes with its
    /// cookie or its tokens.
    pub async fn end_own_session(&self, permit: &Permit, id: SessionId) -> Result<()> {
        permit.administers(Role::User)?;
        let session = self.0.store.session(id).await?;
        let within = self.reaches_only(permit).await?;
        let session = session
            .filter(|session| session.user_id == permit.user_id())
            .filter(|session| within.is_none_or(|it| it == session.organization_id))
            .ok_or(Error::NotFound { what: "session" })?;
        let mut write = self.begin().await?;
        credential_stands(permit, &mut write, self.now(), &self.0.lifetimes).await?;
        if !write.end_session(id, self.now()).await? {
            return Ok(());
        }
        write.change(Change::Session(id));
        self.commit_as(
            write,
            &permit.actor(),
            Some(session.organization_id),
            "session.ended",
            id.to_string(),
            &json!({ "by": "user" }),
        )
        .await
    }

    /// Ends all of [the calling user's sessions](Self::own_sessions) but the calling one; how many
    /// those were.
    pub async fn end_other_sessions(&self, permit: &Permit) -> Result<usize> {
        permit.administers(Role::User)?;
        let kept = permit.credential().session();
        let kept = kept.ok_or(Error::NotFound { what: "session" })?;
        let within = self.reaches_only(permit).await?;
        let mut write = self.begin().await?;
        credential_stands(permit, &mut write, self.now(), &self.0.lifetimes).await?;
        let user = permit.user_id();
        // What a code would begin is a session, too; the codes go before the sessions.
        let codes = write.delete_one_time_codes_within(user, within).await?;
        let ended = write
            .end_other_sessions_of(user, kept, within, self.now())
            .await?;
        if ended.is_empty() && codes == 0 {
            return Ok(0);
        }
        write.change(Change::User(user));
        let details = json!({ "by": "user", "sessions": ended });
        self.commit_as(
            write,
            &permit.actor(),
            Some(permit.organization_id()),
            "user.sessions_ended",
            user.to_string(),
            &details,
        )
        .await?;
        Ok(ended.len())
    }
}
