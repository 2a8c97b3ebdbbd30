//! Which grants may be added.

use thiserror::Error;
use vestibule_model::{Capability, Grant, GrantId, ResourcePath};

/// Why a grant is not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantRefusal {
    /// The holder has all of it already: a 409.
    #[error("The grant {by} already allows this.")]
    Covered {
        /// The grant that covers it.
        by: GrantId,
    },
    /// The holder has as many as one may have.
    #[error("There are {max} grants already, which is the limit; delete one first.")]
    TooMany {
        /// How many one may have.
        max: usize,
    },
}

impl GrantRefusal {
    /// Stable `snake_case` cause for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Covered { .. } => "subsumed",
            Self::TooMany { .. } => "permission_limit",
        }
    }
}

/// Whether a holder of `existing` grants may be given another.
///
/// One that raises the capability or the approval somewhere is admitted, also above or below what
/// is there; one that changes nothing is not. When a grant is changed, leave it out of `existing`.
pub fn admit<'g>(
    existing: impl IntoIterator<Item = &'g Grant>,
    path: &ResourcePath,
    capability: Capability,
    can_approve: bool,
    max: usize,
) -> Result<(), GrantRefusal> {
    let mut count = 0;
    let mut capable = None;
    let mut approving = !can_approve;
    for grant in existing {
        count += 1;
        if grant.path.covers(path) {
            approving |= grant.can_approve;
            if grant.capability >= capability {
                capable.get_or_insert(grant.id);
            }
        }
    }
    match capable {
        Some(by) if approving => Err(GrantRefusal::Covered { by }),
        _ if count >= max => Err(GrantRefusal::TooMany { max }),
        _ => Ok(()),
    }
}
