//! What a grant lets its holder do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The capabilities on a path, in rising order. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Capability {
    /// Read and list.
    ReadOnly,
    /// Also create, update and move.
    ReadWrite,
    /// Also delete.
    ReadWriteDelete,
}

impl Capability {
    /// The spelling on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "READ_ONLY",
            Self::ReadWrite => "READ_WRITE",
            Self::ReadWriteDelete => "READ_WRITE_DELETE",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Capability {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "READ_ONLY" => Ok(Self::ReadOnly),
            "READ_WRITE" => Ok(Self::ReadWrite),
            "READ_WRITE_DELETE" => Ok(Self::ReadWriteDelete),
            _ => Err(Invalid::new(
                "invalid_capability",
                "must be READ_ONLY, READ_WRITE or READ_WRITE_DELETE",
            )),
        }
    }
}
