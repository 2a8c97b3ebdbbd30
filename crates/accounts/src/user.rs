//! People.

use serde_json::{Value, json};
use vestibule_check::Permit;
use vestibule_credential::PlainPassword;
use vestibule_model::{
    Actor, Change, Email, Name, Organization, OrganizationId, Role, SessionId, User, UserId,
};
use vestibule_store::{Listed, Page, Write};

use crate::caller::credential_stands;
use crate::{Accounts, Error, Operator, Result};

/// The shortest new password, in characters (NIST SP 800-63B, 3.1.1.2).
const MIN_PASSWORD_CHARS: usize = 8;

const NO_USER: Error = Error::NotFound { what: "user" };

/// The calling user, in the organisation of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The user.
    pub user: User,
    /// The organisation the call is about.
    pub organization_id: OrganizationId,
    /// The user's role there.
    pub role: Role,
    /// The organisation that a sign-in begins in: the oldest active membership; the one organisation
    /// that the credential reaches, where it is one.
    pub default_organization_id: OrganizationId,
    /// True if the user comes in through the organisation's identity provider: by this session or,
    /// where a key calls, because its creator did or the user has no other way in.
    pub by_provider: bool,
}

/// The effect of a suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// The number of sessions that it has ended.
    pub sessions_ended: usize,
    /// The organisations that have no active owner now, and had the user for one.
    pub ownerless: Vec<Organization>,
}

/// The properties of a new user.
pub struct NewUser {
    /// The address to sign in with.
    pub email: Email,
    /// Given name, where known.
    pub first_name: Option<Name>,
    /// Family name, where known.
    pub last_name: Option<Name>,
    /// The password; without one the user cannot sign in by password.
    pub password: Option<PlainPassword>,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").finish_non_exhaustive()
    }
}

/// A password that somebody chooses must not be too short.
fn check_new(password: &PlainPassword) -> Result<()> {
    if password.chars() >= MIN_PASSWORD_CHARS {
        return Ok(());
    }
    Err(Error::field(
        "password",
        "password_too_short",
        format!("must have at least {MIN_PASSWORD_CHARS} characters"),
    ))
}

impl Accounts {
    /// Returns the calling user. A narrowed key is refused, whose holder may know nothing of the
    /// user: see [`key_view`](Self::key_view).
    pub async fn me(&self, permit: &Permit) -> Result<Me> {
        permit.administers(Role::User)?;
        let (user, organization) = (permit.user_id(), permit.organization_id());
        let only = self.reaches_only(permit).await?;
        let by_provider = match permit.credential().session() {
            None if only.is_none() => {
                let store = &self.0.store;
                store.is_provider_only(user, organization).await?
            }
            _ => only.is_some(),
        };
        self.me_reaching(user, organization, permit.role(), only, by_provider)
            .await
    }

    /// Returns the user of a session, in an organisation.
    pub(crate) async fn me_in(
        &self,
        user: UserId,
        organization: OrganizationId,
        role: Role,
        session: SessionId,
    ) -> Result<Me> {
        let only = self.0.store.organization_of_sso_session(session).await?;
        self.me_reaching(user, organization, role, only, only.is_some())
            .await
    }

    async fn me_reaching(
        &self,
        user: UserId,
        organization_id: OrganizationId,
        role: Role,
        only: Option<OrganizationId>,
        by_provider: bool,
    ) -> Result<Me> {
        // What a provider says opens one organisation, and tells of no other.
        let found = self.0.store.user_and_oldest_organization(user, only);
        let (user, oldest) = found.await?.ok_or(Error::CredentialEnded)?;
        Ok(Me {
            user,
            organization_id,
            role,
            default_organization_id: oldest.unwrap_or(organization_id),
            by_provider,
        })
    }

    /// Gives the calling user other names. Refused to a session that came by an identity provider
    /// where the user has more than that organisation.
    pub async fn update_profile(
        &self,
        permit: &Permit,
        first_name: Option<Name>,
        last_name: Option<Name>,
    ) -> Result<()> {
        permit.administers(Role::User)?;
        self.keep_profile(permit).await?;
        let id = permit.user_id();
        let mut write = self.begin().await?;
        credential_stands(permit, &mut write, self.now(), &self.0.lifetimes).await?;
        let before = write.user(id).await?.ok_or(NO_USER)?;
        write
            .set_user_names(id, first_name.as_ref(), last_name.as_ref())
            .await?;
        let details = json!({
            "before": { "first_name": before.first_name, "last_name": before.last_name },
            "after": { "first_name": first_name, "last_name": last_name },
        });
        let organization = Some(permit.organization_id());
        let kind = "user.profile_changed";
        self.commit_as(
            write,
            &permit.actor(),
            organization,
            kind,
            id.to_string(),
            &details,
        )
        .await
    }

