//! Path permissions of members and of groups.

use serde_json::{Value, json};
use vestibule_model::{
    Capability, Change, Grant, GrantHolder, GrantId, GroupId, ResourcePath, Role, UserId,
};
use vestibule_policy::{GrantRefusal, grants};
use vestibule_store::{Listed, Page, Write};

use crate::{Accounts, Caller, Error, Result};

mod resource;

/// The properties of a new grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// The path on which it holds.
    pub path: ResourcePath,
    /// The capability that it gives.
    pub capability: Capability,
    /// True if it also allows approving.
    pub can_approve: bool,
}

/// A change of a grant; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantPatch {
    /// The path on which it holds.
    pub path: Option<ResourcePath>,
    /// The capability that it gives.
    pub capability: Option<Capability>,
    /// True if it also allows approving.
    pub can_approve: Option<bool>,
}

/// The kind of holder that an operation is about. A grant of the other kind does not exist for it,
/// and those of API keys, which are created and deleted with their key, for neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// Those of members.
    User,
    /// Those of groups.
    Group,
}

impl HolderKind {
    fn has(self, grant: &Grant) -> bool {
        matches!(
            (self, grant.holder),
            (Self::User, GrantHolder::User(_)) | (Self::Group, GrantHolder::Group(_))
        )
    }
}

const NO_GRANT: Error = Error::NotFound { what: "permission" };

impl Accounts {
    /// Grants a member something. For admins and owners.
    pub async fn grant_to_user(
        &self,
        caller: &Caller,
        user: UserId,
        new: NewGrant,
    ) -> Result<Grant> {
        caller.needs(Role::Admin)?;
        let mut write = self.begin_locked(caller).await?;
        if write.membership(caller.scope(), user).await?.is_none() {
            return Err(Error::NotFound { what: "member" });
        }
        self.insert_grant(write, caller, GrantHolder::User(user), new)
            .await
    }

    /// Grants every member of a group something. For admins and owners.
    pub async fn grant_to_group(
        &self,
        caller: &Caller,
        group: GroupId,
        new: NewGrant,
    ) -> Result<Grant> {
        caller.needs(Role::Admin)?;
        if self.0.store.group(caller.scope(), group).await?.is_none() {
            return Err(Error::NotFound { what: "group" });
        }
        let write = self.begin_locked(caller).await?;
        self.insert_grant(write, caller, GrantHolder::Group(group), new)
            .await
    }

    async fn insert_grant(
        &self,
        mut write: Write,
        caller: &Caller,
        holder: GrantHolder,
        new: NewGrant,
    ) -> Result<Grant> {
        let now = self.now();
        let grant = Grant {
            id: GrantId::mint(self.clock(), self.entropy()),
            organization_id: caller.organization_id(),
            holder,
            path: new.path,
            capability: new.capability,
            can_approve: new.can_approve,
            created_at: now,
            updated_at: now,
        };
        let existing = write.grants_of(caller.scope(), holder).await?;
        let max = match holder {
            GrantHolder::User(_) => Grant::MAX_PER_USER,
            GrantHolder::Group(_) => Grant::MAX_PER_GROUP,
            GrantHolder::ApiKey(_) => Grant::MAX_PER_API_KEY,
        };
        admit(&existing, &grant, max)?;
        write.insert_grant(&grant).await?;
        let details = json!({ "after": describe(&grant) });
        self.commit_grant(write, caller, &grant, "grant.created", &details)
            .await?;
        Ok(grant)
    }

    /// A member's own grants, of one capability or of all. For admins and owners.
    pub async fn user_grants(
        &self,
        caller: &Caller,
        user: UserId,
        capability: Option<Capability>,
        page: Page,
    ) -> Result<Listed<Grant>> {
        caller.needs(Role::Admin)?;
        let store = &self.0.store;
        if store.membership(caller.scope(), user).await?.is_none() {
            return Err(Error::NotFound { what: "member" });
        }
        Ok(store
            .user_grants(caller.scope(), user, capability, page)
            .await?)
    }

    /// Lists the grants of a group. For admins and owners.
    pub async fn group_grants(&self, caller: &Caller, group: GroupId) -> Result<Vec<Grant>> {
        caller.needs(Role::Admin)?;
        let store = &self.0.store;
        if store.group(caller.scope(), group).await?.is_none() {
            return Err(Error::NotFound { what: "group" });
        }
        Ok(store
            .grants_of(caller.scope(), GrantHolder::Group(group))
            .await?)
    }

