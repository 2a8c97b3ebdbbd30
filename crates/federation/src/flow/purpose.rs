//! The purpose of a sign-in, and the state kept until its callback.

use serde::{Deserialize, Serialize};
use vestibule_model::{SessionId, UserId};
use vestibule_sso::Pending;

use super::return_to::ReturnTo;
use crate::SettingsVersion;

/// The purpose of a sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    SignIn {
        to: ReturnTo,
        state: Option<String>,
        /// The signed-in user who agreed on our page to be signed out.
        #[serde(default)]
        replaces: Option<UserId>,
    },
    Test,
    Link {
        user: UserId,
        /// The session that started the link; it must be live until the link is stored.
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

/// The state that the callback needs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) pending: Pending,
    pub(crate) which: SettingsVersion,
    pub(crate) purpose: Purpose,
}
