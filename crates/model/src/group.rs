//! Named members of an organisation.

use crate::{GroupId, Name, OrganizationId, Timestamp};

/// A group: what is granted to it, each of its members has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's id.
    pub id: GroupId,
    /// The organisation it belongs to.
    pub organization_id: OrganizationId,
    /// Its name, unique in the organisation.
    pub name: Name,
    /// The time of creation.
    pub created_at: Timestamp,
}

impl Group {
    /// The most groups of an organisation that a member is in. With all grants that those groups
    /// may have, at the longest paths, a caller takes less than 3 MiB of memory.
    pub const MAX_PER_USER: usize = 50;
}
