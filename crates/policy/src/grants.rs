//! Rules for adding grants.

use thiserror::Error;
use vestibule_model::{Capability, Grant, GrantId, ResourcePath};

/// The reason for which a grant is not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantRefusal {
    /// The holder has all of it already: a 409.
    #[error("{}", covering(*.by, *.approval_by))]
    Covered {
        /// The grant that covers it.
        by: GrantId,
        /// Another one, where it takes that too: the first has the capability, this the approval.
        approval_by: Option<GrantId>,
    },
    /// The holder has as many as one may have.
    #[error("There are {max} grants already, which is the limit; delete one first.")]
    TooMany {
        /// The most that one holder may have.
        max: usize,
    },
}

fn covering(by: GrantId, approval_by: Option<GrantId>) -> String {
    match approval_by {
        None => format!("The grant {by} already allows this."),
        Some(other) => format!("The grants {by} and {other} together already allow this."),
    }
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

/// Refuses a grant that a holder of `existing` grants may not be given.
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
    // In one pass, since `existing` can be read only once.
    let mut count = 0;
    let (mut whole, mut capable, mut approving) = (None, None, None);
    for grant in existing {
        count += 1;
        if !grant.path.covers(path) {
            continue;
        }
        let (is_capable, approves) = (grant.capability >= capability, grant.can_approve);
        if is_capable {
            capable.get_or_insert(grant.id);
        }
        if approves {
            approving.get_or_insert(grant.id);
        }
        if is_capable && (approves || !can_approve) {
            whole.get_or_insert(grant.id);
        }
    }
    match (whole, capable, approving) {
        (Some(by), ..) => Err(GrantRefusal::Covered {
            by,
            approval_by: None,
        }),
        (None, Some(by), Some(other)) => Err(GrantRefusal::Covered {
            by,
            approval_by: Some(other),
        }),
        _ if count >= max => Err(GrantRefusal::TooMany { max }),
        _ => Ok(()),
    }
}
