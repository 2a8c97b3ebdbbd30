//! Signed tokens, parsed strictly before any library sees them (RFC 7515, RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::json;
use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::oidc::keys::KeySet;
use crate::party::Party;
use crate::refusal::{Quoted, SsoRefusal};

/// The longest token that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1_024;

/// Header parameters that change how a token must be read, none of which is supported. Those that
/// only supply a key (`jwk`, `jku`, `x5c`, …) are ignored: keys come from the key set.
const REFUSED: &[&str] = &["crit", "b64", "enc", "zip"];

/// A well-formed token whose signature is not verified yet.
pub(crate) struct Jws<'a> {
    key: Option<String>,
    message: &'a str,
    signature: &'a str,
    claims: Map<String, Value>,
}

impl<'a> Jws<'a> {
    /// Parses a token of one of these types. `typ` is compared without case and may be missing, as
    /// most providers omit it or write `JWT`.
    pub(crate) fn read(
        token: &'a str,
        connection: &OidcConnection,
        types: &[&str],
    ) -> Result<Self, SsoRefusal> {
        if token.len() > MAX_BYTES {
            return Err(SsoRefusal::TokenTooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(SsoRefusal::TokenMalformed)?;
        let (header, claims) = message.split_once('.').ok_or(SsoRefusal::TokenMalformed)?;
        if claims.contains('.') {
            return Err(SsoRefusal::TokenMalformed);
        }
        let (header, claims) = (decode(header)?, decode(claims)?);
        // Decoded only to refuse other spellings of the same signature.
        decode(signature)?;

        let header =
            json::read_object(&header).map_err(|fault| SsoRefusal::HeaderJson { fault })?;
        let key = read_header(&header, connection, types)?;
        let claims =
            json::read_object(&claims).map_err(|fault| SsoRefusal::ClaimsJson { fault })?;
        Ok(Self {
            key,
            message,
            signature,
            claims,
        })
    }

    /// Returns the claims if the provider signed them. An unknown key causes one refresh of the key
    /// set, as often as the cache permits.
    pub(crate) async fn verify(
        self,
        party: &Party,
        connection: &OidcConnection,
        metadata: &Metadata,
    ) -> Result<Map<String, Value>, SsoRefusal> {
        let keys = party.keys(connection, metadata).await?;
        let first = self.check(connection, &keys.value);
        let outcome = match &first {
            // Providers rotate keys without notice, so an unknown key is looked up once more.
            Err(refusal) if self.may_be_rotation(refusal) => {
                match party.newer_keys(connection, metadata, &keys).await {
                    Some(newer) => self.check(connection, &newer.value),
                    None => first,
                }
            }
            _ => first,
        };
        outcome.map(|()| self.claims)
    }

    /// Returns true if newer keys might change the outcome. A token that names a known key and
    /// fails is forged.
    fn may_be_rotation(&self, refusal: &SsoRefusal) -> bool {
        match refusal {
            SsoRefusal::KeyUnknown { .. } | SsoRefusal::NoUsableKey { .. } => true,
            SsoRefusal::Signature => self.key.is_none(),
            _ => false,
        }
    }

    /// Returns the claims if one of these keys signed them.
    pub(crate) fn verify_with(
        self,
        connection: &OidcConnection,
        keys: &KeySet,
    ) -> Result<Map<String, Value>, SsoRefusal> {
        self.check(connection, keys)?;
        Ok(self.claims)
    }

    fn check(&self, connection: &OidcConnection, keys: &KeySet) -> Result<(), SsoRefusal> {
        let algorithm = connection.algorithm;
        let key = keys.find(algorithm, self.key.as_deref())?;
        let verified = jsonwebtoken::crypto::verify(
            self.signature,
            self.message.as_bytes(),
            &key.verifying,
            algorithm.library(),
        );
        match verified {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(SsoRefusal::Signature),
        }
    }
}

/// Returns the `kid` of an acceptable header.
fn read_header(
    header: &Map<String, Value>,
    connection: &OidcConnection,
    types: &[&str],
) -> Result<Option<String>, SsoRefusal> {
    let text = |parameter: &'static str| match header.get(parameter) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(SsoRefusal::Header { parameter }),
    };
    let expected = connection.algorithm.as_str();
    // The connection fixes the algorithm; a token never chooses its own (RFC 8725, 3.1).
    let found = text("alg")?.unwrap_or_default();
    if found != expected {
        let found = Quoted::new(found);
        return Err(SsoRefusal::Algorithm { expected, found });
    }
    if let Some(parameter) = REFUSED.iter().find(|name| header.contains_key(**name)) {
        return Err(SsoRefusal::Header { parameter });
    }
    if let Some(found) = text("typ")? {
        let kind = found.to_ascii_lowercase();
        // The prefix may be left out of a media type (RFC 7515, 4.1.9).
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !types.contains(&kind) {
            return Err(SsoRefusal::TokenKind {
                found: Quoted::new(found),
            });
        }
    }
    Ok(text("kid")?.map(str::to_owned))
}

/// Decodes base64url without padding. This engine also refuses unused bits that are not zero, so
/// that a token has one spelling.
fn decode(segment: &str) -> Result<Vec<u8>, SsoRefusal> {
    let bytes = URL_SAFE_NO_PAD.decode(segment);
    bytes.map_err(|_| SsoRefusal::TokenMalformed)
}
