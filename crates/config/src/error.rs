//! Errors of a configuration.

use std::fmt;

use super::provenance::Provenance;

/// The stable code of an error, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorCode {
    /// The file cannot be read, or is not TOML.
    UnreadableFile,
    /// There is no key of this name.
    UnknownKey,
    /// The value has the wrong type or is out of range.
    InvalidValue,
    /// A value is needed and not set.
    Missing,
    /// A secret is set as a value and as a file.
    GivenTwice,
    /// Others than the server can read or change a file that holds a secret.
    ReadableByOthers,
    /// No rule asks for this feature of a plan.
    UnusedFeature,
    /// Nothing applies this limit of a plan.
    UnusedLimit,
}

impl ConfigErrorCode {
    /// The code in `snake_case`, as `--json` prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableFile => "unreadable_file",
            Self::UnknownKey => "unknown_key",
            Self::InvalidValue => "invalid_value",
            Self::Missing => "missing",
            Self::GivenTwice => "given_twice",
            Self::ReadableByOthers => "readable_by_others",
            Self::UnusedFeature => "unused_feature",
            Self::UnusedLimit => "unused_limit",
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The stable code.
    pub code: ConfigErrorCode,
    /// The key, as in `server.listen`, or the configuration file.
    pub key: String,
    /// The place that the value came from; `None` if there is no value.
    pub provenance: Option<Provenance>,
    /// The rest of a sentence that begins with the key.
    pub message: String,
    /// The way out, where it is not part of the message.
    pub hint: Option<String>,
}

impl ConfigError {
    /// Refuses the value of `key`.
    pub fn new(
        code: ConfigErrorCode,
        key: impl Into<String>,
        provenance: Option<&Provenance>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            key: key.into(),
            provenance: provenance.cloned(),
            message: message.into(),
            hint: None,
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        match &self.provenance {
            Some(provenance) if *provenance != Provenance::Default => write!(f, " ({provenance})")?,
            _ => {}
        }
        write!(f, " {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, so that one run is enough to correct it.
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
