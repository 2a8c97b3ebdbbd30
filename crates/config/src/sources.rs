//! Where values come from, and which one counts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, ConfigErrors};
use super::kind::Raw;
use super::schema::{self, KEYS, Known};
use super::suggest::nearest;

/// The name of the file that is read from the current folder when none is named.
const DEFAULT_FILE: &str = "vestibule.toml";

/// The variables that may overrule the file. A parameter, so that tests need no process of their
/// own.
pub type Environment = Vec<(String, String)>;

/// Where to look for values.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file; `./vestibule.toml`, where there is one, if `None`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// Variables of ours whose values are not UTF-8. Each is an error: passed over, it would leave
    /// the server with another database than the one that was meant.
    pub unreadable: Vec<String>,
    /// Keys and values of flags.
    pub flags: Vec<(String, String)>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A flag.
    Flag,
    /// A file of its own, which somebody named.
    SecretFile(PathBuf, Box<Origin>),
}

impl fmt::Display for Origin {
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

impl Origin {
    /// Against what a relative path of this origin is taken: the folder of the file that says it.
    pub(super) fn base(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.parent(),
            Self::SecretFile(_, by) => by.base(),
            _ => None,
        }
    }
}

/// A value and its origin. `Debug` shows no value, since some are secrets.
#[derive(Clone)]
pub struct Value {
    pub(super) raw: Raw,
    /// Where it came from.
    pub origin: Origin,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// All values, by key.
#[derive(Debug, Clone, Default)]
pub struct Values(pub(super) BTreeMap<String, Value>);

impl Sources {
    /// Reads everything. Finds all unknown keys and all values of the wrong type at once.
    pub fn read(&self) -> Result<Values, ConfigErrors> {
        let mut gathered = Gathered::default();
        for key in KEYS {
            if let Some(default) = key.default {
                gathered.text(key.name, default, &Origin::Default);
            }
        }
        if let Some((path, text)) = self.read_file()? {
            gathered.file(&path, &text)?;
        }
        for (name, value) in &self.environment {
            gathered.variable(name, value);
        }
        for name in &self.unreadable {
            let origin = Origin::Environment(name.clone());
            let error = ConfigError::new(name, Some(&origin), "is not UTF-8");
            gathered.errors.push(error);
        }
        for (key, value) in &self.flags {
            gathered.text(key, value, &Origin::Flag);
        }
        if gathered.errors.is_empty() {
            Ok(gathered.values)
        } else {
            Err(ConfigErrors(gathered.errors))
        }
    }

    fn read_file(&self) -> Result<Option<(PathBuf, String)>, ConfigErrors> {
        let path = match &self.file {
            Some(path) => path.clone(),
            None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
            None => return Ok(None),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((path, text))),
            Err(error) => {
                let message = format!("cannot be read: {error}");
                Err(ConfigError::new(path.display().to_string(), None, message).into())
            }
        }
    }
}

#[derive(Default)]
struct Gathered {
    values: Values,
    errors: Vec<ConfigError>,
}

impl Gathered {
    fn file(&mut self, path: &Path, text: &str) -> Result<(), ConfigErrors> {
        let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            // Not the error's own text: that quotes the line, which may hold a secret.
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or(text).matches('\n').count() + 1
            });
            let message = format!("is not TOML: line {line}: {}", error.message());
            ConfigError::new(path.display().to_string(), None, message)
        })?;
        self.table("", &table, &Origin::File(path.to_owned()));
        Ok(())
    }

    fn table(&mut self, above: &str, table: &toml::Table, origin: &Origin) {
        for (name, value) in table {
            let key = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            match (schema::lookup(&key), value) {
                (Some(Known::Key(kind)), value) => {
                    let raw = kind.convert(value);
                    self.put(&key, raw, origin);
                }
                (Some(Known::FileOf(secret)), toml::Value::String(file)) => {
                    self.secret_file(secret, file, origin);
                }
                (None, toml::Value::Table(below)) => self.table(&key, below, origin),
                (Some(Known::FileOf(_)), _) => {
                    self.errors
                        .push(ConfigError::new(key, Some(origin), "must be a text"));
                }
                (None, _) => self.unknown(key, origin),
            }
        }
    }

    /// A variable counts when its name has the shape of one of ours; what merely begins alike
    /// belongs to somebody else, unless it is a slip of the underscore.
    fn variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix("VESTIBULE_") else {
            return;
        };
        let origin = Origin::Environment(name.to_owned());
        let key = rest.to_ascii_lowercase().replace("__", ".");
        if rest.contains("__") {
            self.text(&key, value, &origin);
        } else if let Some(meant) = schema::names("name")
            .into_iter()
            .find(|known| known.replace('.', "_") == key)
        {
            let spelling = meant.to_ascii_uppercase().replace('.', "__");
            self.errors.push(ConfigError::new(
                key,
                Some(&origin),
                format!("is not a key; did you mean VESTIBULE_{spelling}?"),
            ));
        }
    }

    fn text(&mut self, key: &str, text: &str, origin: &Origin) {
        match schema::lookup(key) {
            Some(Known::Key(kind)) => self.put(key, kind.read(text), origin),
            Some(Known::FileOf(secret)) => self.secret_file(secret, text, origin),
            None => self.unknown(key.to_owned(), origin),
        }
    }

    fn secret_file(&mut self, key: &str, file: &str, origin: &Origin) {
        let path = match origin.base() {
            Some(base) => base.join(file),
            None => PathBuf::from(file),
        };
        let origin = Origin::SecretFile(path.clone(), Box::new(origin.clone()));
        let content = std::fs::read_to_string(&path)
            .map(|text| Raw::Text(text.trim().to_owned()))
            .map_err(|error| format!("cannot be read: {error}"));
        self.put(key, content, &origin);
    }

    fn put(&mut self, key: &str, raw: Result<Raw, String>, origin: &Origin) {
        match raw {
            Ok(raw) => {
                let value = Value {
                    raw,
                    origin: origin.clone(),
                };
                self.values.0.insert(key.to_owned(), value);
            }
            Err(message) => self
                .errors
                .push(ConfigError::new(key, Some(origin), message)),
        }
    }

    fn unknown(&mut self, key: String, origin: &Origin) {
        let plan = key.split('.').nth(1).unwrap_or("name");
        let message = match nearest(&key, schema::names(plan)) {
            Some(meant) => format!("is not a key; did you mean {meant}?"),
            None => "is not a key; `vestibule config show` lists them all".to_owned(),
        };
        self.errors
            .push(ConfigError::new(key, Some(origin), message));
    }
}

impl Values {
    /// Whether a key holds a secret, which no flag may carry.
    pub fn is_secret(key: &str) -> bool {
        schema::is_secret(key)
    }

    /// Whether a key has a value.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.0.get(key).map(|value| &value.origin)
    }

    /// Every value as TOML or JSON, with its origin; secrets as `***`.
    pub fn shown(&self) -> impl Iterator<Item = (&str, String, serde_json::Value, &Origin)> {
        self.0.iter().map(|(key, value)| {
            if schema::is_secret(key) {
                (
                    key.as_str(),
                    "\"***\"".to_owned(),
                    "***".into(),
                    &value.origin,
                )
            } else {
                let (toml, json) = (value.raw.to_toml(), value.raw.to_json());
                (key.as_str(), toml, json, &value.origin)
            }
        })
    }
}
