//! Groups.

use serde_json::json;
use vestibule_model::{Change, GrantHolder, Group, GroupId, Name, Role, UserId};
use vestibule_store::{Listed, Page};

use crate::grant::describe;
use crate::{Accounts, Caller, Error, Result};

const NO_GROUP: Error = Error::NotFound { what: "group" };

impl Accounts {
    /// Makes a group without members. For admins and owners.
    pub async fn create_group(&self, caller: &Caller, name: Name) -> Result<Group> {
        caller.needs(Role::Admin)?;
        let group = Group {
            id: GroupId::mint(self.clock(), self.entropy()),
            organization_id: caller.organization_id(),
            name,
            created_at: self.now(),
        };
        let mut write = self.begin_locked(caller).await?;
        write.insert_group(&group).await?;
        let details = json!({ "after": { "name": group.name } });
        self.commit(
            write,
            caller,
            "group.created",
            group.id.to_string(),
            &details,
        )
        .await?;
        Ok(group)
    }

    /// A part of the groups, the oldest first. For admins and owners.
    pub async fn groups(&self, caller: &Caller, page: Page) -> Result<Listed<Group>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.groups(caller.scope(), page).await?)
    }

    /// A group, by its id or its name, which no two groups share. For admins and owners.
    pub async fn group(&self, caller: &Caller, text: &str) -> Result<Group> {
        caller.needs(Role::Admin)?;
        let store = &self.0.store;
        let found = match text.parse() {
            Ok(id) => store.group(caller.scope(), id).await?,
            Err(_) => None,
        };
        match found {
            Some(group) => Ok(group),
            None => store
                .group_named(caller.scope(), text)
                .await?
                .ok_or(NO_GROUP),
        }
    }

    /// A part of those who are in a group, the longest first. For admins and owners.
    pub async fn group_members(
        &self,
        caller: &Caller,
        id: GroupId,
        page: Page,
    ) -> Result<Listed<UserId>> {
        caller.needs(Role::Admin)?;
        let store = &self.0.store;
        store.group(caller.scope(), id).await?.ok_or(NO_GROUP)?;
        Ok(store.group_members(caller.scope(), id, page).await?)
    }

    /// Deletes a group with what was granted to it. For admins and owners.
    pub async fn delete_group(&self, caller: &Caller, id: GroupId) -> Result<()> {
        self.revoking(move || self.delete_group_now(caller, id))
            .await
    }

    async fn delete_group_now(&self, caller: &Caller, id: GroupId) -> Result<()> {
        caller.needs(Role::Admin)?;
        let group = self.0.store.group(caller.scope(), id).await?;
        let group = group.ok_or(NO_GROUP)?;
        let mut write = self.begin_locked(caller).await?;
        let grants = write
            .grants_of(caller.scope(), GrantHolder::Group(id))
            .await?;
        if !write.delete_group(caller.scope(), id).await? {
            return Err(NO_GROUP);
        }
        write.change(Change::Organization(group.organization_id));
        let grants: Vec<_> = grants.iter().map(describe).collect();
        let details = json!({ "before": { "name": group.name, "grants": grants } });
        self.commit(write, caller, "group.deleted", id.to_string(), &details)
            .await
    }

    /// Puts an active member into a group. For admins and owners.
    pub async fn add_to_group(&self, caller: &Caller, id: GroupId, user: UserId) -> Result<()> {
        caller.needs(Role::Admin)?;
        let mut write = self.begin_locked(caller).await?;
        let groups = write.groups_of(caller.scope(), user).await?;
        // Whoever is in it already is told so.
        if groups.len() >= Group::MAX_PER_USER && !groups.contains(&id) {
            return Err(Error::conflict(
                "too_many_groups",
                format!(
                    "The member is in {} groups already, which is the limit; take the member out \
                     of one first.",
                    groups.len()
                ),
            ));
        }
        let added = write
            .add_group_member(caller.scope(), id, user, self.now())
            .await?;
        if !added {
            return Err(Error::NotFound {
                what: "group or active member",
            });
        }
        write.change(Change::User(user));
        let details = json!({ "user": user });
        self.commit(
            write,
            caller,
            "group.member_added",
            id.to_string(),
            &details,
        )
        .await
    }

    /// Takes a member out of a group. For admins and owners.
    pub async fn remove_from_group(
        &self,
        caller: &Caller,
        id: GroupId,
        user: UserId,
    ) -> Result<()> {
        self.revoking(move || self.remove_from_group_now(caller, id, user))
            .await
    }

    async fn remove_from_group_now(
        &self,
        caller: &Caller,
        id: GroupId,
        user: UserId,
    ) -> Result<()> {
        caller.needs(Role::Admin)?;
        let mut write = self.begin_locked(caller).await?;
        if !write.remove_group_member(caller.scope(), id, user).await? {
            return Err(Error::NotFound {
                what: "member of the group",
            });
        }
        write.change(Change::User(user));
        let details = json!({ "user": user });
        self.commit(
            write,
            caller,
            "group.member_removed",
            id.to_string(),
            &details,
        )
        .await
    }
}
