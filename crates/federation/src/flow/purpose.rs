//! What a sign-in is for.

use serde::{Deserialize, Serialize};
use vestibule_model::{SessionId, UserId};
use vestibule_sso::Pending;

use super::return_to::ReturnTo;
use crate::Which;

/// What a sign-in is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    SignIn {
        to: ReturnTo,
        state: Option<String>,
        /// Who has said on our page that this sign-in may end the own one.
        #[serde(default)]
        replaces: Option<UserId>,
    },
    Test,
    Link {
        user: UserId,
        /// The session that asked for it, which has to live until it is done.
        session: SessionId,
        path: String,
    },
}

impl Purpose {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign_in",
            Self::Test => "test",
            Self::Link { .. } => "link",
        }
    }
}

/// The state of a sign-in that the callback needs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) pending: Pending,
    pub(crate) which: Which,
    pub(crate) purpose: Purpose,
}
