//! Values as they were written, before anything but their type is known to be right.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ConfigError, ConfigErrors};
use super::names;
use super::provenance::Provenance;
use super::value::Value;

/// All values by key, and the errors that were found while they were read.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub(crate) by_key: BTreeMap<String, Value>,
    pub(crate) errors: Vec<ConfigError>,
    /// Keys of those errors. What is said about them once is not said again.
    pub(crate) refused: BTreeSet<String>,
    /// True if the configuration file could not be read: every key may lack its value.
    pub(crate) lacks_file: bool,
}

impl Values {
    /// Returns the values if all of them have a known key and the right type.
    ///
    /// # Errors
    /// Every error that was found while the values were read.
    pub fn complete(self) -> Result<Self, ConfigErrors> {
        if self.errors.is_empty() {
            Ok(self)
        } else {
            Err(ConfigErrors(self.errors))
        }
    }

    /// Returns true if the key may hold a secret, which no flag may carry.
    pub fn is_secret(key: &str) -> bool {
        names::is_secret(key)
    }

    /// Returns true if the key has a value.
    pub fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// The place that the value of a key came from.
    pub fn provenance(&self, key: &str) -> Option<&Provenance> {
        self.by_key.get(key).map(|value| &value.provenance)
    }

    /// Every value as TOML and as JSON, with its origin; secrets as `***`.
    pub fn shown(&self) -> impl Iterator<Item = (&str, String, serde_json::Value, &Provenance)> {
        self.by_key.iter().map(|(key, value)| {
            let (toml, json) = if names::is_secret(key) {
                ("\"***\"".to_owned(), "***".into())
            } else {
                (value.raw.to_toml(), value.raw.to_json())
            };
            (key.as_str(), toml, json, &value.provenance)
        })
    }
}
