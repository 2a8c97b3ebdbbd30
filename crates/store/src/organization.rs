//! Workspaces.

use vestibule_model::{
    Name, OrgScope, Organization, OrganizationId, PlanName, Role, Timestamp, UserId,
};

use crate::hold::{Held, held};
use crate::page::{Listed, Listing, Page, listing};
use crate::sql::{Query, Row, sql};
use crate::{Store, StoreError, Write};

const LOCK_ORGANIZATION: Held = held!("SELECT 1 AS held FROM organization WHERE id = $1");

/// The columns of an organisation `o`.
macro_rules! organization_columns {
    () => {
        "o.id, o.name, o.plan, o.created_at, o.deactivated_at"
    };
}

fn read_organization(row: &Row<'_>) -> Result<Organization, StoreError> {
    Ok(Organization {
        id: row.get("id")?,
        name: row.get("name")?,
        plan: row.get("plan")?,
        created_at: row.get("created_at")?,
        deactivated_at: row.get("deactivated_at")?,
    })
}

fn by_id(id: OrganizationId) -> Query {
    sql(concat!(
        "SELECT ",
        organization_columns!(),
        " FROM organization o WHERE o.id = $1"
    ))
    .bind(id)
}

impl Store {
    /// An organisation, active or not.
    pub async fn organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, StoreError> {
        self.prompt_optional(by_id(id), read_organization).await
    }

    /// A part of all organisations, the oldest first. For the operator.
    pub async fn organizations(&self, page: Page) -> Result<Listed<Organization>, StoreError> {
        const LIST: Listing = listing!(
            0,
            organization_columns!(),
            "organization o WHERE TRUE",
            "o.created_at",
            "o.id"
        );
        LIST.read(
            &mut self.list_reader().await?,
            page,
            |query| query,
            read_organization,
            |organization| (organization.created_at, organization.id.uuid()),
        )
        .await
    }

    /// The organisations of exactly this name, the oldest first, at most `most`. For the operator.
    pub async fn organizations_named(
        &self,
        name: &str,
        most: u32,
    ) -> Result<Vec<Organization>, StoreError> {
        sql(concat!(
            "SELECT ",
            organization_columns!(),
            " FROM organization o WHERE o.name = $1 ORDER BY o.created_at, o.id LIMIT $2"
        ))
        .bind(name)
        .bind(i64::from(most))
        .all(&mut self.reader().await?, read_organization)
        .await
    }

    /// A part of the active organisations in which a user is an active member, or that one of them,
    /// the oldest membership first, with the user's role.
    pub async fn organizations_of(
        &self,
        user: UserId,
        only: Option<OrganizationId>,
        page: Page,
    ) -> Result<Listed<(Organization, Role)>, StoreError> {
        const LIST: Listing = listing!(
            1,
            concat!(
                organization_columns!(),
                ", m.role, m.created_at AS member_since"
            ),
            "membership m JOIN organization o ON o.id = m.organization_id
             WHERE m.user_id = $1 AND m.deactivated_at IS NULL AND o.deactivated_at IS NULL",
            "m.created_at",
            "m.organization_id"
        );
        let read = |row: &Row<'_>| {
            let since: Timestamp = row.get("member_since")?;
            Ok((read_organization(row)?, row.get::<Role>("role")?, since))
        };
        let key = |(organization, _, since): &(Organization, Role, Timestamp)| {
            (*since, organization.id.uuid())
        };
        let found = match only {
            None => {
                LIST.read_promptly(self, page, |query| query.bind(user), read, key)
                    .await?
            }
            Some(id) => {
                let found = sql(concat!(
                    "SELECT ",
                    organization_columns!(),
                    ", m.role, m.created_at AS member_since
                     FROM membership m JOIN organization o ON o.id = m.organization_id
                     WHERE m.user_id = $1 AND m.organization_id = $2
                         AND m.deactivated_at IS NULL AND o.deactivated_at IS NULL"
                ));
                // At most one row: a user has one membership of an organisation.
                let found = self.prompt_all(found.bind(user).bind(id), read).await?;
                Listed::of_all(found, page, key)
            }
        };
        Ok(found.map(|(organization, role, _)| (organization, role)))
    }
}

impl Write {
    /// The organisations whose active members include this user as an owner, and none of whose
    /// active owners may act: the oldest first.
    pub async fn organizations_left_without_owner_by(
        &mut self,
        user: UserId,
    ) -> Result<Vec<Organization>, StoreError> {
        sql(concat!(
            "SELECT ",
            organization_columns!(),
            " FROM membership m JOIN organization o ON o.id = m.organization_id
             WHERE m.user_id = $1 AND m.role = 'OWNER' AND m.deactivated_at IS NULL
                 AND NOT EXISTS (
                     SELECT 1 FROM membership n JOIN user_account u ON u.id = n.user_id
                     WHERE n.organization_id = m.organization_id AND n.role = 'OWNER'
                         AND n.deactivated_at IS NULL AND u.suspended_at IS NULL)
             ORDER BY o.created_at, o.id"
        ))
        .bind(user)
        .all(self, read_organization)
        .await
    }

    /// Adds an organisation.
    pub async fn insert_organization(
        &mut self,
        organization: &Organization,
    ) -> Result<(), StoreError> {
        sql(
            "INSERT INTO organization (id, name, plan, created_at, deactivated_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(organization.id)
        .bind(&organization.name)
        .bind(&organization.plan)
        .bind(organization.created_at)
        .bind(organization.deactivated_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// An organisation, active or not, as this transaction sees it.
    pub async fn organization(
        &mut self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, StoreError> {
        by_id(id).optional(self, read_organization).await
    }

    /// Makes every other transaction that wants this lock wait until this one is over; whether
    /// there is such an organisation. What is counted afterwards (owners, seats, grants) is still
    /// true at the commit.
    pub async fn lock_organization(&mut self, scope: OrgScope) -> Result<bool, StoreError> {
        self.hold(LOCK_ORGANIZATION).bind(scope).exists(self).await
    }

    /// Puts the organisation on a plan; whether there is such an organisation.
    pub async fn set_plan(&mut self, scope: OrgScope, plan: &PlanName) -> Result<bool, StoreError> {
        let changed = sql("UPDATE organization SET plan = $2 WHERE id = $1")
            .bind(scope)
            .bind(plan)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Gives the organisation another name; whether there is such an organisation.
    pub async fn rename_organization(
        &mut self,
        scope: OrgScope,
        name: &Name,
    ) -> Result<bool, StoreError> {
        let changed = sql("UPDATE organization SET name = $2 WHERE id = $1")
            .bind(scope)
            .bind(name)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Deactivates the organisation, or activates it again; whether there is such one.
    pub async fn set_organization_deactivated(
        &mut self,
        scope: OrgScope,
        since: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let changed = sql("UPDATE organization SET deactivated_at = $2 WHERE id = $1")
            .bind(scope)
            .bind(since)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{Backend, World};

    #[tokio::test]
    async fn holding_an_organisation_costs_nothing_for_what_it_has() {
        let world = World::new(Backend::Sqlite).await;
        let query: &'static str = format!("EXPLAIN {}", LOCK_ORGANIZATION.sqlite).leak();
        let opened = sql(query)
            .bind(world.scope)
            .all(&mut world.store.reader().await.unwrap(), |row| {
                row.get::<String>("opcode")
            })
            .await
            .unwrap();
        let opened = opened.iter().filter(|step| step.starts_with("Open"));
        assert_eq!(opened.count(), 1, "the row itself, and no other table");
    }
}
