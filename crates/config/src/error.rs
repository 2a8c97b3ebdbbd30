//! What is wrong with a configuration.

use std::fmt;

use super::sources::Origin;

/// One value that was refused, or one key that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as in `server.listen`.
    pub key: String,
    /// Where the value came from; `None` where one is missing.
    pub origin: Option<Origin>,
    /// What would be right.
    pub message: String,
}

impl ConfigError {
    /// A refusal of `key`.
    pub fn new(
        key: impl Into<String>,
        origin: Option<&Origin>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            origin: origin.cloned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        match &self.origin {
            Some(origin) if *origin != Origin::Default => write!(f, " ({origin})")?,
            _ => {}
        }
        write!(f, " {}", self.message)
    }
}

/// Everything that is wrong, so that one run is enough to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}
