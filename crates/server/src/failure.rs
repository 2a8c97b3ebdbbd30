//! Why a command did not do what it was asked, and the exit code that says so to scripts.

use std::fmt;
use std::process::ExitCode;

use vestibule_accounts::Error;
use vestibule_store::StoreError;

use crate::config::{ConfigError, ConfigErrors};

/// What a command says to the shell.
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
    /// What was to be checked is not so.
    CheckFailed = 7,
    /// Later it may work.
    Temporary = 75,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
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

    /// What should not happen.
    pub fn defect(error: impl fmt::Display) -> Self {
        Self::failed(format!("Something is wrong in this program: {error}."))
            .hint("Please report it.")
    }

    /// Any other error, with its causes.
    pub fn from_error(error: impl std::error::Error) -> Self {
        Self::failed(with_causes(&error))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, said to the shell in another way.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// What goes to the shell.
    pub fn code(&self) -> Code {
        self.code
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
            Error::Busy { .. } | Error::Limited(_) | Error::Unavailable(_) => Code::Temporary,
            Error::Full(_) | Error::Internal(_) => Code::Failed,
        };
        Self::new(code, with_causes(&error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Unavailable(_) => Code::Temporary,
            StoreError::Conflict(_) => Code::Conflict,
            StoreError::Full(_) | StoreError::Corrupt(_) | StoreError::Other(_) => Code::Failed,
        };
        Self::new(code, sentence(&error))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(format!("The configuration is wrong:\n{errors}"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        ConfigErrors::from(error).into()
    }
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
