//! Roles and capabilities in words.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand out references"
)]

use vestibule_model::{Capability, Role};

/// All capabilities, in rising order.
pub(crate) const CAPABILITIES: [Capability; 3] = [
    Capability::ReadOnly,
    Capability::ReadWrite,
    Capability::ReadWriteDelete,
];

/// All roles, in rising order.
pub(crate) const ROLES: [Role; 3] = [Role::User, Role::Admin, Role::Owner];

/// A role in words.
pub(crate) fn role(role: &Role) -> &'static str {
    match role {
        Role::User => t!("role.USER"),
        Role::Admin => t!("role.ADMIN"),
        Role::Owner => t!("role.OWNER"),
    }
}

/// A capability in words.
pub(crate) fn capability(capability: &Capability) -> &'static str {
    match capability {
        Capability::ReadOnly => t!("capability.READ_ONLY"),
        Capability::ReadWrite => t!("capability.READ_WRITE"),
        Capability::ReadWriteDelete => t!("capability.READ_WRITE_DELETE"),
    }
}
