//! Workspaces.

use crate::{Name, OrganizationId, PlanName, Timestamp};

/// An isolated workspace: `/v1` calls it a tenant, `/api` an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The organisation's id.
    pub id: OrganizationId,
    /// The display name.
    pub name: Name,
    /// The plan it is on.
    pub plan: PlanName,
    /// The time of creation.
    pub created_at: Timestamp,
    /// Since when nobody passes for it, where that is so.
    pub deactivated_at: Option<Timestamp>,
}
