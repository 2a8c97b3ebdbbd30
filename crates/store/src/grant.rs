//! Path permissions.

use vestibule_model::{
    ApiKeyId, Capability, Grant, GrantHolder, GrantId, GroupId, OrgScope, UserId,
};

use crate::page::{Listed, Page};
use crate::sql::{Query, Row, Source, sql};
use crate::{Store, StoreError, Write};

mod below;

pub use below::{GrantsBelow, HoldingKey, PlacedGrant};

/// The columns of a grant `g`.
macro_rules! grant_columns {
    () => {
        "g.id, g.organization_id, g.user_id, g.group_id, g.api_key_id, g.path, g.capability,
         g.can_approve, g.created_at, g.updated_at"
    };
}
pub(crate) use grant_columns;

pub(crate) fn read_grant(row: &Row<'_>) -> Result<Grant, StoreError> {
    let holder = match (
        row.get::<Option<UserId>>("user_id")?,
        row.get::<Option<GroupId>>("group_id")?,
        row.get::<Option<ApiKeyId>>("api_key_id")?,
    ) {
        (Some(user), None, None) => GrantHolder::User(user),
        (None, Some(group), None) => GrantHolder::Group(group),
        (None, None, Some(key)) => GrantHolder::ApiKey(key),
        _ => return Err(StoreError::corrupt("a grant has not exactly one holder")),
    };
    Ok(Grant {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        holder,
        path: row.get("path")?,
        capability: row.get("capability")?,
        can_approve: row.get("can_approve")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

async fn grant(
    source: &mut impl Source,
    scope: OrgScope,
    id: GrantId,
) -> Result<Option<Grant>, StoreError> {
    sql(concat!(
        "SELECT ",
        grant_columns!(),
        " FROM path_grant g WHERE g.organization_id = $1 AND g.id = $2"
    ))
    .bind(scope)
    .bind(id)
    .optional(source, read_grant)
    .await
}

fn held_by(scope: OrgScope, holder: GrantHolder) -> Query {
    macro_rules! held_by {
        ($column:literal) => {
            concat!(
                "SELECT ",
                grant_columns!(),
                " FROM path_grant g WHERE g.organization_id = $1 AND g.",
                $column,
                " = $2 ORDER BY g.created_at, g.id"
            )
        };
    }
    match holder {
        GrantHolder::User(id) => sql(held_by!("user_id")).bind(scope).bind(id),
        GrantHolder::Group(id) => sql(held_by!("group_id")).bind(scope).bind(id),
        GrantHolder::ApiKey(id) => sql(held_by!("api_key_id")).bind(scope).bind(id),
    }
}

impl Store {
    /// A grant, whoever holds it.
    pub async fn grant(&self, scope: OrgScope, id: GrantId) -> Result<Option<Grant>, StoreError> {
        grant(&mut self.reader().await?, scope, id).await
    }

    /// Lists the grants of one holder, the oldest first.
    pub async fn grants_of(
        &self,
        scope: OrgScope,
        holder: GrantHolder,
    ) -> Result<Vec<Grant>, StoreError> {
        // At most fifty, whoever the holder is.
        self.prompt_all(held_by(scope, holder), read_grant).await
    }
}

impl Store {
    /// A part of a user's own grants, of one capability or of all, the oldest first. A user has at
    /// most [`Grant::MAX_PER_USER`], which are read whole.
    pub async fn user_grants(
        &self,
        scope: OrgScope,
        user: UserId,
        capability: Option<Capability>,
        page: Page,
    ) -> Result<Listed<Grant>, StoreError> {
        let mut grants = self.grants_of(scope, GrantHolder::User(user)).await?;
        grants.retain(|grant| capability.is_none_or(|wanted| grant.capability == wanted));
        let key = |grant: &Grant| (grant.created_at, grant.id.uuid());
        Ok(Listed::of_all(grants, page, key))
    }
}

impl Write {
    /// Adds a grant. [`Conflict::Reference`](crate::Conflict::Reference) where its holder does not
    /// exist; whether the holder belongs to the organisation is for the caller to know.
    pub async fn insert_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        let (user, group, key) = match grant.holder {
            GrantHolder::User(id) => (Some(id), None, None),
            GrantHolder::Group(id) => (None, Some(id), None),
            GrantHolder::ApiKey(id) => (None, None, Some(id)),
        };
        sql(
            "INSERT INTO path_grant (id, organization_id, user_id, group_id, api_key_id, path,
                capability, can_approve, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(grant.id)
        .bind(grant.organization_id)
        .bind(user)
        .bind(group)
        .bind(key)
        .bind(&grant.path)
        .bind(grant.capability)
        .bind(grant.can_approve)
        .bind(grant.created_at)
        .bind(grant.updated_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// A grant, whoever holds it, as this transaction sees it.
    pub async fn grant(
        &mut self,
        scope: OrgScope,
        id: GrantId,
    ) -> Result<Option<Grant>, StoreError> {
        grant(self, scope, id).await
    }

    /// Lists the grants of one holder, the oldest first, as this transaction sees it. Only after
    /// [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn grants_of(
        &mut self,
        scope: OrgScope,
        holder: GrantHolder,
    ) -> Result<Vec<Grant>, StoreError> {
        held_by(scope, holder).all(self, read_grant).await
    }

    /// Writes a grant's path, capability, `can_approve` and `updated_at`; whether the
    /// organisation has such a grant.
    pub async fn update_grant(&mut self, grant: &Grant) -> Result<bool, StoreError> {
        let changed = sql(
            "UPDATE path_grant SET path = $3, capability = $4, can_approve = $5, updated_at = $6
             WHERE organization_id = $1 AND id = $2",
        )
        .bind(grant.organization_id)
        .bind(grant.id)
        .bind(&grant.path)
        .bind(grant.capability)
        .bind(grant.can_approve)
        .bind(grant.updated_at)
        .execute(self)
        .await?;
        Ok(changed > 0)
    }

    /// Deletes a grant; whether there was such a grant.
    pub async fn delete_grant(&mut self, scope: OrgScope, id: GrantId) -> Result<bool, StoreError> {
        let removed = sql("DELETE FROM path_grant WHERE organization_id = $1 AND id = $2")
            .bind(scope)
            .bind(id)
            .execute(self)
            .await?;
        Ok(removed > 0)
    }
}
