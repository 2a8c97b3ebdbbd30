//! A narrowed key, in what a browser's routes tell it of itself.

use serde::Serialize;
use utoipa::ToSchema;
use vestibule_model::{ApiKey, ApiKeyId, Capability, Grant, Name, ResourcePath, Timestamp};

use crate::schema::CapabilitySchema;

/// A narrowed key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserCallingKey)]
pub(super) struct CallingKey {
    /// The key's id.
    #[schema(value_type = String, example = "key_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: ApiKeyId,
    /// Name of the key.
    #[schema(value_type = String, example = "my-service-key")]
    name: Name,
    /// Grants that narrow it.
    grants: Vec<KeyGrant>,
    /// End of its life; null where it has none.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    expires_at: Option<Timestamp>,
}

/// A grant that narrows a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserKeyGrant)]
struct KeyGrant {
    /// Path that it covers, with all below.
    #[schema(value_type = String, example = "/shared/eng")]
    path: ResourcePath,
    /// Highest capability there, as far as the owner's own rights reach.
    #[schema(value_type = CapabilitySchema)]
    capability: Capability,
    /// True where it also allows approving.
    can_approve: bool,
}

impl CallingKey {
    pub(super) fn new(key: ApiKey, grants: Vec<Grant>) -> Self {
        let shown = |grant: Grant| KeyGrant {
            path: grant.path,
            capability: grant.capability,
            can_approve: grant.can_approve,
        };
        Self {
            id: key.id,
            name: key.name,
            grants: grants.into_iter().map(shown).collect(),
            expires_at: key.expires_at,
        }
    }
}
