//! What was done, by whom, and what it changed.

use std::net::IpAddr;

use crate::{AuditId, CredentialRef, OrganizationId, Timestamp, UserId};

/// Who did something, from where and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user; `None` for an operator at the command line and for the server itself.
    pub user_id: Option<UserId>,
    /// What the user called with.
    pub credential: Option<CredentialRef>,
    /// Where the call came from.
    pub address: Option<IpAddr>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
}

impl Actor {
    /// The operator at the command line.
    pub const fn operator() -> Self {
        Self {
            user_id: None,
            credential: None,
            address: None,
            request_id: None,
        }
    }
}

/// One record of the audit log, written in the transaction of the change it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// The record's id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// The organisation it concerns; `None` where it concerns none or several.
    pub organization_id: Option<OrganizationId>,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `noun.verb`: `api_key.created`, `access.denied`.
    pub kind: &'static str,
    /// The id of what it was done to, as text.
    pub subject: Option<String>,
    /// The state before and after as JSON, and whatever else explains it; never a secret.
    pub details: String,
}
