//! The strict reading of a token, before anything in it is believed.
//!
//! A signature proves who wrote a text, not that two readers understand it alike. So the text is
//! held to the one spelling that the keyring writes: three base64url segments without padding or
//! unused bits (RFC 7515, 2), a header of exactly `alg`, `typ` and `kid`, and exactly the claims
//! below, each once, each of its type. There is nothing left to interpret.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use vestibule_model::{SigningKeyId, Timestamp};

use super::{ALGORITHM, Claims, MAX_BYTES, TYPE, TokenError};

/// An Ed25519 signature's length in bytes (RFC 8032, 5.1.6).
const SIGNATURE_LENGTH: usize = 64;

/// The last second that a [`Timestamp`] can hold: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A token whose form is right and whose word is not yet proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unverified {
    /// The key that is said to have signed it.
    pub(crate) key: SigningKeyId,
    /// Its claims.
    pub(crate) claims: Claims,
}

/// The header. Whatever else RFC 7515, 4.1 knows (`crit`, `jku`, `jwk`, `b64`, …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    // Borrowed, so that a value spelled with an escape is refused.
    #[serde(borrow)]
    alg: Option<&'a str>,
    #[serde(borrow)]
    typ: Option<&'a str>,
    #[serde(borrow)]
    kid: Option<&'a str>,
}

/// The claims as they travel.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload<'a> {
    // These two are texts of the configuration, which may need an escape.
    #[serde(borrow)]
    pub(crate) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) aud: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sub: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) org: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sid: Cow<'a, str>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    #[serde(borrow)]
    pub(crate) jti: Cow<'a, str>,
}

impl Unverified {
    /// Reads a token's form. Issuer and audience are only known to be texts; signature and times
    /// are the keyring's to judge.
    pub(crate) fn read(token: &str) -> Result<Self, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (
            segments.next(),
            segments.next(),
            segments.next(),
            segments.next(),
        ) else {
            return Err(TokenError::Malformed);
        };
        let key = read_header(&decode(header)?)?;
        let claims = read_claims(&decode(payload)?)?;
        if decode(signature)?.len() != SIGNATURE_LENGTH {
            return Err(TokenError::Signature);
        }
        Ok(Self { key, claims })
    }
}

/// Base64url without padding; this engine also refuses unused bits that are not zero.
fn decode(segment: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| TokenError::Malformed)
}

/// Derived readers take an array for a struct as well; a token's parts are objects.
fn object(json: &[u8]) -> Result<&[u8], TokenError> {
    match json {
        [b'{', .., b'}'] => Ok(json),
        _ => Err(TokenError::Malformed),
    }
}

fn read_header(json: &[u8]) -> Result<SigningKeyId, TokenError> {
    let header: Header<'_> =
        serde_json::from_slice(object(json)?).map_err(|_| TokenError::Malformed)?;
    if header.alg.ok_or(TokenError::Malformed)? != ALGORITHM {
        return Err(TokenError::Algorithm);
    }
    if header.typ != Some(TYPE) {
        return Err(TokenError::Malformed);
    }
    id(header.kid.ok_or(TokenError::Malformed)?).ok_or(TokenError::UnknownKey)
}

fn read_claims(json: &[u8]) -> Result<Claims, TokenError> {
    let payload: Payload<'_> =
        serde_json::from_slice(object(json)?).map_err(|error| match error.classify() {
            Category::Data => TokenError::Claims,
            Category::Io | Category::Syntax | Category::Eof => TokenError::Malformed,
        })?;
    let claims = Claims {
        subject: id(&payload.sub).ok_or(TokenError::Claims)?,
        organization: id(&payload.org).ok_or(TokenError::Claims)?,
        session: id(&payload.sid).ok_or(TokenError::Claims)?,
        id: id(&payload.jti).ok_or(TokenError::Claims)?,
        issued_at: moment(payload.iat)?,
        expires_at: moment(payload.exp)?,
    };
    if claims.issued_at < claims.expires_at {
        Ok(claims)
    } else {
        Err(TokenError::Claims)
    }
}

/// An id in the one spelling that we write: other spellings of the same UUID are refused.
fn id<Id: FromStr + Display>(text: &str) -> Option<Id> {
    text.parse().ok().filter(|id: &Id| id.to_string() == text)
}

fn moment(seconds: i64) -> Result<Timestamp, TokenError> {
    if (0..=LAST_SECOND).contains(&seconds) {
        Ok(Timestamp::from_seconds(seconds))
    } else {
        Err(TokenError::Claims)
    }
}
