//! Changes of resources that another service keeps, and that their grants have yet to follow.
//!
//! A change is noted before the service stores its half, and taken when the service says that it
//! has. Taking it is what makes following idempotent: the row is gone with the same commit.

use vestibule_model::{
    Actor, ActorKind, OrgScope, OrganizationId, ResourceChangeId, ResourcePath, Timestamp,
};

use crate::sql::{Row, sql};
use crate::{StoreError, UnauditedWrite, Write};

/// A move or a deletion of a resource, as far as grants are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// The id, which the service keeps with its half of the change.
    pub id: ResourceChangeId,
    /// The organisation that the resource belongs to.
    pub organization_id: OrganizationId,
    /// The path of the resource before the change.
    pub from: ResourcePath,
    /// The path after it; `None` where the resource is deleted.
    pub to: Option<ResourcePath>,
    /// The actor who changed it, for the audit record.
    pub actor: Actor,
    /// The time at which the change was noted.
    pub created_at: Timestamp,
}

fn read_change(row: &Row<'_>) -> Result<ResourceChange, StoreError> {
    let kind: String = row.get("actor")?;
    let credential: Option<String> = row.get("credential")?;
    let address: Option<String> = row.get("address")?;
    Ok(ResourceChange {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        from: row.get("from_path")?,
        to: row.get("to_path")?,
        actor: Actor {
            kind: ActorKind::named(&kind)
                .ok_or_else(|| StoreError::corrupt("an actor of unknown kind"))?,
            user_id: row.get("user_id")?,
            // Of a later version's kind there is nothing to say.
            credential: credential.and_then(|text| text.parse().ok()),
            address: address.and_then(|text| text.parse().ok()),
            request_id: row.get("request_id")?,
        },
        created_at: row.get("created_at")?,
    })
}

impl Write {
    /// Notes a change that its service is about to store.
    pub async fn insert_resource_change(
        &mut self,
        change: &ResourceChange,
    ) -> Result<(), StoreError> {
        let credential = change.actor.credential.map(|it| it.to_string());
        let address = change.actor.address.map(|it| it.to_string());
        sql(
            "INSERT INTO resource_change (id, organization_id, from_path, to_path, actor, user_id,
                 credential, address, request_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(change.id)
        .bind(change.organization_id)
        .bind(&change.from)
        .bind(change.to.as_ref())
        .bind(change.actor.kind.as_str())
        .bind(change.actor.user_id)
        .bind(credential.as_deref())
        .bind(address.as_deref())
        .bind(change.actor.request_id.as_deref())
        .bind(change.created_at)
        .execute(self)
        .await?;
        Ok(())
    }
}

impl UnauditedWrite {
    /// Takes a noted change: of several who follow it, one gets it. Only after
    /// [`lock_organization`](Self::lock_organization) are its grants still the same at the commit.
    pub async fn take_resource_change(
        &mut self,
        scope: OrgScope,
        id: ResourceChangeId,
    ) -> Result<Option<ResourceChange>, StoreError> {
        sql(
            "DELETE FROM resource_change WHERE organization_id = $1 AND id = $2
             RETURNING id, organization_id, from_path, to_path, actor, user_id, credential, address,
                 request_id, created_at",
        )
        .bind(scope)
        .bind(id)
        .optional(self, read_change)
        .await
    }
}
