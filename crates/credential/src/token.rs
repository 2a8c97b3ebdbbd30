//! Access tokens: signed statements that a session may act in an organisation for a while.
//!
//! A token is a JWT as RFC 9068 profiles it, signed with `EdDSA` over Ed25519. The
//! [`Keyring`](crate::Keyring) signs and verifies, with the feature `tokens`; this module says what a token holds and reads
//! it strictly: there is one spelling of a token and everything else is refused before any
//! library sees it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use vestibule_model::{
    Clock, Entropy, Invalid, OrganizationId, SessionId, SigningKeyId, Timestamp, UserId,
};

#[cfg(feature = "tokens")]
mod strict;

#[cfg(feature = "tokens")]
pub(crate) use strict::{Payload, Unverified};

/// The longest token that is read at all, in bytes.
pub const MAX_BYTES: usize = 8 * 1_024;

/// The `alg` of every token (RFC 8037).
#[cfg(feature = "tokens")]
pub(crate) const ALGORITHM: &str = "EdDSA";

/// The `typ` of every token (RFC 9068, 2.1), which keeps other JWTs of the same keys from
/// passing for one.
#[cfg(feature = "tokens")]
pub(crate) const TYPE: &str = "at+jwt";

/// The id of a token (`jti`, RFC 7519 section 4.1.7): a UUID in its usual lower-case spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(Uuid);

impl TokenId {
    /// A new id: a UUIDv7, sortable by time.
    pub fn mint(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut random = [0; 10];
        entropy.fill(&mut random);
        let millis = u64::try_from(clock.now().as_micros() / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id with this UUID, as the store holds it.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID, as the store holds it.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The millisecond in which the id was minted, as a UUIDv7 carries it (RFC 9562, 5.7).
    pub fn minted_at(self) -> Timestamp {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or(0);
        Timestamp::from_micros(millis.saturating_mul(1_000))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for TokenId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Invalid::new("invalid_id", "must be a UUID"))
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The claims of a token. The keyring adds and checks the issuer and the audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The user (`sub`).
    pub subject: UserId,
    /// The organisation the token acts in (`org`).
    pub organization: OrganizationId,
    /// The session it belongs to and ends with (`sid`).
    pub session: SessionId,
    /// The id of the token (`jti`).
    pub id: TokenId,
    /// The time of issue (`iat`), in whole seconds.
    pub issued_at: Timestamp,
    /// From when on it is refused (`exp`), in whole seconds.
    pub expires_at: Timestamp,
}

/// A token that we signed: what it states, and the key it was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it (`kid`).
    pub key: SigningKeyId,
    /// Its claims.
    pub claims: Claims,
}

/// The reasons why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not a JWT in the one spelling that is read.
    #[error("the access token is malformed")]
    Malformed,
    /// It is longer than [`MAX_BYTES`].
    #[error("the access token is longer than 8 KiB")]
    TooLong,
    /// Its `alg` is not `EdDSA`.
    #[error("the access token is signed with an algorithm that is not accepted")]
    Algorithm,
    /// Its `kid` is not, or no longer, in the keyring, or of one that is retired and cannot have
    /// signed this.
    #[error("the access token is signed with a key that is unknown or retired")]
    UnknownKey,
    /// The signature does not fit the rest.
    #[error("the access token's signature is wrong")]
    Signature,
    /// Its `exp` has come.
    #[error("the access token has expired")]
    Expired,
    /// Its `iat` lies in the future.
    #[error("the access token is not valid yet; the server's clock may be wrong")]
    NotYetValid,
    /// Its `iss` is another server.
    #[error("the access token was issued by another server")]
    Issuer,
    /// Its `aud` is another service.
    #[error("the access token is meant for another service")]
    Audience,
    /// A claim is missing, unknown, duplicated or of the wrong type.
    #[error("the access token's claims are not those of this server")]
    Claims,
}

impl TokenError {
    /// Stable, `snake_case` cause for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::TooLong => "token_too_long",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Claims => "token_claims",
        }
    }
}

/// The two parts of a bearer value that may be a token: its last 43 characters, and what stands
/// before them. Of what is no token they are two parts that make up the whole, and no more.
///
/// The last 43 characters hold the second half of the signature (RFC 7515, 7.1; RFC 8032, 5.1.6),
/// which nobody can guess who has not seen the token: enough to know a token by. Their digest takes
/// half as long as that of the signature.
///
/// Every JSON object in base64url begins with `eyJ` when its first byte after `{` is a quote, and
/// no framed secret does, because prefixes are lower-case words followed by `_`.
pub fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.starts_with(b"eyJ")
        .then(|| text.split_at(text.len().saturating_sub(SECRET_CHARACTERS)))
}

/// 258 bits in base64url, of which 254 are the signature's.
const SECRET_CHARACTERS: usize = 43;

/// Returns whether a bearer value is read as a token, valid or not, instead of as one of our
/// secrets.
pub fn looks_like_token(text: &str) -> bool {
    split(text.as_bytes()).is_some()
}

#[cfg(all(test, feature = "tokens"))]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use vestibule_model::SystemClock;

    use super::*;
    use crate::testing::Predictable;
    use crate::{Prefix, SecretKind, frame};

    #[rstest]
    #[case("eyJhbGciOiJFZERTQSJ9.e30.AAAA", true)]
    #[case("eyJ..", true)]
    #[case("eyJ", true)]
    #[case("ey", false)]
    #[case("e30.e30.AAAA", false)]
    #[case("", false)]
    fn a_token_is_told_by_its_beginning(#[case] text: &str, #[case] looks: bool) {
        assert_eq!(looks_like_token(text), looks);
    }

    #[test]
    fn no_framed_secret_looks_like_a_token() {
        for prefix in ["ks", "eyj"] {
            let prefix: Prefix = prefix.parse().unwrap();
            let secret = frame::mint(&prefix, SecretKind::LiveKey, &Predictable::from(1));
            assert!(!looks_like_token(secret.expose()));
        }
    }

    #[test]
    fn a_token_id_survives_text_and_json() {
        let id = TokenId::mint(&SystemClock, &Predictable::from(1));
        assert_eq!(id.to_string().parse::<TokenId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<TokenId>(&json).unwrap(), id);
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_strict_reading_panic(text in "(eyJ)?.*") {
            let _ = Unverified::read(&text);
        }

        #[test]
        fn no_payload_makes_the_strict_reading_panic(header: Vec<u8>, payload: Vec<u8>) {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let text = format!("{}.{}.AAAA", engine.encode(header), engine.encode(payload));
            let _ = Unverified::read(&text);
        }
    }
}
