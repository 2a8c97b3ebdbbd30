//! Signed tokens, read strictly before any library sees them (RFC 7515, RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::json;
use crate::oidc::cache::Cache;
use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Metadata;
use crate::oidc::keys::KeySet;
use crate::party::Party;
use crate::refusal::{Quoted, SsoRefusal};

/// The longest token that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1_024;

/// Header parameters that change how a token is to be read, none of which we follow. Those that
/// only bring a key along (`jwk`, `jku`, `x5c`, …) are ignored: keys come from the key set.
const REFUSED: &[&str] = &["crit", "b64", "enc", "zip"];

/// A token whose form is right and whose word is not yet proved.
pub(crate) struct Jws<'a> {
    key: Option<String>,
    message: &'a str,
    signature: &'a str,
    claims: Map<String, Value>,
}

impl<'a> Jws<'a> {
    /// Reads the form of a token of one of these types (`typ`, compared without case; a missing
    /// one is accepted, as most providers leave it out or write `JWT`).
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

    /// What the token claims, if the provider signed it. Keys that are not known are asked for
    /// once, as often as the cache allows.
    pub(crate) async fn verify(
        self,
        party: &Party,
        connection: &OidcConnection,
        metadata: &Metadata,
    ) -> Result<Map<String, Value>, SsoRefusal> {
        let cache: &Cache = &party.cache;
        let keys = cache.keys(party, connection, metadata).await?;
        let first = self.check(connection, &keys.value);
        let outcome = match &first {
            Err(refusal) if self.may_be_rotation(refusal) => {
                match cache.newer_keys(party, connection, metadata, &keys).await {
                    Some(newer) => self.check(connection, &newer.value),
                    None => first,
                }
            }
            _ => first,
        };
        outcome.map(|()| self.claims)
    }

    /// Whether newer keys might change the outcome. A token that names its key and fails is just
    /// wrong.
    fn may_be_rotation(&self, refusal: &SsoRefusal) -> bool {
        match refusal {
            SsoRefusal::KeyUnknown { .. } | SsoRefusal::NoUsableKey { .. } => true,
            SsoRefusal::Signature => self.key.is_none(),
            _ => false,
        }
    }

    /// The claims, if one of these keys has signed them.
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

/// The header's key, if the header is one that we accept.
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
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !types.contains(&kind) {
            return Err(SsoRefusal::TokenKind {
                found: Quoted::new(found),
            });
        }
    }
    Ok(text("kid")?.map(str::to_owned))
}

/// Base64url without padding; this engine also refuses unused bits that are not zero.
fn decode(segment: &str) -> Result<Vec<u8>, SsoRefusal> {
    let bytes = URL_SAFE_NO_PAD.decode(segment);
    bytes.map_err(|_| SsoRefusal::TokenMalformed)
}
