//! Facts that make cached principals wrong.

use std::fmt;
use std::str::FromStr;

use crate::{ApiKeyId, Invalid, OrganizationId, Principal, SessionId, UserId};

/// A committed fact after which some cached principals are no longer true.
///
/// Its text form travels between servers and stands in the change table: `session:session_01…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A key was deleted, or its grants changed.
    ApiKey(ApiKeyId),
    /// A session ended, or its cookie got a new value.
    Session(SessionId),
    /// Something about a user changed: role, grants, groups, suspension, password.
    User(UserId),
    /// Something about an organisation changed: plan, group grants, deactivation.
    Organization(OrganizationId),
    /// The keyring has another key.
    Keyring,
    /// Anything may have changed: the cache is emptied.
    Everything,
}

impl Change {
    /// Returns whether a principal that was read before this change may be wrong after it.
    pub fn touches(&self, principal: &Principal) -> bool {
        match *self {
            Self::ApiKey(id) => principal.credential.api_key() == Some(id),
            Self::Session(id) => principal.credential.session() == Some(id),
            Self::User(id) => principal.user_id == id,
            Self::Organization(id) => principal.organization_id == id,
            Self::Keyring => false,
            Self::Everything => true,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Organization(id) => write!(f, "organization:{id}"),
            Self::Keyring => f.write_str("keyring"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

impl FromStr for Change {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some(("api_key", id)) => id.parse().map(Self::ApiKey),
            Some(("session", id)) => id.parse().map(Self::Session),
            Some(("user", id)) => id.parse().map(Self::User),
            Some(("organization", id)) => id.parse().map(Self::Organization),
            None if text == "keyring" => Ok(Self::Keyring),
            None if text == "everything" => Ok(Self::Everything),
            _ => Err(Invalid::new(
                "invalid_change",
                "is not a change this version knows",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_survives_its_text_form() {
        let uuid = uuid::Uuid::from_u128(7);
        for change in [
            Change::ApiKey(ApiKeyId::from_uuid(uuid)),
            Change::Session(SessionId::from_uuid(uuid)),
            Change::User(UserId::from_uuid(uuid)),
            Change::Organization(OrganizationId::from_uuid(uuid)),
            Change::Keyring,
            Change::Everything,
        ] {
            assert_eq!(change.to_string().parse::<Change>().unwrap(), change);
        }
        assert!(
            "user:key_01h455vb4pex5vsknk084sn02q"
                .parse::<Change>()
                .is_err()
        );
    }
}
