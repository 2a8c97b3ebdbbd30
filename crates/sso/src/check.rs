//! The checks of a connection.

use serde::Serialize;

use crate::refusal::SsoRefusal;

/// One named check of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCheck {
    /// Its name: `scheme`, `address_guard`, `discovery`, `issuer`, `endpoints`, `code_flow`,
    /// `s256`, `algorithm`, `client_auth`, `keys`, `credentials` or `clock`.
    pub name: &'static str,
    /// True if the check passed.
    pub passed: bool,
    /// The finding, or the wrong value and the reason.
    pub detail: String,
    /// The clause that failed, as in [`SsoRefusal::reason`].
    #[serde(skip)]
    pub clause: Option<&'static str>,
}

impl NamedCheck {
    /// Builds a check from its outcome.
    pub fn of<E: std::fmt::Display>(name: &'static str, outcome: Result<String, E>) -> Self {
        match outcome {
            Ok(detail) => Self {
                name,
                passed: true,
                detail,
                clause: None,
            },
            Err(error) => Self {
                name,
                passed: false,
                detail: error.to_string(),
                clause: None,
            },
        }
    }

    /// Builds a check from its outcome, with the clause that failed.
    pub(crate) fn judged(name: &'static str, outcome: Result<String, SsoRefusal>) -> Self {
        let clause = outcome.as_ref().err().map(SsoRefusal::reason);
        Self {
            clause,
            ..Self::of(name, outcome)
        }
    }

    /// Builds a check that an earlier failure prevented.
    pub fn not_reached(name: &'static str) -> Self {
        Self {
            name,
            passed: false,
            detail: "not checked, because an earlier check failed".to_owned(),
            clause: None,
        }
    }
}
