//! Named members of an organisation.

use vestibule_model::{Group, GroupId, OrgScope, Timestamp, UserId};

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
    /// The groups, the oldest first.
    pub async fn groups(&self, scope: OrgScope) -> Result<Vec<Group>, StoreError> {
        sql(
            "SELECT id, organization_id, name, created_at FROM user_group
             WHERE organization_id = $1 ORDER BY created_at, id",
        )
        .bind(scope)
        .all(&mut self.reader().await?, read_group)
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

    /// Who is in a group, the longest first.
    pub async fn group_members(
        &self,
        scope: OrgScope,
        id: GroupId,
    ) -> Result<Vec<UserId>, StoreError> {
        sql("SELECT user_id FROM group_member
             WHERE organization_id = $1 AND group_id = $2 ORDER BY created_at, user_id")
        .bind(scope)
        .bind(id)
        .all(&mut self.reader().await?, |row| row.get("user_id"))
        .await
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
