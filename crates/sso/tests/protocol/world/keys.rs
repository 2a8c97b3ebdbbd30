//! Keys of the test provider, and tokens in whatever shape is asked for.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_sso::oidc::Algorithm;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A key pair with its name.
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) jwk: Value,
    pair: Pair,
}

impl Key {
    pub(crate) fn generate(algorithm: Algorithm, kid: &str) -> Self {
        let random = SystemRandom::new();
        let (pair, mut jwk) = match algorithm {
            Algorithm::Es256 => {
                let way = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let document = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
                let pair = EcdsaKeyPair::from_pkcs8(way, document.as_ref()).unwrap();
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
                (Pair::P256(pair), jwk)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let x = encode(pair.public_key());
                (
                    Pair::Ed25519(pair),
                    json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
                )
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
                let n = pair
                    .public_key()
                    .modulus()
                    .big_endian_without_leading_zero()
                    .to_vec();
                let e = pair
                    .public_key()
                    .exponent()
                    .big_endian_without_leading_zero()
                    .to_vec();
                let jwk = json!({"kty": "RSA", "n": encode(n), "e": encode(e)});
                (Pair::Rsa(pair), jwk)
            }
        };
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.as_str());
        Self {
            algorithm,
            jwk,
            pair,
        }
    }

    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        let message = message.as_bytes();
        match &self.pair {
            Pair::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let way = match self.algorithm {
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(way, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The token of a header and claims, as they are spelled.
    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = encode(self.sign(&message));
        format!("{message}.{signature}")
    }
}
