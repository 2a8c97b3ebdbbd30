//! What was done, by whom, and what it changed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AuditId, CredentialRef, OrganizationId, Timestamp, UserId};

/// The kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A user, or somebody who is about to become known as one.
    User,
    /// Whoever may run the commands of the binary.
    Operator,
    /// An organisation's identity provider, by itself.
    IdentityProvider,
    /// The server, of its own accord.
    Server,
}

impl ActorKind {
    /// The spelling in the store and wherever records are shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::IdentityProvider => "identity_provider",
            Self::Server => "server",
        }
    }

    /// The kind that is spelt so, where this version knows it.
    pub fn named(text: &str) -> Option<Self> {
        [
            Self::User,
            Self::Operator,
            Self::IdentityProvider,
            Self::Server,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// The author of a change, with the address and the request it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The user, where it is one who is known.
    pub user_id: Option<UserId>,
    /// The credential of the request.
    pub credential: Option<CredentialRef>,
    /// The client address of the request.
    pub address: Option<IpAddr>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
}

impl Actor {
    /// The operator at the command line.
    pub const fn operator() -> Self {
        Self::impersonal(ActorKind::Operator)
    }

    /// An organisation's identity provider, by itself.
    pub const fn identity_provider() -> Self {
        Self::impersonal(ActorKind::IdentityProvider)
    }

    /// The server, of its own accord.
    pub const fn server() -> Self {
        Self::impersonal(ActorKind::Server)
    }

    const fn impersonal(kind: ActorKind) -> Self {
        Self {
            kind,
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
    /// The time of the event.
    pub at: Timestamp,
    /// The organisation it concerns; `None` where it concerns none or several.
    pub organization_id: Option<OrganizationId>,
    /// The author of the event.
    pub actor: Actor,
    /// The kind of event, as `noun.verb`: `api_key.created`, `access.denied`.
    pub kind: &'static str,
    /// The id of what it was done to, as text.
    pub subject: Option<String>,
    /// The state before and after as JSON, and whatever else explains it; never a secret.
    pub details: String,
}
