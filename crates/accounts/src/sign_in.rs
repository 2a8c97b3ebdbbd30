//! Sign-in by e-mail address and password.
//!
//! Whatever is wrong, the answer and the work are the same: limits first, then one query, one
//! hash, and only then the question whether the user may come in at all.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use vestibule_check::Limiter;
use vestibule_credential::{HashError, PlainPassword, PlainSecret, SecretKind, Verdict, frame};
use vestibule_model::{
    Actor, CredentialRef, Digest, Email, OrganizationId, Role, Session, SessionId, User, UserId,
};
use zeroize::Zeroizing;

use crate::user::password_of;
use crate::{AccessToken, Accounts, Error, Me, Result};

/// How many sign-ins may be tried in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInLimits {
    /// From one address (one /64 of IPv6).
    pub per_address: NonZeroU32,
    /// For one e-mail address, known or not.
    pub per_email: NonZeroU32,
}

impl Default for SignInLimits {
    /// 30 from one address, 10 for one e-mail address.
    fn default() -> Self {
        const fn count(count: u32) -> NonZeroU32 {
            match NonZeroU32::new(count) {
                Some(count) => count,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            per_address: count(30),
            per_email: count(10),
        }
    }
}

impl SignInLimits {
    const WINDOW: Duration = Duration::from_secs(60);

    pub(crate) fn by_address(self) -> Limiter {
        Limiter::new("sign_ins_per_address", self.per_address, Self::WINDOW)
    }

    pub(crate) fn by_email(self) -> Limiter {
        Limiter::new("sign_ins_per_email", self.per_email, Self::WINDOW)
    }
}

/// What somebody signs in with.
pub struct SignIn {
    /// The address.
    pub email: Email,
    /// The password in clear.
    pub password: String,
    /// The organisation to begin in; the oldest active membership where `None`.
    pub organization_id: Option<OrganizationId>,
    /// Where the call comes from.
    pub address: Option<IpAddr>,
    /// What the request is called in the log.
    pub request_id: Option<String>,
}

/// Says nothing of the password.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("organization_id", &self.organization_id)
            .field("address", &self.address)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// Who is signed in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The user, in the organisation of the session.
    pub me: Me,
    /// The new session.
    pub session: Session,
}

/// A sign-in of a program.
#[derive(Debug)]
pub struct TokenSignIn {
    /// Who is signed in.
    pub signed_in: SignedIn,
    /// The first access token of the session.
    pub token: AccessToken,
}

/// A sign-in of a browser.
#[derive(Debug)]
pub struct CookieSignIn {
    /// Who is signed in.
    pub signed_in: SignedIn,
    /// The value of the session cookie.
    pub cookie: PlainSecret,
}

/// A user whose password was right, and where the session begins.
struct Known {
    me: Me,
    actor: Actor,
}

impl Accounts {
    /// Signs in for an access token.
    pub async fn sign_in_for_token(&self, sign_in: SignIn) -> Result<TokenSignIn> {
        let known = self.identify(sign_in).await?;
        let session = self.new_session(known.me.user.id, known.me.organization_id);
        let parts = self.candidate(&session)?;
        let token = self.token_of(&session, session.organization_id, &parts)?;
        let credential = CredentialRef::AccessToken(session.id);
        let signed_in = self.begin_session(known, session, credential, None).await?;
        Ok(TokenSignIn { signed_in, token })
    }

    /// Signs in for a session cookie.
    pub async fn sign_in_for_cookie(&self, sign_in: SignIn) -> Result<CookieSignIn> {
        let known = self.identify(sign_in).await?;
        let session = self.new_session(known.me.user.id, known.me.organization_id);
        let cookie = frame::mint(&self.0.prefix, SecretKind::Session, self.entropy());
        let credential = CredentialRef::SessionCookie(session.id);
        let signed_in = self
            .begin_session(known, session, credential, Some(&cookie.digest()))
            .await?;
        Ok(CookieSignIn { signed_in, cookie })
    }

