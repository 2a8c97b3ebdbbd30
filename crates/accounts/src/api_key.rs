//! API keys.

use serde_json::{Value, json};
use vestibule_check::Permit;
use vestibule_credential::PlainSecret;
use vestibule_model::{
    ApiKey, ApiKeyId, Change, Grant, Name, OrgScope, OrganizationId, Role, Timestamp, UserId,
};
use vestibule_store::{Listed, NarrowedApiKey, Page, Write};

mod allowance;
mod checked;
mod once;
mod origin;
mod view;

use checked::{check_expiry, collect};
pub use once::{KeyOfForm, NEW_KEY_HANDOVER, NewKey, PreparedKey};
use origin::CreatorSignIn;
pub use view::KeyView;
pub(crate) use view::without_plan;

use crate::grant::{NewGrant, describe};
use crate::membership::needed_to_touch;
use crate::{Accounts, Caller, Error, Operator, Result};

/// The wanted properties of a new key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The name that its owner gives it.
    pub name: Name,
    /// The time at which it expires; never where `None`.
    pub expires_at: Option<Timestamp>,
    /// The grants that narrow it; its owner's full rights where `None`.
    pub grants: Option<Vec<NewGrant>>,
}

impl NewApiKey {
    /// Describes a key with its owner's full rights that does not expire.
    pub const fn named(name: Name) -> Self {
        Self {
            name,
            expires_at: None,
            grants: None,
        }
    }

    /// Describes the same key, expiring at a time; never where `None`.
    #[must_use]
    pub fn expiring(mut self, at: Option<Timestamp>) -> Self {
        self.expires_at = at;
        self
    }

    /// Describes the same key, narrowed to these grants; with its owner's full rights where `None`.
    #[must_use]
    pub fn narrowed_to(mut self, grants: Option<Vec<NewGrant>>) -> Self {
        self.grants = grants;
        self
    }
}

/// A new key. The secret is handed over here and never again.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// The part of it that stays known.
    pub key: ApiKey,
    /// The grants that narrow it; `None` for its owner's full rights.
    pub grants: Option<Vec<Grant>>,
    /// The key itself.
    pub secret: PlainSecret,
}

impl Accounts {
    /// Creates a key of the calling user, in the organisation of the call.
    pub async fn create_api_key(&self, permit: &Permit, new: NewApiKey) -> Result<CreatedApiKey> {
        permit.administers(Role::User)?;
        let (owner, prepared) = (permit.user_id(), self.prepare_key());
        self.insert_api_key(&permit.into(), owner, prepared, new)
            .await
    }

    /// Creates a key for a member of an organisation. For the operator.
    pub async fn create_api_key_for(
        &self,
        operator: &Operator,
        organization: OrganizationId,
        owner: UserId,
        new: NewApiKey,
    ) -> Result<CreatedApiKey> {
        let caller = Caller::operator(operator, organization);
        self.insert_api_key(&caller, owner, self.prepare_key(), new)
            .await
    }

    async fn insert_api_key(
        &self,
        caller: &Caller,
        owner: UserId,
        PreparedKey { id, secret }: PreparedKey,
        new: NewApiKey,
    ) -> Result<CreatedApiKey> {
        let now = self.now();
        let mut key = ApiKey {
            id,
            organization_id: caller.organization_id(),
            owner_id: owner,
            name: new.name,
            suffix: secret.suffix().to_owned(),
            connection_id: None,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let grants = new
            .grants
            .map(|grants| self.key_grants(&key, grants))
            .transpose();
        let grants = collect(check_expiry(caller, key.expires_at, now), grants)?;

        let mut write = self.begin_locked(caller).await?;
        let signed_in = CreatorSignIn::of(caller, &mut write).await?;
        key.connection_id = signed_in.connection();
        let membership = write.membership(caller.scope(), owner).await?;
        if membership.is_none_or(|membership| membership.deactivated_at.is_some()) {
            return Err(Error::NotFound { what: "member" });
        }
        self.keep_key_allowance(&mut write, caller, owner, now)
            .await?;
        write
            .insert_api_key(&key, &secret.digest(), grants.is_some())
            .await?;
        for grant in grants.iter().flatten() {
            write.insert_grant(grant).await?;
        }
        // Nobody can have been refused from memory: no Change.
        let details = json!({
            "after": describe_key(&key, grants.as_deref()),
            "creator_signed_in": signed_in.name(),
        });
        self.commit(
            write,
            caller,
            "api_key.created",
            key.id.to_string(),
            &details,
        )
        .await?;
        Ok(CreatedApiKey {
            key,
            grants,
            secret,
        })
    }

    /// Returns the calling user's keys in the organisation of the call.
    pub async fn api_keys(&self, permit: &Permit) -> Result<Vec<NarrowedApiKey>> {
        permit.administers(Role::User)?;
        let store = &self.0.store;
        Ok(store.api_keys_of(permit.scope(), permit.user_id()).await?)
    }

    /// Returns one of the calling user's keys.
    pub async fn api_key(&self, permit: &Permit, id: ApiKeyId) -> Result<NarrowedApiKey> {
        permit.administers(Role::User)?;
        self.known(permit.scope(), permit.user_id(), id).await
    }

    /// A part of the keys of the organisation, deleted ones too. For admins, owners and the operator.
    pub async fn api_keys_of_organization(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Listed<NarrowedApiKey>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.api_keys(caller.scope(), page).await?)
    }

