//! What every beginning has in common: a sign-in, a test of one, a link.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_model::{SsoConnection, Timestamp};
use vestibule_sso::SignInRequest;
use vestibule_store::ConnectionSecrets;

use super::binding::PlainBinding;
use super::carried::{CarriedSignIn, LIFE};
use super::purpose::{Payload, Purpose};
use crate::{Sso, Which};

/// What [`Sso::begin`] needs to know of a browser.
pub(crate) struct Browser<'a> {
    pub(crate) binding: Option<&'a str>,
    pub(crate) login_hint: Option<String>,
    pub(crate) origin: &'a RequestSource,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Initiated {
    /// Where to send the browser.
    pub redirect_url: String,
    /// What the browser has to keep in a cookie and show at the callback.
    pub binding: PlainBinding,
    /// The cookie that the browser has to keep for this one sign-in.
    pub carried: CarriedSignIn,
    /// Until when it must have come back.
    pub expires_at: Timestamp,
}

impl Sso {
    pub(crate) async fn begin(
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
