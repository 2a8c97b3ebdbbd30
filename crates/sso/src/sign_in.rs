//! One sign-in, from its beginning to its callback.

use serde::{Deserialize, Serialize};
use vestibule_model::{Entropy, Timestamp};

use crate::secret::{PlainNonce, PlainState, PlainVerifier};

/// What is asked of a provider.
#[derive(Debug, Clone, Default)]
pub struct SignInRequest {
    /// Where the provider sends the browser back to: the callback of the connection, from our
    /// configuration.
    pub redirect_uri: String,
    /// Who probably wants to sign in: an e-mail address that was typed at our door.
    pub login_hint: Option<String>,
    /// What the provider shall show.
    pub prompt: Option<Prompt>,
    /// How long ago the person may have signed in at the provider, in seconds.
    pub max_age: Option<u32>,
    /// The classes of authentication of which one is demanded; none for any.
    pub acr_values: Vec<String>,
}

/// What the provider shall show (OpenID Connect Core, 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing: fail if somebody would have to act.
    None,
    /// Its sign-in, even if there is a session.
    Login,
    /// The question what to share.
    Consent,
    /// The choice among accounts.
    SelectAccount,
}

impl Prompt {
    /// Its spelling in the request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// What to remember of a sign-in until its callback, under the digest of its state.
///
/// Its serialised form holds the secrets: seal it if it leaves the memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Must come back in the callback, and must be bound to the browser.
    pub state: PlainState,
    /// Must come back in the ID token.
    pub nonce: PlainNonce,
    /// Proves to the token endpoint that we began this.
    pub verifier: PlainVerifier,
    /// The issuer that was asked: no other may answer.
    pub issuer: String,
    /// The client that asked.
    pub client_id: String,
    /// The callback that was named, which the exchange must repeat.
    pub redirect_uri: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The asked-for age of the provider's sign-in, in seconds.
    pub max_age: Option<u32>,
    /// The demanded classes of authentication.
    pub acr_values: Vec<String>,
}

impl Pending {
    /// A sign-in with new secrets.
    pub(crate) fn begin(
        issuer: &str,
        client_id: &str,
        request: &SignInRequest,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            state: PlainState::generate(entropy),
            nonce: PlainNonce::generate(entropy),
            verifier: PlainVerifier::generate(entropy),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            redirect_uri: request.redirect_uri.clone(),
            started_at: now,
            max_age: request.max_age,
            acr_values: request.acr_values.clone(),
        }
    }
}

/// A sign-in that has begun.
#[derive(Debug, Clone)]
pub struct ProviderStart {
    /// Where to send the browser. Holds state and challenge.
    pub url: String,
    /// What to remember.
    pub pending: Pending,
}
