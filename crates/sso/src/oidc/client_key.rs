//! The key of a connection, for `private_key_jwt` (RFC 7523).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde::Serialize;
use serde_json::{Value, json};
use vestibule_model::{Digest, Entropy};
use zeroize::Zeroizing;

use crate::oidc::algorithm::Algorithm;
use crate::refusal::SsoRefusal;

/// The PKCS #8 prefix of a P-256 private key without its public part (RFC 5958, RFC 5915); the 32
/// bytes of the key follow.
const P256_PKCS8: [u8; 35] = [
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01,
    0x01, 0x04, 0x20,
];

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKeyKind {
    /// Ed25519, signing `EdDSA`.
    EdDsa,
    /// P-256, signing `ES256`, which more providers support.
    Es256,
}

/// A key pair of one connection. Since no two share a key, a provider cannot use an assertion meant
/// for it elsewhere. The private part is wiped when dropped and never printed.
#[derive(Clone)]
pub struct ClientKey {
    kind: ClientKeyKind,
    secret: Zeroizing<[u8; 32]>,
    document: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
    id: String,
}

impl ClientKey {
    /// Generates a key.
    pub fn generate(kind: ClientKeyKind, entropy: &dyn Entropy) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        loop {
            entropy.fill(secret.as_mut_slice());
            // About one in 2^32 random texts lies outside the range of P-256 keys: draw again.
            if let Ok(key) = Self::from_secret(kind, &secret) {
                return key;
            }
        }
    }

    /// Restores a key from its private part.
    pub fn from_secret(kind: ClientKeyKind, secret: &[u8; 32]) -> Result<Self, SsoRefusal> {
        let (document, public) = match kind {
            ClientKeyKind::EdDsa => ed25519(secret),
            ClientKeyKind::Es256 => p256(secret),
        }
        .ok_or(SsoRefusal::ClientKey)?;
        let mut key = Self {
            kind,
            secret: Zeroizing::new(*secret),
            document,
            public,
            id: String::new(),
        };
        key.id = key.thumbprint();
        Ok(key)
    }

    /// Returns the kind of the key.
    pub fn kind(&self) -> ClientKeyKind {
        self.kind
    }

    /// Exposes the private part, to be sealed.
    pub fn expose(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Returns the `kid`: the thumbprint of RFC 7638.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the public part as a JWK, to be registered at the provider.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.required_members();
        if let Value::Object(members) = &mut jwk {
            members.insert("kid".into(), json!(self.id));
            members.insert("use".into(), json!("sig"));
            members.insert("alg".into(), json!(self.algorithm().as_str()));
        }
        jwk
    }

    /// Signs a JWT with these claims.
    pub(crate) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SsoRefusal> {
        let mut header = jsonwebtoken::Header::new(self.algorithm().library());
        header.kid = Some(self.id.clone());
        let key = match self.kind {
            ClientKeyKind::EdDsa => EncodingKey::from_ed_der(&self.document),
            ClientKeyKind::Es256 => EncodingKey::from_ec_der(&self.document),
        };
        jsonwebtoken::encode(&header, claims, &key).map_err(|_| SsoRefusal::ClientKey)
    }

    fn algorithm(&self) -> Algorithm {
        match self.kind {
            ClientKeyKind::EdDsa => Algorithm::EdDsa,
            ClientKeyKind::Es256 => Algorithm::Es256,
        }
    }

    fn required_members(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match (self.kind, self.public.as_slice()) {
            (ClientKeyKind::Es256, [_, point @ ..]) if point.len() == 64 => {
                let (x, y) = point.split_at(32);
                json!({ "crv": "P-256", "kty": "EC", "x": part(x), "y": part(y) })
            }
            (_, public) => json!({ "crv": "Ed25519", "kty": "OKP", "x": part(public) }),
        }
    }

    /// Hashes the required members in the order of their names (RFC 7638, 3.3), which is how
    /// `serde_json` writes maps.
    fn thumbprint(&self) -> String {
        let members = self.required_members().to_string();
        URL_SAFE_NO_PAD.encode(Digest::of(members.as_bytes()).as_bytes())
    }
}

type Parts = (Zeroizing<Vec<u8>>, Vec<u8>);

fn ed25519(secret: &[u8; 32]) -> Option<Parts> {
    let pair = Ed25519KeyPair::from_seed_unchecked(secret).ok()?;
    let document = pair.to_pkcs8v1().ok()?;
    let public = pair.public_key().as_ref().to_vec();
    Some((Zeroizing::new(document.as_ref().to_vec()), public))
}

fn p256(secret: &[u8; 32]) -> Option<Parts> {
    let mut document = Zeroizing::new(Vec::with_capacity(P256_PKCS8.len() + secret.len()));
    document.extend_from_slice(&P256_PKCS8);
    document.extend_from_slice(secret);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).ok()?;
    let public = pair.public_key().as_ref().to_vec();
    Some((document, public))
}

/// Prints the kind and the id, and nothing secret.
impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKey({:?}, {})", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::OsEntropy;

    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        // RFC 8037, appendix A.1 and A.3.
        let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let secret = URL_SAFE_NO_PAD.decode(d).unwrap().try_into().unwrap();
        let key = ClientKey::from_secret(ClientKeyKind::EdDsa, &secret).unwrap();
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(
            key.public_jwk()["x"],
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
    }

    #[test]
    fn a_key_survives_its_sealing_and_prints_nothing() {
        for kind in [ClientKeyKind::EdDsa, ClientKeyKind::Es256] {
            let key = ClientKey::generate(kind, &OsEntropy);
            let again = ClientKey::from_secret(kind, key.expose()).unwrap();
            assert_eq!(again.public_jwk(), key.public_jwk());
            assert!(!format!("{key:?}").contains(&URL_SAFE_NO_PAD.encode(key.expose())));
        }
    }

    #[test]
    fn what_it_signs_verifies_with_its_public_part() {
        for kind in [ClientKeyKind::EdDsa, ClientKeyKind::Es256] {
            let key = ClientKey::generate(kind, &OsEntropy);
            let token = key.sign(&json!({ "iss": "client" })).unwrap();
            let jwk = serde_json::from_value(key.public_jwk()).unwrap();
            let verifying = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let algorithm = key.algorithm().library();
            let verify = |message: &str| {
                let message = message.as_bytes();
                jsonwebtoken::crypto::verify(signature, message, &verifying, algorithm)
            };
            assert_eq!(verify(message), Ok(true));
            assert_eq!(verify("another"), Ok(false));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zero = ClientKey::from_secret(ClientKeyKind::Es256, &[0; 32]);
        assert_eq!(zero.err(), Some(SsoRefusal::ClientKey));
    }
}
