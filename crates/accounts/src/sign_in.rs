//! Sign-in by e-mail address and password.
//!
//! Whatever is wrong, the answer and the work are the same: limits first, then one query, one
//! hash, and only then the question whether the user may come in at all.

mod known;
mod limits;

use std::net::IpAddr;

use serde_json::json;
use vestibule_credential::{PlainPassword, PlainSecret, SecretKind, frame};
use vestibule_model::{
    Actor, Change, CredentialRef, Digest, Email, Organization, OrganizationId, Session, SessionId,
    UserId,
};
use vestibule_store::Write;

pub use self::limits::SignInLimits;

use self::known::Known;
use crate::{AccessToken, Accounts, Error, Me, Result};

/// The credentials of a sign-in.
pub struct SignIn {
    /// The address.
    pub email: Email,
    /// The password in clear.
    pub password: PlainPassword,
    /// The organisation to begin in; the oldest active membership where `None`.
    pub organization_id: Option<OrganizationId>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The id of the request in the log.
    pub request_id: Option<String>,
}

/// Says nothing of who signs in.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("organization_id", &self.organization_id)
            .field("address", &self.address)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// The user who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The user, in the organisation of the session.
    pub me: Me,
    /// The organisation of the new session.
    pub organization: Organization,
    /// The new session.
    pub session: Session,
}

/// A sign-in of a program.
#[derive(Debug)]
pub struct TokenSignIn {
    /// The user who has signed in.
    pub signed_in: SignedIn,
    /// The first access token of the session.
    pub token: AccessToken,
}

/// A sign-in of a browser.
#[derive(Debug)]
pub struct CookieSignIn {
    /// The user who has signed in.
    pub signed_in: SignedIn,
    /// The value of the session cookie.
    pub cookie: PlainSecret,
}

/// The kind of credential that a sign-in asks for.
struct Wanted<'r> {
    credential: fn(SessionId) -> CredentialRef,
    cookie: Option<Digest>,
    /// The cookies of the sessions that the new one takes the place of.
    replaces: &'r [Digest],
}

impl Accounts {
    /// Signs in for an access token.
    pub async fn sign_in_for_token(&self, sign_in: SignIn) -> Result<TokenSignIn> {
        let wanted = Wanted {
            credential: CredentialRef::AccessToken,
            cookie: None,
            replaces: &[],
        };
        let signed_in = self.sign_in(sign_in, &wanted).await?;
        let session = &signed_in.session;
        let parts = self.candidate(session)?;
        let token = self.token_of(session, session.organization_id, &parts)?;
        Ok(TokenSignIn { signed_in, token })
    }

    /// Signs in for a session cookie. The sessions of the cookies that the request carries end
    /// with it: nobody has them any more.
    pub async fn sign_in_for_cookie(
        &self,
        sign_in: SignIn,
        replaces: &[Digest],
    ) -> Result<CookieSignIn> {
        let cookie = frame::mint(&self.0.prefix, SecretKind::Session, self.entropy());
        let wanted = Wanted {
            credential: CredentialRef::SessionCookie,
            cookie: Some(cookie.digest()),
            replaces,
        };
        let signed_in = self.sign_in(sign_in, &wanted).await?;
        Ok(CookieSignIn { signed_in, cookie })
    }

    async fn sign_in(&self, sign_in: SignIn, wanted: &Wanted<'_>) -> Result<SignedIn> {
        if let Some(address) = sign_in.address {
            self.0.sign_ins_by_address.count_address(address)?;
        }
        self.0
            .sign_ins_by_email
            .count_stranger(bits_of(&sign_in.email))?;
        // A password may be replaced, or hashed anew, while it is checked: then it has to be right
        // for what is stored by now.
        for _ in 0..2 {
            let known = self.identify(&sign_in).await?;
            if let Some(signed_in) = self.begin_session(known, wanted).await? {
                return Ok(signed_in);
            }
        }
        Err(Error::BadCredentials)
    }

    /// A session that begins now.
    pub(crate) fn new_session(&self, user: UserId, organization: OrganizationId) -> Session {
        let now = self.now();
        Session {
            id: SessionId::mint(self.clock(), self.entropy()),
            user_id: user,
            organization_id: organization,
            created_at: now,
            last_seen_at: now,
            expires_at: now.after(self.0.lifetimes.session_absolute),
            ended_at: None,
        }
    }

    /// Begins the session of a user who is let in, and ends those that it takes the place of;
    /// `None` where the password is another one by now, or the user is suspended.
    async fn begin_session(&self, known: Known, wanted: &Wanted<'_>) -> Result<Option<SignedIn>> {
        let Known { mut me, .. } = known;
        let mut actor = known.actor;
        let user = me.user.id;
        let mut write = self.begin().await?;
        if !write.hold_password(user, &known.stored).await? {
            return Ok(None);
        }
        let found = write.scope_of_member(user, me.organization_id).await?;
        let organization = write.organization(me.organization_id).await?;
        let (Some((scope, role)), Some(organization)) = (found, organization) else {
            return Err(Error::BadCredentials);
        };
        self.keep_password_out(&mut write, user, scope).await?;
        me.role = role;
        if let Some(hash) = &known.rehashed {
            write.set_password(user, hash).await?;
            let kind = "user.password_rehashed";
            let record = self.record(&actor, None, kind, Some(user.to_string()), &json!({}));
            write.append_audit(&[record]).await?;
        }
        let session = self.new_session(user, organization.id);
        let credential = (wanted.credential)(session.id);
        actor.credential = Some(credential);
        self.end_replaced(&mut write, &actor, wanted.replaces)
            .await?;
        write
            .insert_session(&session, wanted.cookie.as_ref())
            .await?;
        let details = json!({
            "by": "password",
            "for": credential.kind(),
            "sessions_ended": self.make_room(&mut write, &session, None).await?,
        });
        self.commit_as(
            write,
            &actor,
            Some(organization.id),
            "session.started",
            session.id.to_string(),
            &details,
        )
        .await?;
        Ok(Some(SignedIn {
            me,
            organization,
            session,
        }))
    }

    /// Ends the sessions of these cookies, which a new sign-in takes the place of.
    pub(crate) async fn end_replaced(
        &self,
        write: &mut Write,
        actor: &Actor,
        cookies: &[Digest],
    ) -> Result<()> {
        for cookie in cookies {
            let ended = write.end_session_by_cookie(cookie, self.now()).await?;
            let Some((id, organization)) = ended else {
                continue;
            };
            write.change(Change::Session(id));
            let subject = Some(id.to_string());
            let details = json!({ "by": "sign_in" });
            let kind = "session.ended";
            let record = self.record(actor, Some(organization), kind, subject, &details);
            write.append_audit(&[record]).await?;
        }
        Ok(())
    }
}

/// An e-mail address as the limiter counts it.
pub(crate) fn bits_of(email: &Email) -> u128 {
    let digest = Digest::of(email.as_str().as_bytes());
    let (first, _) = digest.as_bytes().split_at(16);
    first.try_into().map_or(0, u128::from_le_bytes)
}
