//! A provider's key set (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use vestibule_outbound::{Outbound, Request, Url};

use crate::fetch;
use crate::oidc::algorithm::Algorithm;
use crate::refusal::{Quoted, SsoRefusal, Step};

const STEP: Step = Step::Keys;

/// The number of keys that a set may hold.
const MOST_KEYS: usize = 100;

/// The accepted sizes of RSA keys, in bytes of the modulus: 2048 (RFC 7518, 3.3) to 8192 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// The keys of a set that can verify a supported algorithm.
pub(crate) struct KeySet(Vec<Key>);

pub(crate) struct Key {
    id: Option<String>,
    /// The one algorithm of the key, if the set names it.
    algorithm: Option<String>,
    family: Family,
    pub(crate) verifying: DecodingKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    Ed25519,
}

impl KeySet {
    /// Fetches a key set, counted under `key`.
    pub(crate) async fn fetch(
        outbound: &Outbound,
        key: &str,
        url: Url,
    ) -> Result<Self, SsoRefusal> {
        let answer = fetch::succeed(outbound, key, STEP, Request::get(url)).await?;
        Self::read(&fetch::object(STEP, &answer)?)
    }

    /// Reads a key set. Skips keys of unknown kinds and keys that are not for signatures (RFC 7517,
    /// 5).
    pub(crate) fn read(object: &Map<String, Value>) -> Result<Self, SsoRefusal> {
        let member = "keys";
        let keys = object.get(member);
        let keys = keys.ok_or(SsoRefusal::Missing { step: STEP, member })?;
        let mistyped = SsoRefusal::Mistyped {
            step: STEP,
            member,
            expected: "a list of objects",
        };
        let keys = keys.as_array().ok_or_else(|| mistyped.clone())?;
        if keys.len() > MOST_KEYS {
            return Err(SsoRefusal::TooManyKeys);
        }
        let keys: Option<Vec<_>> = keys.iter().map(Value::as_object).collect();
        let keys = keys.ok_or(mistyped)?;
        Ok(Self(keys.into_iter().filter_map(Key::read).collect()))
    }

    /// Returns the number of keys for an algorithm.
    pub(crate) fn usable(&self, algorithm: Algorithm) -> usize {
        self.fitting(algorithm).count()
    }

    /// Returns the one key that a token names. A token without `kid` needs a set with a single key
    /// for the algorithm (OpenID Connect Core, 10.1).
    pub(crate) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Result<&Key, SsoRefusal> {
        let Some(id) = id else {
            let mut keys = self.fitting(algorithm);
            // Trying several keys would turn an unnamed key into a choice of the attacker.
            return match (keys.next(), keys.next()) {
                (Some(key), None) => Ok(key),
                (Some(_), Some(_)) => Err(SsoRefusal::KeyUnnamed),
                (None, _) => Err(SsoRefusal::NoUsableKey {
                    algorithm: algorithm.as_str(),
                }),
            };
        };
        let mut keys = self
            .fitting(algorithm)
            .filter(|key| key.id.as_deref() == Some(id));
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(SsoRefusal::KeyAmbiguous {
                kid: Quoted::new(id),
            }),
            (None, _) => Err(SsoRefusal::KeyUnknown {
                kid: Quoted::new(id),
            }),
        }
    }

    fn fitting(&self, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let family = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Family::Rsa,
            Algorithm::Es256 => Family::P256,
            Algorithm::EdDsa => Family::Ed25519,
        };
        self.0.iter().filter(move |key| {
            let allowed = key.algorithm.as_deref();
            // An `alg` in the set binds the key to it, although others of the family would fit.
            key.family == family && allowed.is_none_or(|allowed| allowed == algorithm.as_str())
        })
    }
}

impl Key {
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let optional = |name: &str| match jwk.get(name) {
            None => Some(None),
            Some(value) => value.as_str().map(|text| Some(text.to_owned())),
        };
        // A published private or symmetric key lets anyone sign: such a key is never used.
        let public = ["d", "p", "q", "dp", "dq", "qi", "k"]
            .iter()
            .all(|name| !jwk.contains_key(*name));
        let signs = optional("use")?.is_none_or(|usage| usage == "sig");
        let verifies = match jwk.get("key_ops") {
            None => true,
            Some(operations) => operations
                .as_array()?
                .iter()
                .any(|operation| operation == "verify"),
        };
        if !(public && signs && verifies) {
            return None;
        }
        let (family, verifying) = match (text("kty")?, text("crv")) {
            ("RSA", _) => (Family::Rsa, rsa(text("n")?, text("e")?)?),
            ("EC", Some("P-256")) => (Family::P256, p256(text("x")?, text("y")?)?),
            ("OKP", Some("Ed25519")) => (Family::Ed25519, ed25519(text("x")?)?),
            _ => return None,
        };
        Some(Self {
            id: optional("kid")?,
            algorithm: optional("alg")?,
            family,
            verifying,
        })
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (bytes(modulus)?, bytes(exponent)?);
    // Some providers prefix a zero byte (RFC 7518, 2 forbids it), which would count as size.
    let leading = modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = modulus.get(leading..)?;
    // With an exponent of 1 every text is its own signature, and an even one is no RSA exponent.
    let sound = match exponent.as_slice() {
        [] | [1] => false,
        [.., last] => last % 2 == 1 && exponent.len() <= 4,
    };
    let long_enough = RSA_BYTES.contains(&modulus.len())
        && (modulus.len() > *RSA_BYTES.start() || modulus.first().is_some_and(|top| *top >= 0x80));
    (sound && long_enough).then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let whole = bytes(x)?.len() == 32 && bytes(y)?.len() == 32;
    DecodingKey::from_ec_components(x, y).ok().filter(|_| whole)
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    let key = bytes(x)?;
    (key.len() == 32).then(|| DecodingKey::from_ed_der(&key))
}
