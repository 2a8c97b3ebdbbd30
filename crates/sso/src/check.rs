//! The result of looking a connection over.

use serde::Serialize;

use crate::refusal::SsoRefusal;

/// One named check of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCheck {
    /// Its name: `scheme`, `address_guard`, `discovery`, `issuer`, `endpoints`, `code_flow`,
    /// `s256`, `algorithm`, `client_auth`, `keys`, `credentials` or `clock`.
    pub name: &'static str,
    /// Whether it passed.
    pub passed: bool,
    /// What was found, or what is wrong and with which value.
    pub detail: String,
    /// The clause that failed, as [`SsoRefusal::reason`] has it, where it is one.
    #[serde(skip)]
    pub clause: Option<&'static str>,
}

impl NamedCheck {
    /// A check with its outcome: what was found, or why it failed.
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

    /// A check with its outcome, and the clause that failed.
    pub(crate) fn judged(name: &'static str, outcome: Result<String, SsoRefusal>) -> Self {
        let clause = outcome.as_ref().err().map(SsoRefusal::reason);
        Self {
            clause,
            ..Self::of(name, outcome)
        }
    }

    /// A check that could not be made, because an earlier one failed.
    pub fn not_reached(name: &'static str) -> Self {
        Self {
            name,
            passed: false,
            detail: "not checked, because an earlier check failed".to_owned(),
            clause: None,
        }
    }
}
