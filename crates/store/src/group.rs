//! Named members of an organisation.

use vestibule_model::{Group, GroupId, OrgScope, Timestamp, UserId};

use crate::page::{Listed, Listing, Page, listing};
use crate::sql::{Row, sql};
use crate::{Store, StoreError, Write};

fn read_group(row: &Row<'_>) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
    })
}

impl Store {
    /// A part of the groups, the oldest first.
    pub async fn groups(&self, scope: OrgScope, page: Page) -> Result<Listed<Group>, StoreError> {
        const LIST: Listing = listing!(
            1,
            "g.id, g.organization_id, g.name, g.created_at",
            "user_group g WHERE g.organization_id = $1",
            "g.created_at",
            "g.id"
        );
        LIST.read(
            &mut self.list_reader().await?,
            page,
            |query| query.bind(scope),
            read_group,
            |group| (group.created_at, group.id.uuid()),
        )
        .await
    }

    /// The group of this name.
    pub async fn group_named(
        &self,
        scope: OrgScope,
        name: &str,
    ) -> Result<Option<Group>, StoreError> {
        sql(
            "SELECT id, organization_id, name, created_at FROM user_group
             WHERE organization_id = $1 AND name = $2",
        )
        .bind(scope)
        .bind(name)
        .optional(&mut self.reader().await?, read_group)
        .await
    }

    /// A group.
    pub async fn group(&self, scope: OrgScope, id: GroupId) -> Result<Option<Group>, StoreError> {
        sql(
            "SELECT id, organization_id, name, created_at FROM user_group
             WHERE organization_id = $1 AND id = $2",
        )
        .bind(scope)
        .bind(id)
        .optional(&mut self.reader().await?, read_group)
        .await
    }

    /// A part of those who are in a group, the longest first.
    pub async fn group_members(
        &self,
        scope: OrgScope,
        id: GroupId,
        page: Page,
    ) -> Result<Listed<UserId>, StoreError> {
        const LIST: Listing = listing!(
            2,
            "gm.user_id, gm.created_at",
            "group_member gm WHERE gm.organization_id = $1 AND gm.group_id = $2",
            "gm.created_at",
            "gm.user_id"
        );
        let reader = &mut self.list_reader().await?;
        let members = LIST.read(
            reader,
            page,
            |query| query.bind(scope).bind(id),
            |row| Ok((row.get::<UserId>("user_id")?, row.get("created_at")?)),
            |(user, since)| (*since, user.uuid()),
        );
        Ok(members.await?.map(|(user, _)| user))
    }
}

impl Write {
    /// The groups that a user is in, as this transaction sees it.
    pub async fn groups_of(
        &mut self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Vec<GroupId>, StoreError> {
        sql(
            "SELECT group_id FROM group_member WHERE organization_id = $1 AND user_id = $2
             ORDER BY group_id",
        )
        .bind(scope)
        .bind(user)
        .all(self, |row| row.get("group_id"))
        .await
    }

    /// Adds a group. [`Conflict::GroupName`](crate::Conflict::GroupName) where the organisation
    /// has another of this name.
    pub async fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        sql(
            "INSERT INTO user_group (id, organization_id, name, created_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(group.id)
        .bind(group.organization_id)
        .bind(&group.name)
        .bind(group.created_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Puts an active member into a group; whether there are such a group and member.
    /// [`Conflict::GroupMember`](crate::Conflict::GroupMember) where the member is in it already.
    pub async fn add_group_member(
        &mut self,
        scope: OrgScope,
        id: GroupId,
        user: UserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let added = sql(
            "INSERT INTO group_member (group_id, user_id, organization_id, created_at)
             SELECT g.id, m.user_id, m.organization_id, $4
             FROM user_group g JOIN membership m ON m.organization_id = g.organization_id
             WHERE g.organization_id = $1 AND g.id = $2 AND m.user_id = $3
                 AND m.deactivated_at IS NULL",
        )
        .bind(scope)
        .bind(id)
        .bind(user)
        .bind(at)
        .execute(self)
        .await?;
        Ok(added > 0)
    }

    /// Takes a member out of a group; whether the member was in it.
    pub async fn remove_group_member(
        &mut self,
        scope: OrgScope,
        id: GroupId,
        user: UserId,
    ) -> Result<bool, StoreError> {
        let removed = sql("DELETE FROM group_member
             WHERE organization_id = $1 AND group_id = $2 AND user_id = $3")
        .bind(scope)
        .bind(id)
        .bind(user)
        .execute(self)
        .await?;
        Ok(removed > 0)
    }

    /// Deletes a group with its grants; whether there was such a group.
    pub async fn delete_group(&mut self, scope: OrgScope, id: GroupId) -> Result<bool, StoreError> {
        for query in [
            "DELETE FROM group_member WHERE organization_id = $1 AND group_id = $2",
            "DELETE FROM path_grant WHERE organization_id = $1 AND group_id = $2",
        ] {
            sql(query).bind(scope).bind(id).execute(self).await?;
        }
        let removed = sql("DELETE FROM user_group WHERE organization_id = $1 AND id = $2")
            .bind(scope)
            .bind(id)
            .execute(self)
            .await?;
        Ok(removed > 0)
    }
}
