//! The redirect to the provider, shared by sign-ins, test sign-ins and links.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_model::{SsoConnection, Timestamp};
use vestibule_sso::SignInRequest;
use vestibule_store::ConnectionSecrets;

use super::binding::PlainBinding;
use super::carried::{CarriedSignIn, LIFE};
use super::purpose::{Payload, Purpose};
use crate::{SettingsVersion, Sso};

/// The browser that [`Sso::start_at_provider`] redirects.
pub(crate) struct Browser<'a> {
    pub(crate) binding: Option<&'a str>,
    pub(crate) login_hint: Option<String>,
    pub(crate) origin: &'a RequestSource,
}

/// A sign-in that has started.
#[derive(Debug)]
pub struct StartedSignIn {
    /// The provider's URL for the browser.
    pub redirect_url: String,
    /// The value of the binding cookie, which the browser shows at the callback.
    pub binding: PlainBinding,
    /// The cookie with the sealed state of this sign-in.
    pub carried: CarriedSignIn,
    /// The time by which the callback must arrive.
    pub expires_at: Timestamp,
}

impl Sso {
    pub(crate) async fn start_at_provider(
        &self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
        which: SettingsVersion,
        purpose: Purpose,
        browser: Browser<'_>,
    ) -> Result<StartedSignIn> {
        let accounts = self.accounts();
        let request = SignInRequest {
            redirect_uri: self.callback_url(connection.id),
            login_hint: browser.login_hint,
            ..SignInRequest::default()
        };
        let provider = self.provider(connection, secrets, which)?;
        let started = match provider.start(&request).await {
            Ok(started) => started,
            Err(refusal) => {
                let reason = refusal.reason();
                // A stranger's sign-in is not recorded: 50 of them would push out every attempt that
                // an administrator wants to see.
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
            pending: started.pending,
            which,
            purpose,
        };
        // Nothing is stored: on SQLite a single writer serves all, and strangers must not delay a
        // revocation.
        let carried = self.carry(connection.id, payload, &binding.digest(), now)?;
        Ok(StartedSignIn {
            redirect_url: started.url,
            binding,
            carried,
            expires_at: now.after(LIFE),
        })
    }
}