    /// A grant. For admins and owners.
    pub async fn grant(&self, caller: &Caller, kind: HolderKind, id: GrantId) -> Result<Grant> {
        caller.needs(Role::Admin)?;
        self.0
            .store
            .grant(caller.scope(), id)
            .await?
            .filter(|grant| kind.has(grant))
            .ok_or(NO_GRANT)
    }

    /// Changes a grant, which then has to add something to the holder's others. For admins and
    /// owners.
    pub async fn update_grant(
        &self,
        caller: &Caller,
        kind: HolderKind,
        id: GrantId,
        patch: GrantPatch,
    ) -> Result<Grant> {
        caller.needs(Role::Admin)?;
        let mut write = self.begin_locked(caller).await?;
        let before = write
            .grant(caller.scope(), id)
            .await?
            .filter(|grant| kind.has(grant))
            .ok_or(NO_GRANT)?;
        let mut after = Grant {
            path: patch.path.unwrap_or_else(|| before.path.clone()),
            capability: patch.capability.unwrap_or(before.capability),
            can_approve: patch.can_approve.unwrap_or(before.can_approve),
            ..before.clone()
        };
        if after == before {
            return Ok(before);
        }
        after.updated_at = self.now();
        let mut others = write.grants_of(caller.scope(), before.holder).await?;
        others.retain(|other| other.id != id);
        // A change adds none, so that it is fine for a holder with more than are given out now.
        admit(&others, &after, usize::MAX)?;
        write.update_grant(&after).await?;
        let details = json!({ "before": describe(&before), "after": describe(&after) });
        self.commit_grant(write, caller, &after, "grant.updated", &details)
            .await?;
        Ok(after)
    }

    /// Takes a grant back. For admins and owners.
    pub async fn delete_grant(&self, caller: &Caller, kind: HolderKind, id: GrantId) -> Result<()> {
        self.revoking(move || self.delete_grant_now(caller, kind, id))
            .await
    }

    async fn delete_grant_now(&self, caller: &Caller, kind: HolderKind, id: GrantId) -> Result<()> {
        caller.needs(Role::Admin)?;
        let mut write = self.begin_locked(caller).await?;
        let grant = write
            .grant(caller.scope(), id)
            .await?
            .filter(|grant| kind.has(grant))
            .ok_or(NO_GRANT)?;
        write.delete_grant(caller.scope(), id).await?;
        let details = json!({ "before": describe(&grant) });
        self.commit_grant(write, caller, &grant, "grant.deleted", &details)
            .await
    }

    async fn commit_grant(
        &self,
        mut write: Write,
        caller: &Caller,
        grant: &Grant,
        kind: &'static str,
        details: &Value,
    ) -> Result<()> {
        write.change(match grant.holder {
            GrantHolder::User(user) => Change::User(user),
            GrantHolder::ApiKey(key) => Change::ApiKey(key),
            GrantHolder::Group(_) => Change::Organization(grant.organization_id),
        });
        self.commit(write, caller, kind, grant.id.to_string(), details)
            .await
    }
}

fn admit(existing: &[Grant], grant: &Grant, max: usize) -> Result<()> {
    grants::admit(
        existing,
        &grant.path,
        grant.capability,
        grant.can_approve,
        max,
    )
    .map_err(|refusal| match refusal {
        GrantRefusal::Covered { .. } => Error::conflict(refusal.reason(), refusal.to_string()),
        GrantRefusal::TooMany { max } => Error::TooManyGrants { max },
    })
}

/// A grant as the audit log has it.
pub(crate) fn describe(grant: &Grant) -> Value {
    let (kind, holder) = match grant.holder {
        GrantHolder::User(user) => ("user", user.to_string()),
        GrantHolder::Group(group) => ("group", group.to_string()),
        GrantHolder::ApiKey(key) => ("api_key", key.to_string()),
    };
    json!({
        "id": grant.id,
        "holder": holder,
        "holder_kind": kind,
        "path": grant.path,
        "capability": grant.capability,
        "can_approve": grant.can_approve,
    })
}
