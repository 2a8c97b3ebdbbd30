//! API keys.

use serde_json::{Value, json};
use vestibule_credential::PlainSecret;
use vestibule_model::{
    ApiKey, ApiKeyId, Change, Grant, GrantHolder, GrantId, Name, Role, Timestamp, UserId,
};
use vestibule_store::{Listed, NarrowedApiKey, Page, Write};

mod allowance;
mod checked;
mod once;
mod origin;
mod view;

use checked::{Checked, check_expiry, collect, covered_by_others};
pub use once::{KeyOfForm, NEW_KEY_HANDOVER, NewKey, PreparedKey};
use origin::CreatorSignIn;
pub use view::KeyView;
pub(crate) use view::without_plan;

use crate::error::FieldError;
use crate::grant::{NewGrant, describe};
use crate::membership::needed_to_touch;
use crate::{Accounts, Caller, Error, Result};

/// The longest that the paths of a key's grants may be in all, in bytes: they are kept in memory
/// with the key, and shown in every list.
const MAX_PATH_BYTES: usize = 8 * 1024;

/// The properties of a new key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The name that its owner gives it.
    pub name: Name,
    /// The time of its expiry; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The grants that narrow it; `None` for its owner's full rights.
    pub grants: Option<Vec<NewGrant>>,
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
    /// Makes a key of the calling user, in the organisation of the call.
    pub async fn create_api_key(&self, caller: &Caller, new: NewApiKey) -> Result<CreatedApiKey> {
        caller.needs(Role::User)?;
        let prepared = self.prepare_key();
        self.insert_api_key(caller, caller.user()?, prepared, new)
            .await
    }

    /// Makes a key for a member. For the operator.
    pub async fn create_api_key_for(
        &self,
        caller: &Caller,
        owner: UserId,
        new: NewApiKey,
    ) -> Result<CreatedApiKey> {
        caller.needs_operator()?;
        self.insert_api_key(caller, owner, self.prepare_key(), new)
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

    /// The calling user's keys in the organisation of the call.
    pub async fn api_keys(&self, caller: &Caller) -> Result<Vec<NarrowedApiKey>> {
        caller.needs(Role::User)?;
        Ok(self
            .0
            .store
            .api_keys_of(caller.scope(), caller.user()?)
            .await?)
    }

    /// One of the calling user's keys.
    pub async fn api_key(&self, caller: &Caller, id: ApiKeyId) -> Result<NarrowedApiKey> {
        caller.needs(Role::User)?;
        self.0
            .store
            .api_key(caller.scope(), caller.user()?, id)
            .await?
            .ok_or(Error::NotFound { what: "API key" })
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

    /// Deletes one of the calling user's keys. When this returns, no request passes with it.
    pub async fn delete_api_key(&self, caller: &Caller, id: ApiKeyId) -> Result<()> {
        self.revoking(move || self.delete_api_key_now(caller, id))
            .await
    }

    async fn delete_api_key_now(&self, caller: &Caller, id: ApiKeyId) -> Result<()> {
        caller.needs(Role::User)?;
        self.revoke_api_key(caller, caller.user()?, id).await
    }

    /// Deletes a member's key. For admins and the operator; the keys of an owner, for owners.
    pub async fn delete_api_key_of(
        &self,
        caller: &Caller,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<()> {
        self.revoking(move || self.delete_api_key_of_now(caller, owner, id))
            .await
    }

    async fn delete_api_key_of_now(
        &self,
        caller: &Caller,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<()> {
        caller.needs(Role::Admin)?;
        let known = self.known(caller, owner, id).await?;
        let mut write = self.begin_locked(caller).await?;
        let membership = write.membership(caller.scope(), owner).await?;
        let role = membership.map_or(Role::User, |membership| membership.role);
        caller.needs(needed_to_touch(role))?;
        self.revoke(write, caller, &known).await
    }

    async fn revoke_api_key(&self, caller: &Caller, owner: UserId, id: ApiKeyId) -> Result<()> {
        let known = self.known(caller, owner, id).await?;
        let write = self.begin().await?;
        self.revoke(write, caller, &known).await
    }

    /// Returns the key for the audit record of its revocation.
    async fn known(&self, caller: &Caller, owner: UserId, id: ApiKeyId) -> Result<NarrowedApiKey> {
        let found = self.0.store.api_key(caller.scope(), owner, id).await?;
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

    /// The grants of a new key, each of which has to give it something.
    fn key_grants(&self, key: &ApiKey, wanted: Vec<NewGrant>) -> Checked<Vec<Grant>> {
        if wanted.is_empty() {
            return Err(vec![FieldError::new(
                "grants",
                "empty_grants",
                "must not be empty, for such a key could do nothing; leave it out for a key with \
                 all rights of its owner",
            )]);
        }
        if wanted.len() > Grant::MAX_PER_API_KEY {
            return Err(vec![FieldError::new(
                "grants",
                "too_many_grants",
                format!("must have at most {} entries", Grant::MAX_PER_API_KEY),
            )]);
        }
        let bytes: usize = wanted.iter().map(|new| new.path.as_str().len()).sum();
        if bytes > MAX_PATH_BYTES {
            return Err(vec![FieldError::new(
                "grants",
                "grants_too_long",
                format!("must have paths of at most {MAX_PATH_BYTES} bytes in all"),
            )]);
        }
        let grants: Vec<_> = wanted
            .into_iter()
            .map(|new| Grant {
                id: GrantId::mint(self.clock(), self.entropy()),
                organization_id: key.organization_id,
                holder: GrantHolder::ApiKey(key.id),
                path: new.path,
                capability: new.capability,
                can_approve: new.can_approve,
                created_at: key.created_at,
                updated_at: key.created_at,
            })
            .collect();
        let covered = covered_by_others(&grants);
        if covered.is_empty() {
            Ok(grants)
        } else {
            Err(covered)
        }
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
