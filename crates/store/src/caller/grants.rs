//! The grants of a caller, which its query selects as JSON.

use std::borrow::Cow;

use uuid::Uuid;
use vestibule_model::{GrantId, GroupId, HeldGrant};

use crate::StoreError;

/// A grant as the queries select it.
type GrantText<'t> = (
    Cow<'t, str>,
    Option<Cow<'t, str>>,
    Cow<'t, str>,
    u8,
    Cow<'t, str>,
);

/// Reads the grants of a caller, selected as JSON; nothing where it was `NULL`, as PostgreSQL says of no rows.
pub(super) fn read_grants(text: Option<String>) -> Result<Vec<HeldGrant>, StoreError> {
    let text = text.unwrap_or_default();
    // Most callers hold none: the text is not worth the parser then.
    if text.is_empty() || text == "[]" {
        return Ok(Vec::new());
    }
    let grants: Vec<GrantText<'_>> = serde_json::from_str(&text).map_err(StoreError::corrupt)?;
    let read = |grant| {
        read_grant(&grant).ok_or_else(|| StoreError::corrupt("a grant that cannot be read"))
    };
    grants.into_iter().map(read).collect()
}

fn read_grant((id, group, capability, can_approve, path): &GrantText<'_>) -> Option<HeldGrant> {
    let group = group.as_deref().map(Uuid::try_parse).transpose().ok()?;
    Some(HeldGrant {
        id: GrantId::from_uuid(Uuid::try_parse(id).ok()?),
        through: group.map(GroupId::from_uuid),
        capability: capability.parse().ok()?,
        can_approve: *can_approve == 1,
        path: path.parse().ok()?,
    })
}
