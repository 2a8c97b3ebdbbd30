//! Rights on paths.
//!
//! Owners and admins may everything in their organisation. A user has everything below the own
//! home, and elsewhere the highest capability among the covering grants, the user's own and those
//! of the user's groups alike. A key has its owner's rights, and where it has grants of its own,
//! only as far as those go too.

use vestibule_model::{Capability, HeldGrant, Principal, ResourcePath, Role};

use crate::Refusal;

/// The ground on which something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis<'a> {
    /// The role, which reaches everywhere.
    Role(Role),
    /// The path lies in the user's own folder.
    Home,
    /// This grant covers the path.
    Grant(&'a HeldGrant),
}

/// Decides if the caller may act with `capability` on `path`, and returns what allows it: the role,
/// home or grant of the user, also where a key's own grants had to agree.
pub fn may<'p>(
    principal: &'p Principal,
    path: &ResourcePath,
    capability: Capability,
) -> Result<Basis<'p>, Refusal> {
    may_text(principal, path.as_str(), capability)
}

/// [`may`] for a text known to be a canonical resource path.
pub(crate) fn may_text<'p>(
    principal: &'p Principal,
    path: &str,
    capability: Capability,
) -> Result<Basis<'p>, Refusal> {
    let basis = strongest(principal, path);
    match (basis, narrowing(principal, path)) {
        (Some((basis, has)), narrowing) if has >= capability && narrowing.allows(capability) => {
            Ok(basis)
        }
        _ => Err(refused(principal, path, capability)),
    }
}

#[cold]
fn refused(principal: &Principal, path: &str, capability: Capability) -> Refusal {
    Refusal::Path {
        path: path.to_owned(),
        capability,
        have: effective_text(principal, path),
        by_key: strongest(principal, path).is_some_and(|(_, has)| has >= capability),
    }
}

/// Decides if the caller may approve at `path`. No capability includes that: it takes an owner, an
/// admin, or a covering grant with `can_approve`. The caller's own home does not include it.
pub fn may_approve<'p>(
    principal: &'p Principal,
    path: &ResourcePath,
) -> Result<Basis<'p>, Refusal> {
    let approves = |grant: &&HeldGrant| grant.can_approve && grant.path.covers(path);
    let basis = if is_administrator(principal) {
        Some(Basis::Role(principal.role))
    } else {
        principal.grants.iter().find(approves).map(Basis::Grant)
    };
    // A key approves only where its own grants do, too: it reaches no further than its owner.
    let within_key = match &principal.narrowed_to {
        Some(own) => own.iter().any(|grant| approves(&grant)),
        None => true,
    };
    basis
        .filter(|_| within_key)
        .ok_or_else(|| Refusal::Approval {
            path: path.as_str().to_owned(),
        })
}

/// The highest capability the caller has on `path`; `None` where the caller may not even read it.
pub fn effective(principal: &Principal, path: &ResourcePath) -> Option<Capability> {
    effective_text(principal, path.as_str())
}

fn effective_text(principal: &Principal, path: &str) -> Option<Capability> {
    let (_, has) = strongest(principal, path)?;
    match narrowing(principal, path) {
        Narrowing::Free => Some(has),
        // The key's grant may be the stronger one: its owner can have lost rights since.
        Narrowing::To(own) => own.map(|grant| grant.capability.min(has)),
    }
}

/// Refuses unless the caller has the powers of a role. A narrowed key has none, even that of an owner,
/// so asking for [`Role::User`] admits any member, but no narrowed key.
pub fn administers(principal: &Principal, at_least: Role) -> Result<(), Refusal> {
    // Before the role: a narrowed key learns nothing of its owner's.
    if principal.narrowed_to.is_some() {
        Err(Refusal::Narrowed)
    } else if principal.role < at_least {
        Err(Refusal::Role { needs: at_least })
    } else {
        Ok(())
    }
}

/// The paths that a caller may read, for the query of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// All of the organisation.
    Everything,
    /// These paths and all below them, sorted, none covering another; nothing when empty.
    Under(Vec<ResourcePath>),
}