    /// A key of the organisation, whoever owns it, deleted or not. For admins, owners and the
    /// operator.
    pub async fn api_key_of_organization(&self, caller: &Caller, id: ApiKeyId) -> Result<ApiKey> {
        caller.needs(Role::Admin)?;
        let found = self.0.store.api_key_of_anyone(caller.scope(), id).await?;
        found.ok_or(Error::NotFound { what: "API key" })
    }

    /// Revokes one of the calling user's keys. When this returns, no request passes with it.
    pub async fn revoke_api_key(&self, permit: &Permit, id: ApiKeyId) -> Result<()> {
        self.revoking(move || self.revoke_api_key_now(permit, id))
            .await
    }

    async fn revoke_api_key_now(&self, permit: &Permit, id: ApiKeyId) -> Result<()> {
        permit.administers(Role::User)?;
        let known = self.known(permit.scope(), permit.user_id(), id).await?;
        let write = self.begin().await?;
        self.revoke(write, &permit.into(), &known).await
    }

    /// Revokes a member's key. For admins and the operator; the keys of an owner, for owners.
    pub async fn revoke_api_key_of(
        &self,
        caller: &Caller,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<()> {
        self.revoking(move || self.revoke_api_key_of_now(caller, owner, id))
            .await
    }

    async fn revoke_api_key_of_now(
        &self,
        caller: &Caller,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<()> {
        caller.needs(Role::Admin)?;
        let known = self.known(caller.scope(), owner, id).await?;
        let mut write = self.begin_locked(caller).await?;
        let membership = write.membership(caller.scope(), owner).await?;
        let role = membership.map_or(Role::User, |membership| membership.role);
        caller.needs(needed_to_touch(role))?;
        self.revoke(write, caller, &known).await
    }

    /// Returns a key that is not revoked, for its owner or for the audit record of its end.
    async fn known(&self, scope: OrgScope, owner: UserId, id: ApiKeyId) -> Result<NarrowedApiKey> {
        let found = self.0.store.api_key(scope, owner, id).await?;
        found.ok_or(Error::NotFound { what: "API key" })
    }

    async fn revoke(
        &self,
        mut write: Write,
        caller: &Caller,
        (key, grants): &NarrowedApiKey,
    ) -> Result<()> {
        let id = key.id;
        let revoked = write
            .revoke_api_key(caller.scope(), key.owner_id, id, self.now())
            .await?;
        if !revoked {
            return Err(Error::NotFound { what: "API key" });
        }
        write.change(Change::ApiKey(id));
        let details = json!({
            "owner": key.owner_id,
            "before": describe_key(key, grants.as_deref()),
        });
        self.commit(write, caller, "api_key.deleted", id.to_string(), &details)
            .await
    }
}

/// A key as the audit log has it.
fn describe_key(key: &ApiKey, grants: Option<&[Grant]>) -> Value {
    json!({
        "owner": key.owner_id,
        "name": key.name,
        "suffix": key.suffix,
        "expires_at": key.expires_at,
        "connection": key.connection_id,
        "grants": grants.map(|grants| grants.iter().map(describe).collect::<Vec<_>>()),
    })
}
