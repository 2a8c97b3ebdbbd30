//! API keys.

use crate::{ApiKeyId, ConnectionId, Name, OrganizationId, Timestamp, UserId};

/// An API key without its secret, which is shown once, when the key is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id.
    pub id: ApiKeyId,
    /// The organisation it acts in.
    pub organization_id: OrganizationId,
    /// The user whose rights the key has.
    pub owner_id: UserId,
    /// The name that the owner gave it.
    pub name: Name,
    /// The last four characters of the secret, to recognise it by.
    pub suffix: String,
    /// Connection that its creator had signed in through, which binds the key to its organisation:
    /// it opens nothing that the owner has elsewhere. `None` after a sign-in with a password, and
    /// for keys of the operator.
    pub connection_id: Option<ConnectionId>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of expiry. `None` for a key that does not expire.
    pub expires_at: Option<Timestamp>,
    /// The time of the last request with it, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is deleted, where that is so. A deleted key is shown to nobody; the record
    /// stays so that the holder of the secret is told why it is refused.
    pub revoked_at: Option<Timestamp>,
}
