//! The keys that sign access tokens.
//!
//! One key signs, the newest that is not retired; a retired one verifies what it signed before
//! that, until the last of it is dead. A keyring does not change: after a rotation the server
//! builds another and swaps it in.

mod signing_key;

use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use vestibule_model::session::Lifetimes;
use vestibule_model::{SigningKeyId, Timestamp};

pub use self::signing_key::SigningKey;

use crate::token::{Claims, Payload, TYPE, TokenError, Unverified, Verified};

/// The most by which another server's clock may be ahead of ours before its new tokens are refused,
/// and the longest that it may go on signing with a key before it hears that the key is retired.
const LAG: Duration = Duration::from_mins(1);

/// Returns the time for which a key verifies after its retirement: until the last token that it can
/// have signed has expired, if tokens live `token_life` at most.
pub const fn afterlife(token_life: Duration) -> Duration {
    token_life.saturating_add(LAG)
}

/// In whose name tokens are signed, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` of every token: the server's public URL.
    pub issuer: String,
    /// The `aud` of every token; the issuer itself unless configured otherwise.
    pub audience: String,
}

/// The reasons why a keyring or a token cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No key that may sign.
    #[error("the keyring has no active signing key")]
    NoActiveKey,
    /// A key that cannot be used: damaged, or refused by the cryptographic library.
    #[error("a signing key is unusable")]
    BadKey,
    /// The claims cannot be spelled as a token: an end that is not after the beginning, or a
    /// moment before 1970.
    #[error("these claims cannot be put into a token")]
    BadClaims,
}

/// A key, ready for use.
struct Ready {
    id: SigningKeyId,
    retired_at: Option<Timestamp>,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Vec<u8>,
}

impl Ready {
    fn new(key: &SigningKey) -> Result<Self, KeyringError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.seed.as_slice())
            .map_err(|_| KeyringError::BadKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| KeyringError::BadKey)?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self {
            id: key.id,
            retired_at: key.retired_at,
            signing: EncodingKey::from_ed_der(document.as_ref()),
            verifying: DecodingKey::from_ed_der(&public),
            public,
        })
    }

    /// Returns whether a token that this key signed can be valid at `now`.
    fn verifies(&self, now: Timestamp, token_life: Duration) -> bool {
        self.retired_at
            .is_none_or(|retired| now < retired.after(afterlife(token_life)))
    }

    /// Returns whether one of our servers can have signed these claims with this key. The tokens of
    /// the signing key carry their own expiry. A retired key may have leaked, so that its tokens
    /// count only if they were issued before the retirement and live `token_life` at most.
    fn can_have_signed(&self, claims: &Claims, token_life: Duration) -> bool {
        self.retired_at.is_none_or(|retired| {
            claims.issued_at <= retired.after(LAG)
                && claims.expires_at.since(claims.issued_at) <= token_life
        })
    }
}

/// The keys of an installation, and what they sign and verify.
pub struct Keyring {
    issuer: Issuer,
    active: Ready,
    others: Vec<Ready>,
    token_life: Duration,
    validation: Validation,
}

impl Keyring {
    /// The keyring of these keys, of which the newest that is not retired signs.
    pub fn new(issuer: Issuer, keys: Vec<SigningKey>) -> Result<Self, KeyringError> {
        let active = keys
            .iter()
            .enumerate()
            .filter(|(_, key)| key.retired_at.is_none())
            .max_by_key(|(_, key)| (key.created_at, key.id))
            .map(|(index, _)| index)
            .ok_or(KeyringError::NoActiveKey)?;
        let mut others = keys
            .into_iter()
            .map(|key| Ready::new(&key))
            .collect::<Result<Vec<_>, _>>()?;
        let active = others.remove(active);

        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&issuer.issuer]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would ask the machine's clock; `verify` judges by the caller's.
        validation.validate_exp = false;