    async fn identify(&self, sign_in: SignIn) -> Result<Known> {
        let text = Zeroizing::new(sign_in.password);
        let password = password_of(&text)?;
        if let Some(address) = sign_in.address {
            self.0.sign_ins_by_address.count_address(address)?;
        }
        self.0
            .sign_ins_by_email
            .count_stranger(bits_of(&sign_in.email))?;

        let row = self.0.store.sign_in_row(&sign_in.email).await?;
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let verdict = self.verify(password, stored.clone()).await?;
        let (Verdict::Match { rehash }, Some(row)) = (verdict, row) else {
            return Err(Error::BadCredentials);
        };
        let wanted = |(id, _): &&(OrganizationId, Role)| {
            sign_in.organization_id.is_none_or(|wanted| wanted == *id)
        };
        let (Some(&(organization_id, role)), Some(&(default_organization_id, _)), None) = (
            row.memberships.iter().find(wanted),
            row.memberships.first(),
            row.user.suspended_at,
        ) else {
            return Err(Error::BadCredentials);
        };
        // The hash may have waited: a password that was replaced meanwhile opens nothing.
        if self.0.store.password_of(row.user.id).await? != stored {
            return Err(Error::BadCredentials);
        }
        // Only now: who does not know the password learns nothing of how one signs in.
        let wanted = sign_in.organization_id;
        let chosen = self.by_password(row.user.id, wanted, &row.memberships);
        let (organization_id, role) = chosen.await?.unwrap_or((organization_id, role));
        let actor = Actor {
            user_id: Some(row.user.id),
            credential: None,
            address: sign_in.address,
            request_id: sign_in.request_id,
        };
        if rehash {
            self.rehash(&row.user, &actor, &text, stored.as_deref())
                .await;
        }
        let me = Me {
            user: row.user,
            organization_id,
            role,
            default_organization_id,
        };
        Ok(Known { me, actor })
    }

    /// A stored hash that cannot be computed is our trouble, and looks like a wrong password in
    /// every respect.
    async fn verify(&self, password: PlainPassword, stored: Option<String>) -> Result<Verdict> {
        match self.0.hasher.verify(password, stored).await {
            Err(HashError::StoredHash) => {
                tracing::error!("a stored password hash is malformed or absurdly expensive");
                let any = password_of("the time of a hash is to pass")?;
                Ok(self.0.hasher.verify(any, None).await?)
            }
            verdict => Ok(verdict?),
        }
    }

    /// Stores the password under today's parameters. A sign-in does not fail where this does.
    async fn rehash(&self, user: &User, actor: &Actor, password: &str, before: Option<&str>) {
        let stored = async {
            let password = password_of(password)?;
            let hash = self.0.hasher.hash(password, self.entropy()).await?;
            // One at a time: it holds one connection while it asks another.
            let _alone = self.0.rehashing.lock().await;
            let mut write = self.begin().await?;
            write.set_password(user.id, &hash).await?;
            // The row is ours until the commit. What others read is what was there before.
            if self.0.store.password_of(user.id).await?.as_deref() != before {
                return Ok(());
            }
            let subject = user.id.to_string();
            self.commit_as(
                write,
                actor,
                None,
                "user.password_rehashed",
                subject,
                &json!({}),
            )
            .await
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, user = %user.id, "a password could not be hashed again");
        }
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

    async fn begin_session(
        &self,
        known: Known,
        session: Session,
        credential: CredentialRef,
        cookie: Option<&Digest>,
    ) -> Result<SignedIn> {
        let Known { me, mut actor } = known;
        actor.credential = Some(credential);
        let mut write = self.begin().await?;
        write.insert_session(&session, cookie).await?;
        let details = json!({ "by": "password", "for": credential.kind() });
        self.commit_as(
            write,
            &actor,
            Some(session.organization_id),
            "session.started",
            session.id.to_string(),
            &details,
        )
        .await?;
        Ok(SignedIn { me, session })
    }
}

/// An e-mail address as the limiter counts it.
fn bits_of(email: &Email) -> u128 {
    let digest = Digest::of(email.as_str().as_bytes());
    let (first, _) = digest.as_bytes().split_at(16);
    first.try_into().map_or(0, u128::from_le_bytes)
}
