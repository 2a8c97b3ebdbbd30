//! What every beginning has in common: a sign-in, a test of one, a link.

use serde::{Deserialize, Serialize};
use vestibule_model::{SessionId, SsoConnection, UserId};
use vestibule_policy::target;
use vestibule_sso::{Pending, SignInRequest};
use vestibule_store::ConnectionSecrets;

use super::carried::LIFE;
use super::initiate::{Initiated, ReturnTo};
use super::{Origin, PlainBinding, Sso, Which};
use crate::{Error, Result};

/// What a sign-in is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
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
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::SignIn { .. } => "sign_in",
            Self::Test => "test",
            Self::Link { .. } => "link",
        }
    }
}

/// The state of a sign-in that the callback needs.
#[derive(Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) pending: Pending,
    pub(super) which: Which,
    pub(super) purpose: Purpose,
}

/// What [`Sso::begin`] needs to know of a browser.
pub(super) struct Browser<'a> {
    pub(super) binding: Option<&'a str>,
    pub(super) login_hint: Option<String>,
    pub(super) origin: &'a Origin,
}

impl Sso {
    pub(super) async fn begin(
        &self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
        which: Which,
        purpose: Purpose,
        browser: Browser<'_>,
    ) -> Result<Initiated> {
        let accounts = self.accounts();
        let request = SignInRequest {
            redirect_uri: self.callback_url(connection.id),
            login_hint: browser.login_hint,
            ..SignInRequest::default()
        };
        let provider = self.provider(connection, secrets, which)?;
        let begun = match provider.begin(&request).await {
            Ok(begun) => begun,
            Err(refusal) => {
                let reason = refusal.reason();
                // What strangers begin is not noted: they could push everything else out.
                let whence = if matches!(purpose, Purpose::SignIn { .. }) {
                    tracing::info!(%refusal, connection = %connection.id, "no sign-in can begin");
                    "by a test of the connection"
                } else {
                    self.note_refusal(connection, purpose.as_str(), &refusal, browser.origin)
                        .await;
                    "among the last attempts of the connection"
                };
                return Err(Error::conflict(
                    "provider_unusable",
                    format!(
                        "The identity provider cannot be used now ({reason}); administrators see \
                         why {whence}."
                    ),
                ));
            }
        };
        let now = accounts.now();
        let binding = PlainBinding::kept_or_new(browser.binding, accounts.entropy());
        let payload = Payload {
            pending: begun.pending,
            which,
            purpose,
        };
        // Nothing is written: strangers begin, and must not wait in line with those who revoke.
        let carried = self.carry(connection.id, payload, &binding.digest(), now)?;
        Ok(Initiated {
            redirect_url: begun.url,
            binding,
            carried,
            expires_at: now.after(LIFE),
        })
    }
}

/// Returns what a sign-in that a server of an earlier version has begun is sealed for, in its row.
pub(super) fn context(state: &str) -> String {
    format!("sso_pending:{state}")
}

/// A page of this server, whatever a browser makes of the text.
pub(super) fn check_path(path: &str) -> Result<()> {
    if target::is_own_page(path) {
        return Ok(());
    }
    Err(Error::field(
        "redirect",
        "invalid_redirect",
        "must be a path on this server, such as /console",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_gone_back_to() {
        for good in ["/", "/console", "/console?tab=1&x=%20"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "console",
            "//evil.example",
            "/a//b",
            "/../b",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\tx",
            "/ x",
            "/x#y",
            "/\u{e9}",
            "/x\r\nSet-Cookie: a=b",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
        // As long as the pages themselves take it.
        let longest = "a".repeat(target::MAX_OWN_PAGE_BYTES - 1);
        assert!(check_path(&format!("/{longest}")).is_ok());
        assert!(check_path(&format!("/{longest}a")).is_err());
    }
}
