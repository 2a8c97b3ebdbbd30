//! What a member is in an organisation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A member's role, in rising order: `User < Admin < Owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Has the own folder and what grants give.
    User,
    /// May everything in the organisation but delete it or make owners.
    Admin,
    /// May everything in the organisation. Every organisation has at least one.
    Owner,
}

impl Role {
    /// The spelling on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "USER" => Ok(Self::User),
            "ADMIN" => Ok(Self::Admin),
            "OWNER" => Ok(Self::Owner),
            _ => Err(Invalid::new("invalid_role", "must be USER, ADMIN or OWNER")),
        }
    }
}
