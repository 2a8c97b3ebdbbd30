//! Who somebody is at an identity provider.

use crate::{ConnectionId, OrganizationId, Timestamp, UserId};

/// A person at a provider, and the user whom that person is here: the connection, the issuer and
/// the subject say who it is, and nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoIdentity {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The organisation of the connection.
    pub organization_id: OrganizationId,
    /// The provider's name for itself.
    pub issuer: String,
    /// The provider's name for the person, never given to another.
    pub subject: String,
    /// The user.
    pub user_id: UserId,
    /// The time at which they were linked.
    pub created_at: Timestamp,
    /// The time of the last sign-in with it.
    pub last_used_at: Timestamp,
}