impl Visible {
    /// Returns true if a path may be read.
    pub fn includes(&self, path: &ResourcePath) -> bool {
        match self {
            Self::Everything => true,
            Self::Under(prefixes) => prefixes.iter().any(|prefix| prefix.covers(path)),
        }
    }

    /// Returns true if a path may not be read itself while something below it may: it is listed, so
    /// that clients can walk down, and cannot be opened.
    pub fn leads_down_from(&self, path: &ResourcePath) -> bool {
        match self {
            Self::Everything => false,
            Self::Under(prefixes) => {
                !self.includes(path) && prefixes.iter().any(|prefix| path.covers(prefix))
            }
        }
    }
}

/// Returns what the caller may read, as the smallest set of prefixes.
pub fn visible(principal: &Principal) -> Visible {
    let owners: Vec<&ResourcePath> = if is_administrator(principal) {
        Vec::new()
    } else {
        let granted = principal.grants.iter().map(|grant| &grant.path);
        std::iter::once(&principal.home).chain(granted).collect()
    };
    let paths: Vec<&ResourcePath> = match &principal.narrowed_to {
        None if is_administrator(principal) => return Visible::Everything,
        None => owners,
        Some(own) if is_administrator(principal) => own.iter().map(|grant| &grant.path).collect(),
        Some(own) => own
            .iter()
            .flat_map(|grant| {
                owners
                    .iter()
                    .filter_map(|owners| deeper(&grant.path, owners))
            })
            .collect(),
    };
    let minimal = minimal(paths);
    // The same paths, but a list of everything needs no condition in its query.
    if minimal.iter().any(|path| path.as_str() == "/") {
        Visible::Everything
    } else {
        Visible::Under(minimal)
    }
}

fn is_administrator(principal: &Principal) -> bool {
    principal.role >= Role::Admin
}

/// The user's strongest right on a path, before a key's own grants are asked.
fn strongest<'p>(principal: &'p Principal, path: &str) -> Option<(Basis<'p>, Capability)> {
    if is_administrator(principal) {
        return Some((Basis::Role(principal.role), Capability::ReadWriteDelete));
    }
    // Before the grants, of which there may be thousands.
    if principal.home.covers_text(path) {
        return Some((Basis::Home, Capability::ReadWriteDelete));
    }
    best(&principal.grants, path).map(|grant| (Basis::Grant(grant), grant.capability))
}

fn best<'g>(grants: &'g [HeldGrant], path: &str) -> Option<&'g HeldGrant> {
    grants
        .iter()
        .filter(|grant| grant.path.covers_text(path))
        .max_by_key(|grant| grant.capability)
}

/// The part of an owner's rights that a key's own grants let through.
pub(crate) enum Narrowing<'p> {
    /// The credential has no grants of its own.
    Free,
    /// This one of the key's own grants is the strongest on the path, if any covers it.
    To(Option<&'p HeldGrant>),
}

impl Narrowing<'_> {
    fn allows(&self, capability: Capability) -> bool {
        match self {
            Self::Free => true,
            Self::To(own) => own.is_some_and(|grant| grant.capability >= capability),
        }
    }
}

pub(crate) fn narrowing<'p>(principal: &'p Principal, path: &str) -> Narrowing<'p> {
    match &principal.narrowed_to {
        None => Narrowing::Free,
        Some(own) => Narrowing::To(best(own, path)),
    }
}

/// The lower of two paths where one covers the other.
fn deeper<'p>(one: &'p ResourcePath, other: &'p ResourcePath) -> Option<&'p ResourcePath> {
    if one.covers(other) {
        Some(other)
    } else if other.covers(one) {
        Some(one)
    } else {
        None
    }
}

fn minimal(mut paths: Vec<&ResourcePath>) -> Vec<ResourcePath> {
    // By length, so that a path comes after every path that covers it.
    paths.sort_by_key(|path| path.as_str().len());
    let mut kept: Vec<ResourcePath> = Vec::new();
    for path in paths {
        if !kept.iter().any(|above| above.covers(path)) {
            kept.push(path.clone());
        }
    }
    kept.sort();
    kept
}

#[cfg(test)]
mod tests;
