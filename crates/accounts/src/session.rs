//! Sessions: seen, started after a sign-in at a provider, switched, ended.

mod start;

pub use start::ProviderSignIn;

use serde_json::json;
use vestibule_check::Permit;
use vestibule_credential::{PlainSecret, SecretKind, frame};
use vestibule_model::{
    Change, CredentialRef, Digest, Organization, OrganizationId, Plan, Role, Session, SessionId,
    Timestamp, User,
};
use vestibule_policy::Refusal;
use vestibule_store::{Page, Write};

use crate::caller::credential_stands;
use crate::organization::NO_ORGANIZATION;
use crate::{Accounts, Error, Result};

/// The most organisations that a session shows.
const MAX_SHOWN: u32 = 1_000;

/// The signed-in user, with the session's organisation and rights.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// The user.
    pub user: User,
    /// The organisations that the user is an active member of, and as what: the oldest thousand, and
    /// the active one.
    pub organizations: Vec<(Organization, Role)>,
    /// The active one of them.
    pub active: Organization,
    /// The user's role there.
    pub role: Role,
    /// The plan of the organisation.
    pub plan: Plan,
    /// True if the credential came through the active organisation's identity provider, and reaches
    /// no other.
    pub by_provider: bool,
}

/// A session with another active organisation.
#[derive(Debug)]
pub struct Switched {
    /// The organisation that is active now.
    pub organization: Organization,
    /// The user's role there.
    pub role: Role,
    /// The new value of the cookie; the old one is dead.
    pub cookie: PlainSecret,
    /// The time at which the session ends however busy it is.
    pub expires_at: Timestamp,
}

impl Accounts {
    /// Returns the user who is signed in in a browser with these session cookies; of several the
    /// first.
    pub async fn user_of_browser(&self, sessions: &[Digest]) -> Result<Option<User>> {
        for cookie in sessions {
            let session = self.0.store.session_by_cookie(cookie).await?;
            if let Some(session) = session.filter(|it| it.is_live(self.now(), &self.0.lifetimes)) {
                return Ok(self.0.store.user(session.user_id).await?);
            }
        }
        Ok(None)
    }

    /// Returns who is signed in. A narrowed key is refused, whose holder may know nothing of the user: see
    /// [`key_view`](Self::key_view).
    pub async fn session_view(&self, permit: &Permit) -> Result<SessionView> {
        permit.administers(Role::User)?;
        let store = &self.0.store;
        let user = store.user(permit.user_id()).await?;
        let active = store.organization(permit.organization_id()).await?;
        let active = active.ok_or(Error::CredentialEnded)?;
        let only = self.reaches_only(permit).await?;
        let first = Page::first(MAX_SHOWN);
        let listed = store.organizations_of(permit.user_id(), only, first).await;
        let mut organizations = listed?.items;
        if organizations.iter().all(|(it, _)| it.id != active.id) {
            organizations.push((active.clone(), permit.role()));
        }
        Ok(SessionView {
            user: user.ok_or(Error::CredentialEnded)?,
            organizations,
            active,
            role: permit.role(),
            plan: permit.plan().clone(),
            by_provider: only.is_some(),
        })
    }

    /// Ends the sessions that a user has more than one may have, now that there is a new one; how
    /// many. Those that came by an organisation's provider give way to each other alone: its word
    /// is to end nothing elsewhere. The user is held.
    pub(crate) async fn make_room(
        &self,
        write: &mut Write,
        new: &Session,
        came_by: Option<OrganizationId>,
    ) -> Result<usize> {
        let ended = write.end_oldest_sessions_of(new, came_by, self.now(), &self.0.lifetimes);
        let ended = ended.await?;
        for session in &ended {
            write.change(Change::Session(*session));
        }
        Ok(ended.len())
    }

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

    /// Ends one of [the calling user's sessions](Self::own_sessions). When this returns, no request
    /// passes with its cookie or its tokens.
    pub async fn end_own_session(&self, permit: &Permit, id: SessionId) -> Result<()> {
        self.revoking(move || self.end_own_session_now(permit, id))
            .await
    }

    async fn end_own_session_now(&self, permit: &Permit, id: SessionId) -> Result<()> {
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
        self.revoking(move || self.end_other_sessions_now(permit))
            .await
    }

    async fn end_other_sessions_now(&self, permit: &Permit) -> Result<usize> {
        permit.administers(Role::User)?;
        let kept = permit.credential().session();
        let kept = kept.ok_or(Error::NotFound { what: "session" })?;
        let within = self.reaches_only(permit).await?;
        let mut write = self.begin().await?;
        credential_stands(permit, &mut write, self.now(), &self.0.lifetimes).await?;
        let user = permit.user_id();
        // What a code would begin is a session, too; the codes go before the sessions.
        let codes = write.delete_one_time_codes_of(user, within, None).await?;
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

    /// Makes another organisation the active one of a cookie's session. The cookie gets a new
    /// value; of two calls with one cookie, one wins and the other is told that the session
    /// changed.
    ///
    /// `presented` is the digest of the cookie that the permit was given for.
    pub async fn switch_organization(
        &self,
        permit: &Permit,
        presented: &Digest,
        organization: OrganizationId,
    ) -> Result<Switched> {
        let CredentialRef::SessionCookie(id) = permit.credential() else {
            return Err(Error::Forbidden(Refusal::CredentialKind {
                presented: permit.credential().kind(),
                accepts: "the session cookie",
            }));
        };
        self.keep_reach(permit, organization).await?;
        let found = self.0.store.caller_by_session(id, organization).await?;
        let (session, row) = found.ok_or(NO_ORGANIZATION)?;
        if !session.is_live(self.now(), &self.0.lifetimes) {
            return Err(Error::CredentialEnded);
        }
        let Some((role, None)) = row.membership else {
            return Err(NO_ORGANIZATION);
        };
        let target = self.0.store.organization(organization).await?;
        let target = target
            .filter(|it| it.deactivated_at.is_none())
            .ok_or(NO_ORGANIZATION)?;

        let cookie = frame::mint(&self.0.prefix, SecretKind::Session, self.entropy());
        let mut write = self.begin().await?;
        self.still_in(&mut write, permit, organization).await?;
        let rotated = write
            .rotate_cookie(id, presented, &cookie.digest(), organization, self.now())
            .await?;
        if !rotated {
            return Err(Error::conflict(
                "session_changed",
                "The session was changed or ended by another request; look at it again.",
            ));
        }
        write.change(Change::Session(id));
        let details = json!({ "before": permit.organization_id(), "after": organization });
        self.commit_as(
            write,
            &permit.actor(),
            Some(organization),
            "session.switched",
            id.to_string(),
            &details,
        )
        .await?;
        Ok(Switched {
            organization: target,
            role,
            cookie,
            expires_at: session.expires_at,
        })
    }

    /// Refuses a session that has ended since the permit was given, whose user is no active member
    /// of the organisation any more that the session turns to, or that has no business there.
    pub(crate) async fn still_in(
        &self,
        write: &mut Write,
        permit: &Permit,
        organization: OrganizationId,
    ) -> Result<()> {
        credential_stands(permit, write, self.now(), &self.0.lifetimes).await?;
        let user = permit.user_id();
        let found = write.scope_of_member(user, organization).await?;
        let (scope, _) = found.ok_or(NO_ORGANIZATION)?;
        match permit.credential().session() {
            Some(session) => self.keep_sso(write, session, user, scope).await,
            None => Ok(()),
        }
    }
}
