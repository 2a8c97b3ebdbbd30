//! API keys.

use crate::{ApiKeyId, ConnectionId, Name, OrganizationId, Timestamp, UserId};

/// What is known of an API key once its secret is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id.
    pub id: ApiKeyId,
    /// The organisation it acts in.
    pub organization_id: OrganizationId,
    /// Whose rights it has.
    pub owner_id: UserId,
    /// What its owner calls it.
    pub name: Name,
    /// The last four characters of the secret, to recognise it by.
    pub suffix: String,
    /// Connection that its creator had signed in through, which binds the key to its organisation:
    /// it opens nothing that the owner has elsewhere. `None` after a sign-in with a password, and
    /// for keys of the operator.
    pub connection_id: Option<ConnectionId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; never where `None`.
    pub expires_at: Option<Timestamp>,
    /// When it was last presented, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is deleted, where that is so. A deleted key is shown to nobody; the record
    /// stays so that the holder of the secret is told why it is refused.
    pub revoked_at: Option<Timestamp>,
}
