//! The secrets of a sign-in and of a connection: typed, never printed, wiped when dropped.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use vestibule_model::{Digest, Entropy};
use zeroize::Zeroizing;

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Wraps a text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// Exposes the text.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

secrets! {
    /// The secret that ties a callback to the browser that started the sign-in (RFC 6749, 10.12).
    /// It travels through the browser; keep it out of logs all the same.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    PlainState;
    /// The secret that ties an ID token to one sign-in (OpenID Connect Core, 3.1.2.1).
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    PlainNonce;
    /// The secret that only the party that started the sign-in can present at the exchange (RFC
    /// 7636).
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    PlainVerifier;
    /// A client's secret at its provider.
    PlainClientSecret;
}

/// Returns 256 random bits in base64url: 43 characters, the length of a PKCE verifier (RFC 7636,
/// 4.1).
pub(crate) fn random(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut_slice());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

impl PlainState {
    /// Generates a state.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random(entropy))
    }

    /// Returns the digest under which a pending sign-in is found.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    pub(crate) fn matches(&self, other: &str) -> bool {
        same(&self.0, other)
    }
}

impl PlainNonce {
    /// Generates a nonce.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random(entropy))
    }

    pub(crate) fn matches(&self, other: &str) -> bool {
        same(&self.0, other)
    }
}

impl PlainVerifier {
    /// Generates a verifier.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random(entropy))
    }

    /// Returns the `code_challenge` of the method `S256` (RFC 7636, 4.2).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Digest::of(self.0.as_bytes()).as_bytes())
    }
}

/// Compares in a time that depends on the lengths alone.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use vestibule_model::OsEntropy;

    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = PlainVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; // RFC 7636, appendix B
        assert_eq!(verifier.challenge(), challenge);
    }

    #[test]
    fn secrets_differ_and_print_nothing() {
        let (one, other) = (
            PlainState::generate(&OsEntropy),
            PlainState::generate(&OsEntropy),
        );
        assert!(!one.matches(other.expose()));
        assert!(one.matches(one.expose()));
        assert_eq!(one.expose().len(), 43);
        assert_eq!(format!("{one:?}"), "PlainState(…)");
    }
}
