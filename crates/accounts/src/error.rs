//! Why an operation was not done.

use std::time::Duration;

use vestibule_check::Limited;
use vestibule_credential::{HashError, KeyringError, SealError};
use vestibule_model::Invalid;
use vestibule_policy::Refusal;
use vestibule_store::{Conflict, StoreError};

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// The cause of a failure that is not the caller's, for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An operation that was not done, with the cause. Nothing was changed.
///
/// `Display` is one sentence for the caller, with the way out where there is one;
/// [`reason`](Self::reason) is the same for programs. What went wrong inside stands in `source`
/// alone and is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing for this caller: it never was, or it belongs to somebody else.
    #[error("There is no such {what}.")]
    NotFound {
        /// The missing thing, as one noun.
        what: &'static str,
    },
    /// Some of the input is wrong.
    #[error("{}", sentence(.0))]
    Invalid(Vec<FieldError>),
    /// The input is good, and the world is not as the caller thought.
    #[error("{message}")]
    Conflict {
        /// Stable, `snake_case` cause.
        reason: &'static str,
        /// The conflict, and the way out.
        message: String,
    },
    /// The user or the group has as many grants as one may have.
    #[error("There are {max} grants already, which is the limit; delete one first.")]
    TooManyGrants {
        /// The most that one may have.
        max: usize,
    },
    /// The user has created as many API keys in a day as one may.
    #[error(
        "{max} API keys were created within 24 hours, which is the limit; try again in {} s.",
        seconds(*.retry_after)
    )]
    TooManyNewKeys {
        /// The number that one may create.
        max: u32,
        /// In what time.
        window: Duration,
        /// The time after which to try again.
        retry_after: Duration,
    },
    /// The caller is known and may not do this.
    #[error(transparent)]
    Forbidden(#[from] Refusal),
    /// The sign-in failed; nobody is told why.
    #[error("The e-mail address or the password is wrong.")]
    BadCredentials,
    /// Somebody known may not come in, or not this way: a 403.
    #[error("{message}")]
    Denied {
        /// Stable, `snake_case` cause.
        reason: &'static str,
        /// The conflict, and the way out.
        message: String,
    },
    /// A sign-in through an identity provider failed: a 401.
    #[error("{message}")]
    SignInFailed {
        /// Stable, `snake_case` cause.
        reason: &'static str,
        /// The mistake, and the way out.
        message: String,
    },
    /// The credential was good a moment ago and has ended.
    #[error("The credential has ended; sign in again.")]
    CredentialEnded,
    /// Too many passwords are being checked at once.
    #[error("Too many sign-ins at once; try again in {} s.", seconds(*.retry_after))]
    Busy {
        /// The time after which to try again.
        retry_after: Duration,
    },
    /// Too many attempts.
    #[error("Too many attempts; try again in {} s.", seconds(.0.retry_after))]
    Limited(Limited),
    /// The truth cannot be known, or the change cannot be stored, now.
    #[error("The server cannot answer this now; try again in a moment.")]
    Unavailable(#[source] Cause),
    /// The database did not confirm the change: it may have been made.
    #[error("The server does not know whether the change was made.")]
    Uncertain(#[source] Cause),
    /// The database has no space left.
    #[error("The server has no space left to store this; reading still works.")]
    Full(#[source] Cause),
    /// A defect of this program, or of what is stored.
    #[error("Something went wrong in the server.")]
    Internal(#[source] Cause),
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field, as `expires_at` or `grants[2].path`.
    pub field: String,
    /// Stable, `snake_case` cause.
    pub reason: &'static str,
    /// The mistake and what would be right, to be read after the field's name.
    pub message: String,
}

impl FieldError {
    /// A wrong field.
    pub fn new(field: impl Into<String>, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason,
            message: message.into(),
        }
    }
}

impl Error {
    /// Writes what is the server's to mend to the log, with its cause. For the door that answers,
    /// once.
    pub fn log(&self) {
        let cause = std::error::Error::source(self).map(ToString::to_string);
        match self {
            Self::Unavailable(_) => tracing::warn!(cause, "the store is not available"),
            Self::Uncertain(_) => tracing::warn!(cause, "the store did not confirm a change"),
            Self::Full(_) => tracing::error!(cause, "the store has no space left"),
            Self::Internal(_) => tracing::error!(cause, "an operation failed"),
            _ => {}
        }
    }

    /// One wrong field.
    pub fn field(
        field: impl Into<String>,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError::new(field, reason, message)])
    }

    /// A value of a field that its type refuses.
    pub fn invalid(field: impl Into<String>, invalid: Invalid) -> Self {
        Self::field(field, invalid.reason, invalid.message)
    }

    /// A state that stands in the way, with a stable reason and a sentence for the caller.
    pub fn conflict(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            reason,
            message: message.into(),
        }
    }

    /// Something that is not allowed, with a stable reason and a sentence for the caller.
    pub fn denied(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Denied {
            reason,
            message: message.into(),
        }
    }

    /// A sign-in that failed, with a stable reason and a sentence for the caller.
    pub fn sign_in_failed(reason: &'static str, message: impl Into<String>) -> Self {
        Self::SignInFailed {
            reason,
            message: message.into(),
        }
    }

    /// A failure that is the server's to mend; its cause goes to the log.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// Stable, `snake_case` cause for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Invalid(fields) => fields.first().map_or("invalid", |field| field.reason),
            Self::Conflict { reason, .. }
            | Self::Denied { reason, .. }
            | Self::SignInFailed { reason, .. } => reason,
            Self::TooManyGrants { .. } => "permission_limit",
            Self::TooManyNewKeys { .. } => "too_many_new_keys",
            Self::Forbidden(refusal) => refusal.reason(),
            Self::BadCredentials => "bad_credentials",
            Self::CredentialEnded => "credential_ended",
            Self::Busy { .. } => "busy",
            Self::Limited(_) => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Uncertain(_) => "timed_out",
            Self::Full(_) => "storage_full",
            Self::Internal(_) => "internal_error",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Contended(_) | StoreError::Absent(_) => {
                Self::Unavailable(error.into())
            }
            StoreError::Uncertain(_) => Self::Uncertain(error.into()),
            StoreError::Full(_) => Self::Full(error.into()),
            StoreError::Conflict(conflict) => match conflict {
                Conflict::Email => {
                    Self::conflict("email_taken", "Another user has this e-mail address.")
                }
                Conflict::Membership => Self::conflict(
                    "already_member",
                    "The user is a member already; change the role or activate the membership.",
                ),
                Conflict::GroupName => Self::conflict(
                    "group_name_taken",
                    "Another group of the organisation has this name.",
                ),
                Conflict::GroupMember => {
                    Self::conflict("already_in_group", "The member is in the group already.")
                }
                Conflict::Domain => Self::conflict(
                    "domain_taken",
                    "The domain is in the organisation's list already, or another organisation \
                     has proved it.",
                ),
                Conflict::RedirectUri => Self::conflict(
                    "redirect_uri_taken",
                    "The organisation has registered this redirect URI already.",
                ),
                Conflict::SsoIdentity => Self::conflict(
                    "identity_taken",
                    "Another user is linked with this person of the identity provider.",
                ),
                // It was there when the transaction began.
                Conflict::Reference => Self::NotFound { what: "object" },
                Conflict::Identity => Self::internal(error),
            },
            StoreError::Corrupt(_) | StoreError::Other(_) => Self::internal(error),
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy { retry_after } => Self::Busy { retry_after },
            HashError::Stopped => Self::Unavailable(error.into()),
            HashError::StoredHash => Self::internal(error),
        }
    }
}

impl From<Limited> for Error {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<KeyringError> for Error {
    fn from(error: KeyringError) -> Self {
        Self::internal(error)
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}

/// Whole seconds, rounded up, as `Retry-After` has them.
fn seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
        .max(1)
}

fn sentence(fields: &[FieldError]) -> String {
    let each: Vec<_> = fields
        .iter()
        .map(|field| format!("{} {}", field.field, field.message))
        .collect();
    format!("{}.", each.join("; "))
}
