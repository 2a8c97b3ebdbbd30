//! The sources of values, in the order in which they overrule each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, ConfigErrorCode};
use super::keys::KEYS;
use super::kind::Raw;
use super::names::{self, Known};
use super::provenance::Provenance;
use super::value::Value;
use super::values::Values;

/// The name of the file that is read from the current folder when none is named.
const DEFAULT_FILE: &str = "vestibule.toml";

/// The variables that may overrule the file. A parameter, so that tests need no process of their
/// own.
pub type Environment = Vec<(String, String)>;

/// The sources of a configuration: a file, overruled by the environment, overruled by flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file. `None` means `./vestibule.toml` if there is one.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// Variables of ours whose values are not UTF-8. Each is an error: if it were ignored, the
    /// server would open another database than the one that was meant.
    pub unreadable: Vec<String>,
    /// Keys and values of flags.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// Reads everything. Unknown keys, values of the wrong type and secrets that are set twice are
    /// collected in the values: see [`Values::complete`].
    pub fn read(&self) -> Values {
        let mut gathered = Gathered::default();
        for key in KEYS {
            if let Some(default) = key.default {
                gathered.text(key.name, default, &Provenance::Default);
            }
        }
        match self.read_file() {
            Ok(Some((path, table))) => {
                gathered.table("", &table, &Provenance::File(path));
            }
            Ok(None) => {}
            Err(error) => {
                gathered.values.lacks_file = true;
                gathered.refuse(error);
            }
        }
        for (name, value) in &self.environment {
            gathered.variable(name, value);
        }
        for name in &self.unreadable {
            let provenance = Provenance::Environment(name.clone());
            gathered.refuse(ConfigError::new(
                ConfigErrorCode::InvalidValue,
                name,
                Some(&provenance),
                "is not UTF-8",
            ));
        }
        for (key, value) in &self.flags {
            gathered.text(key, value, &Provenance::Flag);
        }
        gathered.refuse_secrets_given_twice();
        gathered.values
    }

    fn read_file(&self) -> Result<Option<(PathBuf, toml::Table)>, ConfigError> {
        let path = match &self.file {
            Some(path) => path.clone(),
            None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
            None => return Ok(None),
        };
        let refused = |message: String| {
            let key = path.display().to_string();
            ConfigError::new(ConfigErrorCode::UnreadableFile, key, None, message)
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| refused(format!("cannot be read: {error}")))?;
        let table = toml::from_str(&text).map_err(|error: toml::de::Error| {
            // Not the error's own text: that quotes the line, which may hold a secret.
            let line = error.span().map_or(1, |span| {
                text.get(..span.start)
                    .unwrap_or(&text)
                    .matches('\n')
                    .count()
                    + 1
            });
            refused(format!("is not TOML: line {line}: {}", error.message()))
        })?;
        Ok(Some((path, table)))
    }
}

#[derive(Default)]
struct Gathered {
    values: Values,
    /// For each secret, the places that set it as a value and as a file.
    secrets: BTreeMap<String, Given>,
}

#[derive(Default)]
struct Given {
    as_value: Option<Provenance>,
    as_file: Option<Provenance>,
}

impl Gathered {
    fn table(&mut self, above: &str, table: &toml::Table, provenance: &Provenance) {
        for (name, value) in table {
            let key = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            match (names::lookup(&key), value) {
                (Some(Known::Key(kind)), value) => {
                    self.put(&key, kind.convert(value), provenance);
                }
                (Some(Known::FileOf(secret)), toml::Value::String(file)) => {
                    self.secret_file(secret, file, provenance);
                }
                (None, toml::Value::Table(below)) => self.table(&key, below, provenance),
                (Some(Known::FileOf(_)), _) => {
                    self.invalid(&key, provenance, "must be a text");
                }
                (None, _) => self.unknown(key, provenance),
            }
        }
    }

    /// Reads a variable whose name has the shape of one of ours. Others that merely begin alike
    /// belong to another program, unless an underscore is missing.
    fn variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix("VESTIBULE_") else {
            return;
        };
        let provenance = Provenance::Environment(name.to_owned());
        let key = rest.to_ascii_lowercase().replace("__", ".");
        if rest.contains("__") {
            self.text(&key, value, &provenance);
        } else if let Some(meant) = names::all("name")
            .into_iter()
            .find(|known| known.replace('.', "_") == key)
        {
            let spelling = meant.to_ascii_uppercase().replace('.', "__");
            let code = ConfigErrorCode::UnknownKey;
            self.refuse(
                ConfigError::new(code, key, Some(&provenance), "is not a key")
                    .hint(format!("did you mean VESTIBULE_{spelling}?")),
            );
        }
    }

    fn text(&mut self, key: &str, text: &str, provenance: &Provenance) {
        match names::lookup(key) {
            Some(Known::Key(kind)) => self.put(key, kind.read(text), provenance),
            Some(Known::FileOf(secret)) => self.secret_file(secret, text, provenance),
            None => self.unknown(key.to_owned(), provenance),
        }
    }

    fn secret_file(&mut self, key: &str, file: &str, provenance: &Provenance) {
        let path = provenance.resolve(file);
        let content = std::fs::read_to_string(&path)
            .map(|text| Raw::Text(text.trim().to_owned()))
            .map_err(|error| format!("cannot be read: {error}"));
        let provenance = Provenance::SecretFile(path, Box::new(provenance.clone()));
        self.put(key, content, &provenance);
    }

    fn put(&mut self, key: &str, raw: Result<Raw, String>, provenance: &Provenance) {
        if names::is_secret(key) {
            let given = self.secrets.entry(key.to_owned()).or_default();
            match provenance {
                Provenance::Default => {}
                Provenance::SecretFile(..) => given.as_file = Some(provenance.clone()),
                _ => given.as_value = Some(provenance.clone()),
            }
        }
        match raw {
            Ok(raw) => {
                let provenance = provenance.clone();
                let value = Value { raw, provenance };
                self.values.by_key.insert(key.to_owned(), value);
            }
            Err(message) => self.invalid(key, provenance, &message),
        }
    }

    /// Refuses secrets that are set as a value and as a file, wherever the two come from: one of
    /// them would be ignored, and its owner would believe that it counts.
    fn refuse_secrets_given_twice(&mut self) {
        for (key, given) in std::mem::take(&mut self.secrets) {
            if let (Some(value), Some(file)) = (given.as_value, given.as_file) {
                let code = ConfigErrorCode::GivenTwice;
                let message = format!("is set twice, also by the {file}");
                self.refuse(
                    ConfigError::new(code, &key, Some(&value), message)
                        .hint(format!("set either {key} or {key}_file")),
                );
            }
        }
    }

    fn invalid(&mut self, key: &str, provenance: &Provenance, message: &str) {
        let code = ConfigErrorCode::InvalidValue;
        self.refuse(ConfigError::new(code, key, Some(provenance), message));
    }

    fn unknown(&mut self, key: String, provenance: &Provenance) {
        let plan = key.split('.').nth(1).unwrap_or("name");
        let hint = match names::nearest(&key, names::all(plan)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`vestibule config show` lists them all".to_owned(),
        };
        let code = ConfigErrorCode::UnknownKey;
        let error = ConfigError::new(code, key, Some(provenance), "is not a key");
        self.refuse(error.hint(hint));
    }

    fn refuse(&mut self, error: ConfigError) {
        self.values.refused.insert(error.key.clone());
        self.values.errors.push(error);
    }
}
