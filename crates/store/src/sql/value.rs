//! What stands in the places of a query.

use uuid::Uuid;
use vestibule_model::{
    ApiKeyId, AttemptId, AuditId, Capability, ConnectionId, Digest, DomainId, DomainName, Email,
    GrantId, GroupId, Name, OrgScope, OrganizationId, PlanName, RedirectUri, RedirectUriId,
    ResourceChangeId, ResourcePath, Role, SessionId, SigningKeyId, Timestamp, UserId,
};

/// A value for a place in a query.
#[derive(Clone)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Flag(bool),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

macro_rules! id_values {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(id: $type) -> Self {
                Self::Uuid(Some(id.uuid()))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(id: Option<$type>) -> Self {
                Self::Uuid(id.map(<$type>::uuid))
            }
        }
    )*};
}

id_values!(
    UserId,
    OrganizationId,
    ApiKeyId,
    SessionId,
    GroupId,
    GrantId,
    AuditId,
    SigningKeyId,
    ConnectionId,
    DomainId,
    RedirectUriId,
    AttemptId,
    ResourceChangeId
);

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Uuid(Some(id))
    }
}

impl From<OrgScope> for Value {
    fn from(scope: OrgScope) -> Self {
        scope.organization_id().into()
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(Some(moment.as_micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(moment: Option<Timestamp>) -> Self {
        Self::Integer(moment.map(Timestamp::as_micros))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&Digest> for Value {
    fn from(digest: &Digest) -> Self {
        Self::Bytes(Some(digest.as_bytes().to_vec()))
    }
}

impl From<Option<&Digest>> for Value {
    fn from(digest: Option<&Digest>) -> Self {
        Self::Bytes(digest.map(|digest| digest.as_bytes().to_vec()))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(bytes: Option<&[u8]>) -> Self {
        Self::Bytes(bytes.map(<[u8]>::to_vec))
    }
}

/// PostgreSQL has no NUL in its text. No type of the model lets one pass; what is free text (a
/// request id, a token's id) must not become an error on one engine alone.
fn without_nul(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(without_nul(text)))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(without_nul))
    }
}

macro_rules! text_values {
    ($($type:ty),*) => {$(
        impl From<&$type> for Value {
            fn from(text: &$type) -> Self {
                Self::Text(Some(text.as_str().to_owned()))
            }
        }

        impl From<Option<&$type>> for Value {
            fn from(text: Option<&$type>) -> Self {
                Self::Text(text.map(|text| text.as_str().to_owned()))
            }
        }
    )*};
}

text_values!(Email, Name, PlanName, ResourcePath, DomainName, RedirectUri);

impl From<Role> for Value {
    fn from(role: Role) -> Self {
        role.as_str().into()
    }
}

impl From<Capability> for Value {
    fn from(capability: Capability) -> Self {
        capability.as_str().into()
    }
}

impl From<Option<Capability>> for Value {
    fn from(capability: Option<Capability>) -> Self {
        capability.map(Capability::as_str).into()
    }
}
