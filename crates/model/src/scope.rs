//! The proof that a query is about one organisation.

use crate::OrganizationId;

/// The organisation that a query may see.
///
/// Every query of an organisation's data takes one. A scope comes from a `Permit`, which only the
/// check can make; the two places that may [`assume`](OrgScope::assume) one are held to that by a
/// lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrgScope(OrganizationId);

impl OrgScope {
    /// A scope without proof: for the check, which has just proved it, and for an operator's
    /// command, which may everything.
    pub const fn assume(organization_id: OrganizationId) -> Self {
        Self(organization_id)
    }

    /// The organisation.
    pub const fn organization_id(self) -> OrganizationId {
        self.0
    }
}