    /// A user by id. For the operator.
    pub async fn user(&self, _: &Operator, id: UserId) -> Result<User> {
        self.0.store.user(id).await?.ok_or(NO_USER)
    }

    /// A user by address. For the operator.
    pub async fn user_by_email(&self, _: &Operator, email: &Email) -> Result<User> {
        self.0.store.user_by_email(email).await?.ok_or(NO_USER)
    }

    /// All users. For the operator.
    pub async fn users(&self, _: &Operator, page: Page) -> Result<Listed<User>> {
        Ok(self.0.store.users(page).await?)
    }

    /// Makes a user, a member of nothing yet. For the operator.
    pub async fn create_user(&self, _: &Operator, new: NewUser) -> Result<User> {
        let user = User {
            id: UserId::mint(self.clock(), self.entropy()),
            email: new.email,
            first_name: new.first_name,
            last_name: new.last_name,
            created_at: self.now(),
            suspended_at: None,
        };
        let hash = match new.password {
            Some(password) => Some(self.hash_new(password).await?),
            None => None,
        };
        let mut write = self.begin().await?;
        write.insert_user(&user, hash.as_deref()).await?;
        let details = json!({ "after": { "email": user.email, "password": hash.is_some() } });
        self.commit_user(write, user.id, "user.created", &details)
            .await?;
        Ok(user)
    }

    /// Gives a user another password and ends all the user's sessions. For the operator.
    pub async fn set_password(
        &self,
        _: &Operator,
        id: UserId,
        password: PlainPassword,
    ) -> Result<()> {
        let hash = self.hash_new(password).await?;
        let mut write = self.begin().await?;
        if !write.set_password(id, &hash).await? {
            return Err(NO_USER);
        }
        write.delete_one_time_codes_of(id, None, None).await?;
        let ended = write.end_sessions_of(id, self.now()).await?;
        write.change(Change::User(id));
        let details = json!({ "sessions_ended": ended.len() });
        self.commit_user(write, id, "user.password_changed", &details)
            .await
    }

    /// Lets nothing of a user pass any more, in any organisation, and ends all the user's sessions
    /// for good. For the operator, who can shut out a stolen account whoever else is there: also
    /// the last owner of an organisation.
    pub async fn suspend_user(&self, operator: &Operator, id: UserId) -> Result<Suspended> {
        self.revoking(move || self.suspend_user_now(operator, id))
            .await
    }

    async fn suspend_user_now(&self, _: &Operator, id: UserId) -> Result<Suspended> {
        let mut write = self.begin().await?;
        let user = write.user(id).await?.ok_or(NO_USER)?;
        let already = user.suspended_at.is_some();
        if !already {
            write.set_user_suspended(id, Some(self.now())).await?;
        }
        let ownerless = write.organizations_left_without_owner_by(id).await?;
        if already {
            return Ok(Suspended {
                sessions_ended: 0,
                ownerless,
            });
        }
        write.delete_one_time_codes_of(id, None, None).await?;
        let ended = write.end_sessions_of(id, self.now()).await?;
        // Of the user, and so of every one of the sessions.
        write.change(Change::User(id));
        let left: Vec<_> = ownerless.iter().map(|it| it.id).collect();
        let details = json!({
            "sessions_ended": ended.len(),
            "organizations_without_owner": left,
        });
        self.commit_user(write, id, "user.suspended", &details)
            .await?;
        Ok(Suspended {
            sessions_ended: ended.len(),
            ownerless,
        })
    }

    /// Lets a suspended user in again, who has to sign in anew. For the operator.
    pub async fn unsuspend_user(&self, _: &Operator, id: UserId) -> Result<()> {
        let mut write = self.begin().await?;
        let user = write.user(id).await?.ok_or(NO_USER)?;
        if user.suspended_at.is_none() {
            return Ok(());
        }
        write.set_user_suspended(id, None).await?;
        // What began before the suspension does not come back, whoever suspended.
        write.delete_one_time_codes_of(id, None, None).await?;
        write.end_sessions_of(id, self.now()).await?;
        write.change(Change::User(id));
        self.commit_user(write, id, "user.unsuspended", &json!({}))
            .await
    }

    /// Commits with the record of what the operator did to a user.
    async fn commit_user(
        &self,
        write: Write,
        id: UserId,
        kind: &'static str,
        details: &Value,
    ) -> Result<()> {
        let operator = Actor::operator();
        self.commit_as(write, &operator, None, kind, id.to_string(), details)
            .await
    }

    pub(crate) async fn hash_new(&self, password: PlainPassword) -> Result<String> {
        check_new(&password)?;
        Ok(self.0.hasher.hash(password, self.entropy()).await?)
    }
}
