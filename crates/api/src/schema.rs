//! How the document shows the types of the model, which know nothing of documents.
#![expect(dead_code, reason = "these types are read by the documentation alone")]

use utoipa::ToSchema;

/// A capability on a path, in rising order; each includes those before it.
#[derive(ToSchema)]
#[expect(clippy::enum_variant_names, reason = "so they are called on the wire")]
#[schema(as = Capability, rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum CapabilitySchema {
    ReadOnly,
    ReadWrite,
    ReadWriteDelete,
}

/// A member's role, in falling order.
#[derive(ToSchema)]
#[schema(as = Role, rename_all = "UPPERCASE")]
pub(crate) enum RoleSchema {
    Owner,
    Admin,
    User,
}
