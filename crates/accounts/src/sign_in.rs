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
    Actor, Change, CredentialRef, Digest, Email, OrgScope, Organization, OrganizationId, Role,
    Session, SessionId, User, UserId,
};
use vestibule_store::Write;
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
    /// That organisation.
    pub organization: Organization,
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
    /// The hash that the password was right for.
    stored: String,
    /// The hash of the same password under today's parameters, where those of `stored` are others.
    rehashed: Option<String>,
}

/// What a sign-in gives.
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

    async fn sign_in(&self, mut sign_in: SignIn, wanted: &Wanted<'_>) -> Result<SignedIn> {
        let text = Zeroizing::new(std::mem::take(&mut sign_in.password));
        password_of(&text)?;
        if let Some(address) = sign_in.address {
            self.0.sign_ins_by_address.count_address(address)?;
        }
        self.0
            .sign_ins_by_email
            .count_stranger(bits_of(&sign_in.email))?;
        // A password may be replaced, or hashed anew, while it is checked: then it has to be right
        // for what is stored by now.
        for _ in 0..2 {
            let known = self.identify(&sign_in, &text).await?;
            if let Some(signed_in) = self.begin_session(known, wanted).await? {
                return Ok(signed_in);
            }
        }
        Err(Error::BadCredentials)
    }

    async fn identify(&self, sign_in: &SignIn, text: &str) -> Result<Known> {
        let row = self.0.store.sign_in_row(&sign_in.email).await?;
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let verdict = self.verify(password_of(text)?, stored.clone()).await?;
        let (Verdict::Match { rehash }, Some(row), Some(stored)) = (verdict, row, stored) else {
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
        // Only now: who does not know the password learns nothing of how one signs in.
        let wanted = sign_in.organization_id;
        let chosen = self.by_password(row.user.id, wanted, &row.memberships);
        let (organization_id, role) = chosen.await?.unwrap_or((organization_id, role));
        let rehashed = if rehash {
            self.rehash(&row.user, text).await
        } else {
            None
        };
        let actor = Actor {
            user_id: Some(row.user.id),
            credential: None,
            address: sign_in.address,
            request_id: sign_in.request_id.clone(),
        };
        let me = Me {
            user: row.user,
            organization_id,
            role,
            default_organization_id,
            by_provider: false,
        };
        Ok(Known {
            me,
            actor,
            stored,
            rehashed,
        })
    }

    /// A stored hash that cannot be computed is our trouble, and looks like a wrong password in
    /// every respect.
    pub(crate) async fn verify(
        &self,
        password: PlainPassword,
        stored: Option<String>,
    ) -> Result<Verdict> {
        match self.0.hasher.verify(password, stored).await {
            Err(HashError::StoredHash) => {
                tracing::error!("a stored password hash is malformed or absurdly expensive");
                let any = password_of("the time of a hash is to pass")?;
                Ok(self.0.hasher.verify(any, None).await?)
            }
            verdict => Ok(verdict?),
        }
    }

    /// The password under today's parameters. A sign-in does not fail where this does.
    async fn rehash(&self, user: &User, password: &str) -> Option<String> {
        let hash = async {
            let password = password_of(password)?;
            let hash = self.0.hasher.hash(password, self.entropy()).await?;
            Ok::<_, Error>(hash)
        };
        hash.await
            .inspect_err(|error| {
                tracing::warn!(%error, user = %user.id, "a password could not be hashed again");
            })
            .ok()
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
        #[expect(
            clippy::disallowed_methods,
            reason = "the one row that is read is what proves the scope"
        )]
        let scope = OrgScope::assume(me.organization_id);
        let role = write.active_role(scope, user).await?;
        let organization = write.organization(me.organization_id).await?;
        let (Some(role), Some(organization)) = (role, organization) else {
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
        let details = json!({ "by": "password", "for": credential.kind() });
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
