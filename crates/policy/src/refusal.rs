//! Refusals of known callers.

use thiserror::Error;
use vestibule_model::{Capability, PlanName, Role};

/// A refusal of somebody known, for something known: always a 403, save where noted.
///
/// `Display` is one sentence for the caller, with the cause; [`reason`](Self::reason) is the same
/// for programs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The caller's role is too low.
    #[error("This needs the role {needs} or above.")]
    Role {
        /// The lowest role that would do.
        needs: Role,
    },
    /// The caller's rights on a path do not reach.
    #[error("This needs {capability} on {path}; {} {}.", whom(*.by_key), having(*.have))]
    Path {
        /// The path asked about.
        path: String,
        /// The capability needed there.
        capability: Capability,
        /// The capability the caller has there.
        have: Option<Capability>,
        /// True if the key's own grants do not reach, while its owner's rights do.
        by_key: bool,
    },
    /// No grant lets the caller approve at a path.
    #[error("This needs a grant with can_approve on {path} or above it.")]
    Approval {
        /// The path asked about.
        path: String,
    },
    /// The URL names a path that no resource can have: a 404.
    #[error("There is no resource at this path.")]
    NotAPath,
    /// The organisation's plan lacks a feature.
    #[error("The plan {plan} does not have the feature {feature}.")]
    Feature {
        /// The feature needed.
        feature: String,
        /// The plan the organisation has.
        plan: PlanName,
    },
    /// A key with grants of its own has no powers of a role, and manages neither keys nor grants
    /// nor members.
    #[error("This key is narrowed to paths; use one with its owner's full rights.")]
    Narrowed,
    /// The route does not take this kind of credential.
    #[error("This does not accept {}; use {accepts}.", kind_in_words(.presented))]
    CredentialKind {
        /// The kind presented, as [`CredentialRef::kind`](vestibule_model::CredentialRef::kind)
        /// names it.
        presented: &'static str,
        /// The kinds that are accepted, in words.
        accepts: &'static str,
    },
}

impl Refusal {
    /// Stable `snake_case` cause for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role_required",
            Self::Path { have: None, .. } => "path_not_granted",
            Self::Path { have: Some(_), .. } => "capability_not_granted",
            Self::Approval { .. } => "approval_not_granted",
            Self::NotAPath => "not_a_path",
            Self::Feature { .. } => "plan_feature_missing",
            Self::Narrowed => "key_is_narrowed",
            Self::CredentialKind { .. } => "credential_kind_not_accepted",
        }
    }
}

fn whom(by_key: bool) -> &'static str {
    if by_key { "this key has" } else { "you have" }
}

fn having(have: Option<Capability>) -> &'static str {
    match have {
        None => "nothing there",
        Some(Capability::ReadOnly) => "READ_ONLY there",
        Some(Capability::ReadWrite) => "READ_WRITE there",
        Some(Capability::ReadWriteDelete) => "READ_WRITE_DELETE there",
    }
}

fn kind_in_words(kind: &str) -> &'static str {
    match kind {
        "api_key" => "API keys",
        "access_token" => "access tokens",
        _ => "session cookies",
    }
}
