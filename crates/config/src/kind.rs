//! The kinds of values, and their spelling.

use std::time::Duration;

/// The kind of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A text that is never shown.
    Secret,
    /// A whole number, zero or above.
    Count,
    /// `true` or `false`.
    Flag,
    /// A number and a unit.
    Duration,
    /// Texts; separated by commas in the environment.
    List,
}

/// A value of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    Text(String),
    Count(u64),
    Flag(bool),
    Duration(Duration),
    List(Vec<String>),
}

impl Kind {
    /// Reads a text, as the environment and flags have it.
    pub(crate) fn read(self, text: &str) -> Result<Raw, String> {
        match self {
            Self::Text | Self::Secret => Ok(Raw::Text(text.to_owned())),
            Self::Count => text
                .trim()
                .parse()
                .map(Raw::Count)
                .map_err(|_| self.wants()),
            Self::Flag => text.trim().parse().map(Raw::Flag).map_err(|_| self.wants()),
            Self::Duration => duration(text.trim()).map(Raw::Duration).ok_or(self.wants()),
            Self::List => Ok(Raw::List(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
        }
    }

    /// Reads a value of the file.
    pub(crate) fn convert(self, value: &toml::Value) -> Result<Raw, String> {
        let refused = || self.wants();
        match (self, value) {
            (Self::Text | Self::Secret | Self::Duration, toml::Value::String(text)) => {
                self.read(text)
            }
            (Self::Count, toml::Value::Integer(number)) => u64::try_from(*number)
                .map(Raw::Count)
                .map_err(|_| refused()),
            (Self::Flag, toml::Value::Boolean(flag)) => Ok(Raw::Flag(*flag)),
            (Self::List, toml::Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(refused))
                .collect::<Result<_, _>>()
                .map(Raw::List),
            _ => Err(refused()),
        }
    }

    /// Describes a right value.
    fn wants(self) -> String {
        match self {
            Self::Text | Self::Secret => "must be a text",
            Self::Count => "must be a whole number, zero or above",
            Self::Flag => "must be true or false",
            Self::Duration => "must be a number and a unit, such as 30s, 15m, 1h or 7d",
            Self::List => "must be a list of texts",
        }
        .to_owned()
    }
}

impl Raw {
    /// The value as TOML spells it.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Self::Text(text) => toml::Value::String(text.clone()).to_string(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Duration(duration) => format!("\"{}\"", spell(*duration)),
            Self::List(items) => {
                let items = items.iter().cloned().map(toml::Value::String).collect();
                toml::Value::Array(items).to_string()
            }
        }
    }

    /// The value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Duration(duration) => spell(*duration).into(),
            Self::List(items) => items.clone().into(),
        }
    }
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

fn duration(text: &str) -> Option<Duration> {
    let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(*seconds).map(Duration::from_secs)
}

fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (unit, each) = UNITS
        .iter()
        .find(|(_, each)| seconds > 0 && seconds.is_multiple_of(*each))
        .unwrap_or(&("s", 1));
    format!("{}{unit}", seconds / each)
}
