//! Rows that prove a scope.
//!
//! Whoever has no permit yet, or turns to another organisation than that of the permit, gets the
//! scope from what was read: a membership, a connection that somebody named, what a session came by.

use vestibule_model::{ConnectionId, OrgScope, OrganizationId, ResourceChangeId, Role, UserId};

use crate::sql::{Query, Row, sql};
use crate::sso_session::SsoSession;
use crate::{Store, StoreError, Write};

#[expect(
    clippy::disallowed_methods,
    reason = "the row that was read is what proves the scope"
)]
const fn proved(organization_id: OrganizationId) -> OrgScope {
    OrgScope::assume(organization_id)
}

fn member(user: UserId, organization: OrganizationId) -> Query {
    sql("SELECT m.organization_id, m.role
         FROM membership m JOIN organization o ON o.id = m.organization_id
         WHERE m.organization_id = $1 AND m.user_id = $2
             AND m.deactivated_at IS NULL AND o.deactivated_at IS NULL")
    .bind(organization)
    .bind(user)
}

fn read_member(row: &Row<'_>) -> Result<(OrgScope, Role), StoreError> {
    Ok((proved(row.get("organization_id")?), row.get("role")?))
}

impl Store {
    /// The scope of an active organisation that the user is an active member of, and as what.
    pub async fn scope_of_member(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<(OrgScope, Role)>, StoreError> {
        self.prompt_optional(member(user, organization), read_member)
            .await
    }

    /// Returns the scope of a change of a resource that its grants have yet to follow, if there is
    /// such a change.
    pub async fn scope_of_resource_change(
        &self,
        id: ResourceChangeId,
    ) -> Result<Option<OrgScope>, StoreError> {
        sql("SELECT organization_id FROM resource_change WHERE id = $1")
            .bind(id)
            .optional(&mut self.reader().await?, |row| {
                row.get("organization_id").map(proved)
            })
            .await
    }

    /// The scope of a connection that a stranger names, where its organisation is active.
    pub async fn scope_of_connection(
        &self,
        id: ConnectionId,
    ) -> Result<Option<OrgScope>, StoreError> {
        sql("SELECT c.organization_id
             FROM sso_connection c JOIN organization o ON o.id = c.organization_id
             WHERE c.id = $1 AND o.deactivated_at IS NULL")
        .bind(id)
        .optional(&mut self.reader().await?, |row| {
            row.get("organization_id").map(proved)
        })
        .await
    }
}

impl Write {
    /// The scope of an active organisation that the user is an active member of, and as what, as
    /// this transaction sees it. Only after [`lock_organization`](Self::lock_organization) is it
    /// still true at the commit.
    pub async fn scope_of_member(
        &mut self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<Option<(OrgScope, Role)>, StoreError> {
        member(user, organization).optional(self, read_member).await
    }
}

impl SsoSession {
    /// The scope of the organisation whose provider vouched.
    pub const fn scope(&self) -> OrgScope {
        proved(self.organization_id)
    }
}
