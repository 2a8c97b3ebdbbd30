//! The origin of a value.

use std::fmt;
use std::path::{Path, PathBuf};

/// The place that a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// No source sets the key.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// A variable of the environment, by its name.
    Environment(String),
    /// A flag.
    Flag,
    /// The content of a file of its own, and the place that names this file.
    SecretFile(PathBuf, Box<Provenance>),
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
            Self::SecretFile(path, by) => write!(f, "content of {}, named by {by}", path.display()),
        }
    }
}

impl Provenance {
    /// The folder that a relative path in this place starts from: the one of the configuration
    /// file. `None` means the current folder.
    pub(crate) fn base(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.parent(),
            Self::SecretFile(_, by) => by.base(),
            Self::Default | Self::Environment(_) | Self::Flag => None,
        }
    }

    /// Resolves a path that was written in this place.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        match self.base() {
            Some(base) => base.join(path),
            None => PathBuf::from(path),
        }
    }
}
