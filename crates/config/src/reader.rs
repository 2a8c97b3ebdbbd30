//! Typed access to values, with every refusal collected.

use super::error::{ConfigError, ConfigErrorCode};
use super::keys::Setting;
use super::value::Value;
use super::values::Values;

/// Values, and the errors found in them so far.
pub(crate) struct Reader<'a> {
    pub(crate) values: &'a Values,
    pub(crate) errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Starts with the errors that were found while the values were read.
    pub(crate) fn new(values: &'a Values) -> Self {
        Self {
            values,
            errors: values.errors.clone(),
        }
    }

    /// Returns the value of a key that has a default, or `None` after a refusal.
    pub(crate) fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        match self.optional(setting)? {
            Some(value) => Some(value),
            None => self.missing(setting, "is not set"),
        }
    }

    /// Returns the value of a key, `Some(None)` if it has none, or `None` after a refusal.
    #[expect(
        clippy::option_option,
        reason = "refused, not there, or a value: three things"
    )]
    pub(crate) fn optional<T>(&mut self, setting: &Setting<T>) -> Option<Option<T>> {
        // Its error stands already; whatever else is said of the key would only hide that.
        if self.values.refused.contains(setting.key.name) {
            return None;
        }
        match self.raw(setting).map(setting.read) {
            None => Some(None),
            Some(Ok(value)) => Some(Some(value)),
            Some(Err(message)) => self.refuse(setting, message),
        }
    }

    /// The value of a key as it was written.
    pub(crate) fn raw<T>(&self, setting: &Setting<T>) -> Option<&'a Value> {
        self.values.by_key.get(setting.key.name)
    }

    /// Refuses the value of a key.
    pub(crate) fn refuse<T, U>(
        &mut self,
        setting: &Setting<T>,
        message: impl Into<String>,
    ) -> Option<U> {
        self.add(ConfigErrorCode::InvalidValue, setting, message)
    }

    /// Refuses a configuration without a value for a key.
    pub(crate) fn missing<T, U>(
        &mut self,
        setting: &Setting<T>,
        message: impl Into<String>,
    ) -> Option<U> {
        self.add(ConfigErrorCode::Missing, setting, message)
    }

    fn add<T, U>(
        &mut self,
        code: ConfigErrorCode,
        setting: &Setting<T>,
        message: impl Into<String>,
    ) -> Option<U> {
        let name = setting.key.name;
        let provenance = self.values.provenance(name);
        self.errors
            .push(ConfigError::new(code, name, provenance, message));
        None
    }
}
