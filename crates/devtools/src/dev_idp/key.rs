//! The key that signs what the provider says: new at every start.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_model::Digest;

use vestibule_server::failure::Failure;

/// RSA, since RS256 is what every client of OpenID Connect can read.
pub(super) struct Key {
    pair: RsaKeyPair,
    id: String,
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub(super) fn generate() -> Result<Self, Failure> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(Failure::from_error)?;
        let modulus = pair.public_key().modulus();
        let id = encode(Digest::of(modulus.big_endian_without_leading_zero()).as_bytes());
        Ok(Self { pair, id })
    }

    /// The public part (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.id,
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A JWT of this type (RFC 7515).
    pub(super) fn sign(&self, kind: &str, claims: &Value) -> Result<String, Failure> {
        let header = json!({ "alg": "RS256", "typ": kind, "kid": self.id });
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(Failure::from_error)?;
        Ok(format!("{message}.{}", encode(signature)))
    }
}
