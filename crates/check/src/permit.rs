//! The permit: proof that this caller may make this request.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use vestibule_model::{
    Actor, ActorKind, Capability, CredentialRef, OrgScope, OrganizationId, Plan, Principal,
    ResourcePath, Role, UserId,
};
use vestibule_policy::Refusal;

use crate::cache::Entry;
use vestibule_policy::rights::{self, Visible};

/// Proof that the check let this request pass, and who is calling.
///
/// Only the check makes one. A handler that takes a `Permit` cannot be reached without the check,
/// and what it asks of the permit (may this caller write *this* folder?) is answered in memory.
/// Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Permit {
    entry: Arc<Entry>,
    address: Option<IpAddr>,
    request_id: Option<HeaderValue>,
}

/// Evidence that the caller of a permit may act with a capability on a path and all below.
///
/// Only [`Permit::may`] makes one.
///
/// ```compile_fail,E0451
/// # use vestibule_check::{Allowed, Permit};
/// # use vestibule_model::{Capability, ResourcePath};
/// fn unasked<'a>(permit: &'a Permit, path: &'a ResourcePath) -> Allowed<'a> {
///     Allowed { permit, path, capability: Capability::ReadWrite }
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    permit: &'a Permit,
    path: &'a ResourcePath,
    capability: Capability,
}

impl<'a> Allowed<'a> {
    /// Returns the permit that was asked.
    pub const fn permit(self) -> &'a Permit {
        self.permit
    }

    /// Returns the path on which, and below which, the capability holds.
    pub const fn path(self) -> &'a ResourcePath {
        self.path
    }

    /// Returns the capability that was asked for.
    pub const fn capability(self) -> Capability {
        self.capability
    }

    /// Returns evidence of `capability` on the same path. Refuses where the caller has less there.
    pub fn to(self, capability: Capability) -> Result<Self, Refusal> {
        self.permit.may(self.path, capability)
    }
}

impl Permit {
    pub(crate) fn new(
        entry: Arc<Entry>,
        address: Option<IpAddr>,
        request_id: Option<HeaderValue>,
    ) -> Self {
        Self {
            entry,
            address,
            request_id,
        }
    }

    /// Returns the caller.
    pub fn principal(&self) -> &Principal {
        self.entry.principal()
    }

    /// Returns the calling user, or the owner of the calling key.
    pub fn user_id(&self) -> UserId {
        self.principal().user_id
    }

    /// Returns the organisation the call is about.
    pub fn organization_id(&self) -> OrganizationId {
        self.principal().organization_id
    }

    /// Returns the caller's role there.
    pub fn role(&self) -> Role {
        self.principal().role
    }

    /// Returns the organisation's plan.
    pub fn plan(&self) -> &Plan {
        &self.principal().plan
    }

    /// Returns the credential that the call was made with.
    pub fn credential(&self) -> CredentialRef {
        self.principal().credential
    }

    /// Returns the folder in which the caller may do everything.
    pub fn home(&self) -> &ResourcePath {
        &self.principal().home
    }

    /// Returns the scope of the caller's queries: the data of this organisation.
    pub fn scope(&self) -> OrgScope {
        #[expect(
            clippy::disallowed_methods,
            reason = "the permit is the proof that a scope asks for"
        )]
        OrgScope::assume(self.principal().organization_id)
    }

    /// Refuses unless the caller may act with `capability` on `path` and all below. Returns the
    /// evidence, which operations on resources and their grants take.
    pub fn may<'a>(
        &'a self,
        path: &'a ResourcePath,
        capability: Capability,
    ) -> Result<Allowed<'a>, Refusal> {
        rights::may(self.principal(), path, capability)?;
        Ok(Allowed {
            permit: self,
            path,
            capability,
        })
    }

    /// Refuses unless the caller may approve at `path`. No capability includes that.
    pub fn may_approve(&self, path: &ResourcePath) -> Result<(), Refusal> {
        rights::may_approve(self.principal(), path).map(|_| ())
    }

    /// Refuses unless the caller may act with the powers of `role` in the organisation. A narrowed key
    /// has none.
    pub fn administers(&self, role: Role) -> Result<(), Refusal> {
        rights::administers(self.principal(), role)
    }

    /// Returns the paths below which the caller may read, to filter a list in its query.
    pub fn visible(&self) -> Visible {
        rights::visible(self.principal())
    }

    /// Returns the address that the call came from.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the id of the request in logs and answers.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// Returns the actor of this request, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::User,
            user_id: Some(self.principal().user_id),
            credential: Some(self.principal().credential),
            address: self.address,
            request_id: self.request_id().map(str::to_owned),
        }
    }
}
