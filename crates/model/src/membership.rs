//! Who belongs to which organisation, as what.

use crate::{OrganizationId, Role, Timestamp, UserId};

/// A user in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// The user.
    pub user_id: UserId,
    /// The user's role in the organisation.
    pub role: Role,
    /// The time at which the user joined.
    pub created_at: Timestamp,
    /// Since when the membership stands still, where that is so.
    pub deactivated_at: Option<Timestamp>,
}
