//! The state of the provider: its people, and the codes and tokens that it has issued.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vestibule_model::{Clock, Email, Entropy, Timestamp};
use vestibule_sso::PlainClientSecret;

use super::key::{Key, encode};
use super::{DevIdpParts, issuer};
use vestibule_server::failure::Failure;

/// The most codes and access tokens that are remembered; the oldest are forgotten.
const MOST: usize = 1_000;

/// The lifetime of a code.
pub(super) const CODE_LIFE: Duration = Duration::from_secs(60);
/// The lifetime of an access token.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// The sign-in that a code stands for.
pub(super) struct Grant {
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) email: Email,
}

/// The provider.
pub(super) struct Provider {
    pub(super) issuer: String,
    /// The host and port that requests have to name.
    pub(super) authority: String,
    pub(super) callbacks: String,
    pub(super) client_secret: PlainClientSecret,
    pub(super) key: Key,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    codes: Handed<Grant>,
    tokens: Handed<Email>,
}

impl Provider {
    pub(super) fn new(address: SocketAddr, parts: DevIdpParts) -> Result<Self, Failure> {
        Ok(Self {
            issuer: issuer(address),
            authority: address.to_string(),
            callbacks: parts.callbacks,
            client_secret: parts.client_secret,
            key: Key::generate()?,
            clock: parts.clock,
            entropy: parts.entropy,
            codes: Handed::default(),
            tokens: Handed::default(),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// 256 random bits as text.
    pub(super) fn random(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        encode(bytes)
    }

    /// A code for what somebody agreed to.
    pub(super) fn issue_code(&self, grant: Grant) -> String {
        let code = self.random();
        self.codes
            .put(code.clone(), grant, self.now().after(CODE_LIFE));
        code
    }

    /// Redeems a code, once.
    pub(super) fn take_code(&self, code: &str) -> Option<Grant> {
        self.codes.take(code, self.now())
    }

    /// An access token that tells of a person.
    pub(super) fn issue_token(&self, email: Email) -> String {
        let token = self.random();
        self.tokens
            .put(token.clone(), email, self.now().after(TOKEN_LIFE));
        token
    }

    /// Returns the address of the person an access token is for.
    pub(super) fn token(&self, token: &str) -> Option<Email> {
        let (now, tokens) = (self.now(), self.tokens.lock());
        let found = tokens.iter().find(|(text, ..)| text == token);
        found
            .filter(|(.., until)| *until > now)
            .map(|(_, email, _)| email.clone())
    }
}

/// Values that were handed out, under the text that brings them back.
struct Handed<T>(Mutex<VecDeque<(String, T, Timestamp)>>);

impl<T> Default for Handed<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Handed<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, T, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, text: String, what: T, until: Timestamp) {
        let mut all = self.lock();
        if all.len() == MOST {
            all.pop_front();
        }
        all.push_back((text, what, until));
    }

    fn take(&self, text: &str, now: Timestamp) -> Option<T> {
        let mut all = self.lock();
        let place = all.iter().position(|(known, ..)| known == text)?;
        let (_, what, until) = all.remove(place)?;
        (until > now).then_some(what)
    }
}