        Ok(Self {
            issuer,
            active,
            others,
            token_life: Lifetimes::default().access_token,
            validation,
        })
    }

    /// The keyring for tokens that live `life`, rounded up to seconds: a retired key verifies for
    /// that long after it signed its last, and nothing that states a longer one. One hour unless
    /// told otherwise.
    #[must_use]
    pub fn with_token_life(mut self, life: Duration) -> Self {
        let part = u64::from(life.subsec_nanos() > 0);
        self.token_life = Duration::from_secs(life.as_secs().saturating_add(part));
        self
    }

    /// The key that signs.
    pub fn active_key(&self) -> SigningKeyId {
        self.active.id
    }

    fn keys(&self) -> impl Iterator<Item = &Ready> {
        std::iter::once(&self.active).chain(&self.others)
    }

    /// In whose name tokens are signed, and for whom.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The token that states `claims`, times cut to whole seconds. The same claims under the same
    /// key give the same text.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyringError> {
        let (issued, expires) = (
            claims.issued_at.as_seconds(),
            claims.expires_at.as_seconds(),
        );
        if issued < 0 || expires <= issued {
            return Err(KeyringError::BadClaims);
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.active.id.to_string());
        let payload = Payload {
            iss: self.issuer.issuer.as_str().into(),
            aud: self.issuer.audience.as_str().into(),
            sub: claims.subject.to_string().into(),
            org: claims.organization.to_string().into(),
            sid: claims.session.to_string().into(),
            iat: issued,
            exp: expires,
            jti: claims.id.to_string().into(),
        };
        jsonwebtoken::encode(&header, &payload, &self.active.signing)
            .map_err(|_| KeyringError::BadKey)
    }

    /// Returns the claims of a token, if it is one of ours and valid at `now`.
    ///
    /// Form first, then the signature, then issuer, audience and time: only who holds a token
    /// that we signed learns more than that it is refused.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let verified = self.verify_signature(token, now)?;
        if verified.claims.expires_at <= now {
            return Err(TokenError::Expired);
        }
        if verified.claims.issued_at > now.after(LAG) {
            return Err(TokenError::NotYetValid);
        }
        Ok(verified)
    }

    /// Returns the claims of a token that we signed, expired or not. They suffice to take something
    /// away, such as its session, but never to let a caller in, which takes
    /// [`verify`](Self::verify).
    ///
    /// What no server of ours can have signed is refused, though the signature be good: somebody
    /// else has the key.
    pub fn verify_signature(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let Unverified { key, claims } = Unverified::read(token)?;
        let key = self
            .keys()
            .find(|known| known.id == key)
            .filter(|known| known.verifies(now, self.token_life))
            .ok_or(TokenError::UnknownKey)?;
        jsonwebtoken::decode::<serde::de::IgnoredAny>(token, &key.verifying, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                ErrorKind::InvalidIssuer => TokenError::Issuer,
                ErrorKind::InvalidAudience => TokenError::Audience,
                ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
                _ => TokenError::Malformed,
            })?;
        if !key.can_have_signed(&claims, self.token_life) {
            return Err(TokenError::UnknownKey);
        }
        Ok(Verified {
            key: key.id,
            claims,
        })
    }

    /// The public keys of the tokens that can stand at `now`, as a JWK set (RFC 7517 with RFC
    /// 8037), for whoever verifies tokens without us.
    pub fn jwks(&self, now: Timestamp) -> serde_json::Value {
        let keys: Vec<_> = self
            .keys()
            .filter(|key| key.verifies(now, self.token_life))
            .map(|key| {
                serde_json::json!({
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": crate::token::ALGORITHM,
                    "kid": key.id.to_string(),
                    "x": URL_SAFE_NO_PAD.encode(&key.public),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

/// Prints which keys there are, and nothing of them.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("issuer", &self.issuer)
            .field("active", &self.active.id)
            .field("keys", &self.keys().map(|key| key.id).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
