//! The check's "yes": proof that this caller may make this request.

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

    /// Who is calling.
    pub fn principal(&self) -> &Principal {
        self.entry.principal()
    }

    /// The user who is calling, or who owns the key that is.
    pub fn user_id(&self) -> UserId {
        self.principal().user_id
    }

    /// The organisation the call is about.
    pub fn organization_id(&self) -> OrganizationId {
        self.principal().organization_id
    }

    /// The caller's role there.
    pub fn role(&self) -> Role {
        self.principal().role
    }

    /// What the organisation's plan includes.
    pub fn plan(&self) -> &Plan {
        &self.principal().plan
    }

    /// What the call was made with.
    pub fn credential(&self) -> CredentialRef {
        self.principal().credential
    }

    /// The folder in which the caller may do everything.
    pub fn home(&self) -> &ResourcePath {
        &self.principal().home
    }

    /// The organisation whose data the caller's queries may see.
    pub fn scope(&self) -> OrgScope {
        #[expect(
            clippy::disallowed_methods,
            reason = "the permit is the proof that a scope asks for"
        )]
        OrgScope::assume(self.principal().organization_id)
    }

    /// Whether the caller may act with `capability` on `path`.
    pub fn may(&self, path: &ResourcePath, capability: Capability) -> Result<(), Refusal> {
        rights::may(self.principal(), path, capability).map(|_| ())
    }

    /// Whether the caller may approve what lies at `path`. No capability includes that.
    pub fn may_approve(&self, path: &ResourcePath) -> Result<(), Refusal> {
        rights::may_approve(self.principal(), path).map(|_| ())
    }

    /// Whether the caller may act with the powers of `role` in the organisation. A narrowed key
    /// has none.
    pub fn administers(&self, role: Role) -> Result<(), Refusal> {
        rights::administers(self.principal(), role)
    }

    /// Below which paths the caller may read, to filter a list in its query.
    pub fn visible(&self) -> Visible {
        rights::visible(self.principal())
    }

    /// Where the call came from.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// What the request is called in logs and answers.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// Who did what this request does, for the audit log.
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
