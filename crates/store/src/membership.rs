//! Who belongs to which organisation, as what.

use vestibule_model::{Membership, OrgScope, OrganizationId, Role, Timestamp, User, UserId};

use crate::page::{FIFTY, Listed, Listing, Page, bind_fifty, fifty, listing};
use crate::sql::{Row, Source, sql};
use crate::user::{read_user, user_columns};
use crate::{Store, StoreError, Write};

/// The ends of a user's membership. The kinds are spelled as in the index of migration 0007, or
/// neither engine would use it.
pub(crate) const ENDS_SINCE: &str = "SELECT COUNT(*) AS count FROM audit_record
     WHERE organization_id = $1 AND at > $2 AND subject = $3
         AND kind IN ('member.removed', 'member.deactivated')";

/// The columns of a member: a user `u` with a membership `m`.
macro_rules! member_columns {
    () => {
        concat!(
            user_columns!(),
            ", m.organization_id, m.role, m.created_at, m.deactivated_at"
        )
    };
}

fn read_member(row: &Row<'_>) -> Result<(User, Membership), StoreError> {
    Ok((read_user(row)?, read_membership(row)?))
}

fn read_membership(row: &Row<'_>) -> Result<Membership, StoreError> {
    Ok(Membership {
        organization_id: row.get("organization_id")?,
        user_id: row.get("user_id")?,
        role: row.get("role")?,
        created_at: row.get("created_at")?,
        deactivated_at: row.get("deactivated_at")?,
    })
}

async fn membership(
    source: &mut impl Source,
    scope: OrgScope,
    user: UserId,
) -> Result<Option<Membership>, StoreError> {
    sql(
        "SELECT organization_id, user_id, role, created_at, deactivated_at
         FROM membership WHERE organization_id = $1 AND user_id = $2",
    )
    .bind(scope)
    .bind(user)
    .optional(source, read_membership)
    .await
}

/// Read under the organisation's lock: from the index of the owners. The role is spelled as in the
/// index of migration 0021, or neither engine would use it.
const ACTIVE_OWNERS: &str = "SELECT COUNT(*) AS count FROM (
         SELECT 1 FROM membership m JOIN user_account u ON u.id = m.user_id
         WHERE m.organization_id = $1 AND m.role = 'OWNER' AND m.deactivated_at IS NULL
             AND u.suspended_at IS NULL LIMIT $2) counted";

/// Read under the organisation's lock: from the index of those who take a seat.
const TAKEN_SEATS: &str = "SELECT COUNT(*) AS count FROM (
         SELECT 1 FROM membership
         WHERE organization_id = $1 AND deactivated_at IS NULL LIMIT $2) counted";

impl Store {
    /// A user's membership, active or not.
    pub async fn membership(
        &self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        membership(&mut self.reader().await?, scope, user).await
    }

    /// A part of the members, active or not, the longest first.
    pub async fn members(
        &self,
        scope: OrgScope,
        page: Page,
    ) -> Result<Listed<(User, Membership)>, StoreError> {
        const LIST: Listing = Listing {
            count: "SELECT COUNT(*) AS count FROM (
                 SELECT 1 AS one FROM membership WHERE organization_id = $1
                 ORDER BY created_at, user_id LIMIT $2) AS counted",
            ..listing!(
                1,
                member_columns!(),
                "membership m JOIN user_account u ON u.id = m.user_id
                 WHERE m.organization_id = $1",
                "m.created_at",
                "m.user_id"
            )
        };
        LIST.read(
            &mut self.list_reader().await?,
            page,
            |query| query.bind(scope),
            read_member,
            |(user, membership)| (membership.created_at, user.id.uuid()),
        )
        .await
    }

    /// Those of some users who are members, active or not, in no order.
    pub async fn members_among(
        &self,
        scope: OrgScope,
        users: &[UserId],
    ) -> Result<Vec<(User, Membership)>, StoreError> {
        let reader = &mut self.reader().await?;
        let ids: Vec<_> = users.iter().map(|user| user.uuid()).collect();
        let mut found = Vec::new();
        for ids in ids.chunks(FIFTY) {
            let query = sql(concat!(
                "SELECT ",
                member_columns!(),
                " FROM membership m JOIN user_account u ON u.id = m.user_id
                 WHERE m.organization_id = $1 AND m.user_id IN (",
                fifty!(),
                ")"
            ))
            .bind(scope);
            found.extend(bind_fifty(query, ids).all(reader, read_member).await?);
        }
        Ok(found)
    }

    /// All active owners, the longest first.
    pub async fn owners(&self, scope: OrgScope) -> Result<Vec<(User, Membership)>, StoreError> {
        sql(concat!(
            "SELECT ",
            member_columns!(),
            " FROM membership m JOIN user_account u ON u.id = m.user_id
             WHERE m.organization_id = $1 AND m.role = $2 AND m.deactivated_at IS NULL
             ORDER BY m.created_at, m.user_id"
        ))
        .bind(scope)
        .bind(Role::Owner)
        .all(&mut self.list_reader().await?, read_member)
        .await
    }

    /// Returns whether a membership of the user was removed or deactivated after `moment`, whatever
    /// has become of it since. Read from the audit log, which has a record of each, committed with
    /// it.
    pub async fn has_membership_ended_since(
        &self,
        user: UserId,
        organization: OrganizationId,
        moment: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = sql(ENDS_SINCE)
            .bind(organization)
            .bind(moment)
            .bind(user.to_string().as_str())
            .count(&mut self.reader().await?)
            .await?;
        Ok(ended > 0)
    }

    /// Counts the active members at this moment.
    pub async fn count_members(&self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count FROM membership
             WHERE organization_id = $1 AND deactivated_at IS NULL")
        .bind(scope)
        .count(&mut self.reader().await?)
        .await
    }
}

