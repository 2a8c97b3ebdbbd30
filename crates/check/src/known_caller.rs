//! A caller whose credential was found good.

use vestibule_model::{CredentialRef, OrganizationId, Principal, UserId};

/// A caller whose credential was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownCaller {
    /// The user, or the owner of the key.
    pub user_id: UserId,
    /// The organisation that the call is about.
    pub organization_id: OrganizationId,
    /// The credential that the call was made with.
    pub credential: CredentialRef,
}

impl From<&Principal> for KnownCaller {
    fn from(principal: &Principal) -> Self {
        Self {
            user_id: principal.user_id,
            organization_id: principal.organization_id,
            credential: principal.credential,
        }
    }
}
