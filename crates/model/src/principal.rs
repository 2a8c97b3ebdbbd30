//! Who is calling.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    ApiKeyId, Capability, GrantId, GroupId, Invalid, OrganizationId, Plan, ResourcePath, Role,
    SessionId, Timestamp, UserId,
};

/// The credential of a request, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialRef {
    /// An API key.
    ApiKey(ApiKeyId),
    /// An access token of a session.
    AccessToken(SessionId),
    /// The cookie of a session.
    SessionCookie(SessionId),
}

impl CredentialRef {
    /// The key, where it is one.
    pub fn api_key(self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey(id) => Some(id),
            Self::AccessToken(_) | Self::SessionCookie(_) => None,
        }
    }

    /// The session, where there is one behind it.
    pub fn session(self) -> Option<SessionId> {
        match self {
            Self::AccessToken(id) | Self::SessionCookie(id) => Some(id),
            Self::ApiKey(_) => None,
        }
    }

    /// The id of the key, or of the session.
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::ApiKey(id) => id.uuid(),
            Self::AccessToken(id) | Self::SessionCookie(id) => id.uuid(),
        }
    }

    /// The kind, as audit records and explanations name it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ApiKey(_) => "api_key",
            Self::AccessToken(_) => "access_token",
            Self::SessionCookie(_) => "session_cookie",
        }
    }
}

impl std::fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::AccessToken(id) => write!(f, "access_token:{id}"),
            Self::SessionCookie(id) => write!(f, "session_cookie:{id}"),
        }
    }
}

impl std::str::FromStr for CredentialRef {
    type Err = Invalid;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some(("api_key", id)) => id.parse().map(Self::ApiKey),
            Some(("access_token", id)) => id.parse().map(Self::AccessToken),
            Some(("session_cookie", id)) => id.parse().map(Self::SessionCookie),
            _ => Err(Invalid::new("invalid_credential", "must name a credential")),
        }
    }
}

/// A grant as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGrant {
    /// The id of the grant, for explanations.
    pub id: GrantId,
    /// The group it comes through, where it does.
    pub through: Option<GroupId>,
    /// The path from which it applies downwards.
    pub path: ResourcePath,
    /// The capability that it gives.
    pub capability: Capability,
    /// Also allows approving.
    pub can_approve: bool,
}

/// The caller that a credential stands for: all that a decision needs, and nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user who is calling, or who owns the key that is.
    pub user_id: UserId,
    /// The organisation the call is about.
    pub organization_id: OrganizationId,
    /// The user's role there.
    pub role: Role,
    /// The folder in which the user may do everything.
    pub home: ResourcePath,
    /// The user's own grants and those of the user's groups; credentials of one user may share
    /// them.
    pub grants: Arc<[HeldGrant]>,
    /// The grants that narrow an API key; `None` where the credential has the user's full rights.
    pub narrowed_to: Option<Arc<[HeldGrant]>>,
    /// The organisation's plan.
    pub plan: Arc<Plan>,
    /// The credential of the request.
    pub credential: CredentialRef,
    /// The time at which the credential expires. `None` if it does not.
    pub expires_at: Option<Timestamp>,
}