impl Write {
    /// Adds a member. [`Conflict::Membership`](crate::Conflict::Membership) where the user is one
    /// already, active or not.
    pub async fn insert_membership(&mut self, membership: &Membership) -> Result<(), StoreError> {
        sql(
            "INSERT INTO membership (organization_id, user_id, role, created_at, deactivated_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(membership.organization_id)
        .bind(membership.user_id)
        .bind(membership.role)
        .bind(membership.created_at)
        .bind(membership.deactivated_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// A user's membership, active or not, as this transaction sees it.
    pub async fn membership(
        &mut self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        membership(self, scope, user).await
    }

    /// The role of an active member of an active organisation, as this transaction sees it. Only
    /// after [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn active_role(
        &mut self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Option<Role>, StoreError> {
        sql(
            "SELECT m.role FROM membership m JOIN organization o ON o.id = m.organization_id
             WHERE m.organization_id = $1 AND m.user_id = $2
                 AND m.deactivated_at IS NULL AND o.deactivated_at IS NULL",
        )
        .bind(scope)
        .bind(user)
        .optional(self, |row| row.get("role"))
        .await
    }

    /// Sets a member's role; whether there is such a member.
    pub async fn set_role(
        &mut self,
        scope: OrgScope,
        user: UserId,
        role: Role,
    ) -> Result<bool, StoreError> {
        let changed =
            sql("UPDATE membership SET role = $3 WHERE organization_id = $1 AND user_id = $2")
                .bind(scope)
                .bind(user)
                .bind(role)
                .execute(self)
                .await?;
        Ok(changed > 0)
    }

    /// Deactivates a member, which takes the member out of every group for good, or activates one
    /// again; whether there is such a member.
    pub async fn set_membership_deactivated(
        &mut self,
        scope: OrgScope,
        user: UserId,
        since: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        if since.is_some() {
            self.leave_groups(scope, user).await?;
        }
        let changed = sql("UPDATE membership SET deactivated_at = $3
             WHERE organization_id = $1 AND user_id = $2")
        .bind(scope)
        .bind(user)
        .bind(since)
        .execute(self)
        .await?;
        Ok(changed > 0)
    }

    /// Removes a member with the member's place in groups and own grants, and revokes the
    /// member's keys; whether there was such a member.
    pub async fn remove_membership(
        &mut self,
        scope: OrgScope,
        user: UserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.leave_groups(scope, user).await?;
        sql("DELETE FROM path_grant WHERE user_id = $2 AND organization_id = $1")
            .bind(scope)
            .bind(user)
            .execute(self)
            .await?;
        sql("UPDATE api_key SET revoked_at = $3
             WHERE organization_id = $1 AND owner_id = $2 AND revoked_at IS NULL")
        .bind(scope)
        .bind(user)
        .bind(at)
        .execute(self)
        .await?;
        let removed = sql("DELETE FROM membership WHERE organization_id = $1 AND user_id = $2")
            .bind(scope)
            .bind(user)
            .execute(self)
            .await?;
        Ok(removed > 0)
    }

    /// Counts the active owners who may act, and stops at `up_to`. Only after
    /// [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn count_owners(&mut self, scope: OrgScope, up_to: u32) -> Result<u64, StoreError> {
        sql(ACTIVE_OWNERS)
            .bind(scope)
            .bind(i64::from(up_to))
            .count(self)
            .await
    }

    /// Counts the active members, and stops at `up_to`. Only after
    /// [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn count_members(&mut self, scope: OrgScope, up_to: u32) -> Result<u64, StoreError> {
        sql(TAKEN_SEATS)
            .bind(scope)
            .bind(i64::from(up_to))
            .count(self)
            .await
    }

    async fn leave_groups(&mut self, scope: OrgScope, user: UserId) -> Result<(), StoreError> {
        sql("DELETE FROM group_member WHERE user_id = $2 AND organization_id = $1")
            .bind(scope)
            .bind(user)
            .execute(self)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::explained::uses_only;
    use crate::support::{Backend, World};

    #[rstest]
    #[tokio::test]
    async fn owners_and_seats_are_counted_without_reading_other_members(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let world = World::new(backend).await;
        let types = "UUID, BIGINT";
        uses_only(&world, ACTIVE_OWNERS, types, "membership_owner").await;
        uses_only(&world, TAKEN_SEATS, types, "membership_active").await;
    }
}
