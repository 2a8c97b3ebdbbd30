//! The proof that a query is about one organisation.

use crate::OrganizationId;

/// The organisation that a query may see.
///
/// Every query of an organisation's data takes one. A scope comes from a `Permit`, which only the
/// check can make; from a row that was read and that proves it (`store::scope`): a membership, a
/// connection, what a session came by; or from the operator, who may act in every organisation.
/// Whoever [`assume`](OrgScope::assume)s one beside these is stopped by a lint, and says why where it
/// is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrgScope(OrganizationId);

impl OrgScope {
    /// A scope without proof, for those who have proved it by other means.
    pub const fn assume(organization_id: OrganizationId) -> Self {
        Self(organization_id)
    }

    /// The organisation.
    pub const fn organization_id(self) -> OrganizationId {
        self.0
    }
}
