//! The start of a session after a sign-in through an identity provider.

use serde_json::json;
use vestibule_credential::{SecretKind, frame};
use vestibule_model::{CredentialRef, Digest, Role, Session, User};
use vestibule_store::{SsoSession, Write};

use crate::{Accounts, Caller, CookieSignIn, Error, Result, SignedIn, TokenSignIn};

/// The user starting a session and the sign-in at a provider that proved the identity. The
/// transaction holds the user.
#[derive(Debug, Clone, Copy)]
pub struct ProviderSignIn<'a> {
    /// The caller in the organisation that the session starts in.
    pub caller: &'a Caller,
    /// The user.
    pub user: &'a User,
    /// The user's role there.
    pub role: Role,
    /// The connection and the identity that proved it.
    pub sso_session: &'a SsoSession,
}

impl Accounts {
    /// Starts a session with an access token and commits `write`.
    pub async fn start_token_session(
        &self,
        write: Write,
        sign_in: ProviderSignIn<'_>,
    ) -> Result<TokenSignIn> {
        let session = self.session_of(&sign_in);
        let parts = self.candidate(&session)?;
        let token = self.token_of(&session, session.organization_id, &parts)?;
        let credential = CredentialRef::AccessToken(session.id);
        let signed_in = self
            .start_session(write, sign_in, session, credential, None)
            .await?;
        Ok(TokenSignIn { signed_in, token })
    }

    /// Starts a session with a cookie, ends the sessions of the cookies in `replaced`, and commits
    /// `write`.
    pub async fn start_cookie_session(
        &self,
        mut write: Write,
        sign_in: ProviderSignIn<'_>,
        replaced: &[Digest],
    ) -> Result<CookieSignIn> {
        let session = self.session_of(&sign_in);
        let cookie = frame::mint(&self.0.prefix, SecretKind::Session, self.entropy());
        let credential = CredentialRef::SessionCookie(session.id);
        let mut actor = sign_in.caller.actor().clone();
        actor.credential = Some(credential);
        // The records of the ended sessions name the new one, which took their place.
        self.end_replaced(&mut write, &actor, replaced).await?;
        let digest = cookie.digest();
        let signed_in = self
            .start_session(write, sign_in, session, credential, Some(&digest))
            .await?;
        Ok(CookieSignIn { signed_in, cookie })
    }

    fn session_of(&self, sign_in: &ProviderSignIn<'_>) -> Session {
        self.new_session(sign_in.user.id, sign_in.caller.organization_id())
    }

    async fn start_session(
        &self,
        mut write: Write,
        sign_in: ProviderSignIn<'_>,
        session: Session,
        credential: CredentialRef,
        cookie: Option<&Digest>,
    ) -> Result<SignedIn> {
        write.insert_session(&session, cookie).await?;
        write
            .insert_sso_session(session.id, sign_in.sso_session)
            .await?;
        let mut actor = sign_in.caller.actor().clone();
        actor.credential = Some(credential);
        // A provider's sessions give way to each other alone: it must not end those of a password.
        let from = Some(sign_in.sso_session.organization_id);
        let details = json!({
            "by": "sso",
            "for": credential.kind(),
            "connection": sign_in.sso_session.connection_id,
            "sessions_ended": self.make_room(&mut write, &session, from).await?,
        });
        let organization = session.organization_id;
        let active = write.organization(organization).await?;
        let active = active.ok_or(Error::CredentialEnded)?;
        let subject = session.id.to_string();
        let kind = "session.started";
        self.commit_as(write, &actor, Some(organization), kind, subject, &details)
            .await?;
        let me = self
            .me_in(sign_in.user.id, organization, sign_in.role, session.id)
            .await?;
        Ok(SignedIn {
            me,
            organization: active,
            session,
        })
    }
}
