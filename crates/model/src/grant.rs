//! Path permissions.

use crate::{
    ApiKeyId, Capability, GrantId, GroupId, OrganizationId, ResourcePath, Timestamp, UserId,
};

/// The holder of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantHolder {
    /// One member.
    User(UserId),
    /// Every member of a group.
    Group(GroupId),
    /// One API key, whose owner's rights it narrows.
    ApiKey(ApiKeyId),
}

/// `holder` may act with `capability` on `path` and all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The grant's id.
    pub id: GrantId,
    /// The organisation whose resources it is about.
    pub organization_id: OrganizationId,
    /// The holder.
    pub holder: GrantHolder,
    /// The path from which it applies downwards.
    pub path: ResourcePath,
    /// The capability that it gives.
    pub capability: Capability,
    /// Also allows approving, which no capability includes.
    pub can_approve: bool,
    /// The time at which it was granted.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

impl Grant {
    /// The most grants that one user may hold in an organisation. Those of groups do not count.
    pub const MAX_PER_USER: usize = 50;

    /// The most grants of a group: as many as of a member. What a member has through
    /// [`Group::MAX_PER_USER`](crate::Group::MAX_PER_USER) such groups is read for each credential
    /// of the member, and held in memory.
    pub const MAX_PER_GROUP: usize = 50;

    /// The most grants that may narrow one API key.
    pub const MAX_PER_API_KEY: usize = 50;
}
