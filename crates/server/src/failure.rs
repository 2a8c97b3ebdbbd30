//! Why a command did not do what it was asked, and the exit code that says so to scripts.

use std::borrow::Cow;
use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use vestibule_accounts::Error;
use vestibule_store::StoreError;

use vestibule_config::{ConfigError, ConfigErrors};

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// It could not be done.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Somebody said no, or pressed Ctrl-C.
    Cancelled = 3,
    /// Not allowed.
    Auth = 4,
    /// There is no such thing.
    NotFound = 5,
    /// The world is not as the command supposed.
    Conflict = 6,
    /// The condition to be checked does not hold.
    CheckFailed = 7,
    /// Later it may work.
    Temporary = 75,
}

/// The reason why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    reason: Cow<'static, str>,
    message: String,
    hint: Option<String>,
    field: Option<String>,
    /// Every single error, for programs, if there may be several.
    errors: Box<[Value]>,
}

impl Code {
    /// The stable cause where nothing finer is known.
    const fn reason(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "wrong_usage",
            Self::Cancelled => "cancelled",
            Self::Auth => "not_allowed",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::CheckFailed => "check_failed",
            Self::Temporary => "unavailable",
        }
    }
}

impl Failure {
    /// A failure with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: code.reason().into(),
            message: message.into(),
            hint: None,
            field: None,
            errors: Box::default(),
        }
    }

    /// It could not be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, message)
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Wraps an error that should not happen.
    pub fn defect(error: impl fmt::Display) -> Self {
        Self::failed(format!("Something is wrong in this program: {error}."))
            .hint("Please report it.")
    }

    /// Any other error, with its causes.
    pub fn from_error(error: impl std::error::Error) -> Self {
        Self::failed(with_causes(&error))
    }

    /// An error of an operation, its fields named as the command line names them.
    pub fn named(mut error: Error, names: &[(&str, &str)]) -> Self {
        if let Error::Invalid(fields) = &mut error {
            for field in fields {
                if let Some((_, name)) = names.iter().find(|(theirs, _)| *theirs == field.field) {
                    (*name).clone_into(&mut field.field);
                }
            }
        }
        error.into()
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names a finer cause, stable and `snake_case`.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Names the argument, flag or key that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same failure, said to the shell in another way.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Returns the exit code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The failure for programs: `{"error": {"reason", "message", "hint"?, "field"?, "errors"?}}`.
    /// Each of `errors` has `reason`, `field`, `message` and, if there is one, `hint`.
    pub fn json(&self) -> Value {
        let mut error = json!({ "reason": self.reason, "message": self.message });
        for (name, text) in [("hint", &self.hint), ("field", &self.field)] {
            if let Some(text) = text {
                error[name] = text.as_str().into();
            }
        }
        if !self.errors.is_empty() {
            error["errors"] = self.errors.to_vec().into();
        }
        json!({ "error": error })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotFound { .. } => Code::NotFound,
            Error::Invalid(_) => Code::Usage,
            Error::Conflict { .. } | Error::TooManyGrants { .. } => Code::Conflict,
            Error::Forbidden(_)
            | Error::BadCredentials
            | Error::Denied { .. }
            | Error::SignInFailed { .. }
            | Error::CredentialEnded => Code::Auth,
            Error::Busy { .. }
            | Error::Limited(_)
            | Error::TooManyNewKeys { .. }
            | Error::Unavailable(_)
            | Error::Uncertain(_) => Code::Temporary,
            Error::Full(_) | Error::Internal(_) => Code::Failed,
        };
        let failure = Self::new(code, with_causes(&error)).reason(error.reason());
        match error {
            Error::Invalid(fields) => match fields.into_iter().next() {
                Some(first) => failure.field(first.field),
                None => failure,
            },
            _ => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Unavailable(_) | StoreError::Contended(_) | StoreError::Uncertain(_) => {
                Code::Temporary
            }
            StoreError::Absent(_) => Code::Usage,
            StoreError::Conflict(_) => Code::Conflict,
            StoreError::Full(_) | StoreError::Corrupt(_) | StoreError::Other(_) => Code::Failed,
        };
        Self::new(code, sentence(&error))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        let mut failure = Self::usage(format!("The configuration is wrong:\n{errors}"))
            .reason("wrong_configuration");
        failure.errors = errors.0.iter().map(for_programs).collect();
        match errors.0.into_iter().next() {
            Some(first) => failure.field(first.key),
            None => failure,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        ConfigErrors::from(error).into()
    }
}

fn for_programs(error: &ConfigError) -> Value {
    let mut object = json!({
        "reason": error.code.as_str(),
        "field": error.key,
        "message": error.message,
    });
    if let Some(hint) = &error.hint {
        object["hint"] = hint.as_str().into();
    }
    if let Some(provenance) = &error.provenance {
        object["origin"] = provenance.to_string().into();
    }
    object
}

/// The operator is who reads the log: causes are for the same eyes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = sentence(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str("\nCause: ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}
