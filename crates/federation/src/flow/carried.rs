//! The state of a sign-in, carried by the browser from the start to the callback.
//!
//! Starting a sign-in writes nothing to the store, so that strangers cannot fill it: the state is
//! sealed into a cookie for one `state` parameter and one browser. The callback records that the
//! state was used.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use vestibule_accounts::{Error, Result};
use vestibule_credential::MasterKey;
use vestibule_model::{ConnectionId, Digest, Timestamp};
use vestibule_sso::{Pending, PlainNonce, PlainState, PlainVerifier};

use super::purpose::{Payload, Purpose};
use crate::secret_text::text_of;
use crate::{SettingsVersion, Sso};

/// The time limit of a sign-in.
pub(crate) const LIFE: Duration = Duration::from_secs(10 * 60);

/// The longest cookie value that is opened, in bytes. The longest one issued is shorter.
const LONGEST: usize = 4_096;

/// The number of cookies tried for one state. Names end in a part of the state's digest, so that
/// two matches are rare.
const TRIES: usize = 4;

/// The number of characters of the state's digest in a cookie name.
const TAG: usize = 16;

/// The number of digits of the time in a cookie name.
const DIGITS: usize = 10;

/// The cookie with the sealed state of one sign-in. Each sign-in has its own, so that tabs do not
/// overwrite each other's. `Debug` prints none of it.
#[derive(Clone)]
pub struct CarriedSignIn {
    name: String,
    text: String,
}

impl CarriedSignIn {
    /// Returns the end of the cookie's name: ASCII letters, digits, `-` and `_`. It starts with the
    /// time in digits of fixed width, so that names sort by age.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the end of the cookie's name and its value.
    pub fn named(&self) -> (&str, &str) {
        (&self.name, &self.text)
    }

    /// Exposes the value of the cookie, in base64url.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for CarriedSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarriedSignIn(…)")
    }
}

/// The plain content of the cookie. It omits the state, which the callback's query repeats, and the
/// callback URL, which follows from the connection.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    #[serde(rename = "c")]
    connection: ConnectionId,
    #[serde(rename = "e")]
    expires_at: Timestamp,
    #[serde(rename = "s")]
    started_at: Timestamp,
    #[serde(rename = "n")]
    nonce: PlainNonce,
    #[serde(rename = "v")]
    verifier: PlainVerifier,
    #[serde(rename = "i")]
    issuer: String,
    #[serde(rename = "u")]
    client_id: String,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    acr_values: Vec<String>,
    #[serde(rename = "w")]
    which: SettingsVersion,
    #[serde(rename = "p")]
    purpose: Purpose,
}

/// Returns the digest that marks a state as used. The prefix keeps it apart from logout tokens in
/// the same table, whose ids a provider chooses.
pub(crate) fn spent(state: &Digest) -> Digest {
    Digest::of(format!("sso_state:{}", text_of(state)).as_bytes())
}

/// A sign-in opened from a cookie.
pub(crate) struct Carried {
    pub(crate) connection: ConnectionId,
    pub(crate) expires_at: Timestamp,
    pub(crate) payload: Payload,
}

/// Builds a cookie name from the time in seconds since 1970 and a part of the state's digest.
fn name(state: &Digest, now: Timestamp) -> String {
    let seconds = now.as_micros() / 1_000_000;
    format!("{seconds:0DIGITS$}{}", tag(state))
}

fn tag(state: &Digest) -> String {
    text_of(state).chars().take(TAG).collect()
}

fn context(state: &Digest, browser: &Digest) -> String {
    format!("sso_carried:{}:{}", text_of(state), text_of(browser))
}

impl Sso {
    /// Derives the sealing key for carried sign-ins. Strangers can have any number sealed, and the
    /// number of messages under the master key is limited.
    fn carried_key(&self) -> MasterKey {
        self.accounts().derived_key("sso_carried")
    }

    /// Seals a sign-in for the browser that starts it.
    pub(crate) fn carry(
        &self,
        connection: ConnectionId,
        payload: Payload,
        browser: &Digest,
        now: Timestamp,
    ) -> Result<CarriedSignIn> {
        let Payload {
            pending,
            which,
            purpose,
        } = payload;
        let state = pending.state.digest();
        let sealed = Sealed {
            connection,
            expires_at: now.after(LIFE),
            started_at: pending.started_at,
            nonce: pending.nonce,
            verifier: pending.verifier,
            issuer: pending.issuer,
            client_id: pending.client_id,
            max_age: pending.max_age,
            acr_values: pending.acr_values,
            which,
            purpose,
        };
        // Holds nonce and verifier, so the plain text is wiped.
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&sealed).map_err(Error::internal)?);
        let entropy = self.accounts().entropy();
        let sealed = self
            .carried_key()
            .seal(&context(&state, browser), &plain, entropy)?;
        Ok(CarriedSignIn {
            name: name(&state, now),
            text: URL_SAFE_NO_PAD.encode(sealed),
        })
    }

    /// Opens the sign-in of a state. Returns `None` if the browser has no cookie for it, or an
    /// expired one.
    pub(crate) fn open_carried(
        &self,
        brought: &[(&str, &str)],
        state: &str,
        browser: &Digest,
        now: Timestamp,
    ) -> Option<Carried> {
        let digest = Digest::of(state.as_bytes());
        let (tag, context, key) = (tag(&digest), context(&digest, browser), self.carried_key());
        // Cookies are untrusted input: bound their length and number before opening any.
        let mut of_state = brought
            .iter()
            .filter(|(name, text)| name.ends_with(&tag) && text.len() <= LONGEST)
            .take(TRIES);
        let sealed: Sealed = of_state.find_map(|(_, text)| {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            let plain = key.open(&context, &sealed).ok()?;
            serde_json::from_slice(&plain).ok()
        })?;
        // Checked here, not left to the browser: `Max-Age` binds honest ones only.
        if sealed.expires_at <= now {
            return None;
        }
        Some(Carried {
            connection: sealed.connection,
            expires_at: sealed.expires_at,
            payload: Payload {
                pending: Pending {
                    state: PlainState::new(state),
                    nonce: sealed.nonce,
                    verifier: sealed.verifier,
                    issuer: sealed.issuer,
                    client_id: sealed.client_id,
                    redirect_uri: self.callback_url(sealed.connection),
                    started_at: sealed.started_at,
                    max_age: sealed.max_age,
                    acr_values: sealed.acr_values,
                },
                which: sealed.which,
                purpose: sealed.purpose,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_the_beginnings_and_end_with_the_tag() {
        let state = Digest::of(b"state");
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let (one, two) = (
            name(&state, at(999_999_999)),
            name(&state, at(1_800_000_000)),
        );
        assert!(one < two);
        assert!(one.ends_with(&tag(&state)) && two.ends_with(&tag(&state)));
        assert_eq!(one.len(), DIGITS + TAG);
    }
}
