//! One sign-in, from its start to its callback.

use serde::{Deserialize, Serialize};
use vestibule_model::{Entropy, Timestamp};

use crate::secret::{PlainNonce, PlainState, PlainVerifier};

/// A request to the provider.
#[derive(Debug, Clone, Default)]
pub struct SignInRequest {
    /// The callback of the connection, built from our configuration.
    pub redirect_uri: String,
    /// The e-mail address of the expected user, as typed on our page.
    pub login_hint: Option<String>,
    /// The interaction that the provider shall show.
    pub prompt: Option<Prompt>,
    /// The greatest age of the sign-in at the provider, in seconds.
    pub max_age: Option<u32>,
    /// The acceptable authentication classes; empty for any.
    pub acr_values: Vec<String>,
}

/// The interaction at the provider (OpenID Connect Core, 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// None: the provider fails if the person would have to act.
    None,
    /// Its sign-in, even during a session.
    Login,
    /// The consent to share claims.
    Consent,
    /// The selection of an account.
    SelectAccount,
}

impl Prompt {
    /// Returns the spelling in the request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// The state to keep until the callback, under the digest of its `state`.
///
/// Its serialised form holds the secrets: seal it outside memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The state, which the callback must repeat and which must be bound to the browser.
    pub state: PlainState,
    /// The nonce, which the ID token must repeat.
    pub nonce: PlainNonce,
    /// The PKCE verifier for the token endpoint.
    pub verifier: PlainVerifier,
    /// The issuer; no other may answer.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The redirect URI, which the exchange must repeat (RFC 6749, 4.1.3).
    pub redirect_uri: String,
    /// The time of the start.
    pub started_at: Timestamp,
    /// The requested age of the provider's sign-in, in seconds.
    pub max_age: Option<u32>,
    /// The requested authentication classes.
    pub acr_values: Vec<String>,
}

impl Pending {
    /// Builds a sign-in with new secrets.
    pub(crate) fn new(
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

/// A started sign-in.
#[derive(Debug, Clone)]
pub struct ProviderStart {
    /// The URL for the browser, which holds state and challenge.
    pub url: String,
    /// The state to keep.
    pub pending: Pending,
}
