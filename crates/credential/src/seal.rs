//! Sealing what must be kept but not read: AES-256-GCM under the installation's master key.
//!
//! Sealed bytes are `version (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. The context names what is
//! sealed (`signing_key:jwk_01…`) and is authenticated with it, so that sealed bytes moved to
//! another row or column do not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use vestibule_model::Entropy;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_LENGTH: usize = 32;

/// The key that seals all others. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_LENGTH]>);

/// The reasons why something cannot be sealed, opened or used as a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text or file is not a master key.
    #[error("a master key is 32 random bytes: raw, as 64 hexadecimal digits or in base64")]
    NotAKey,
    /// The bytes were sealed by a version that this one does not know.
    #[error("sealed in a format that this version does not know")]
    Format,
    /// Another master key, another context, or damaged bytes.
    #[error("the master key does not open this: it is another key, or the bytes are damaged")]
    Refused,
}

impl MasterKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key that a file, a credential or a variable holds: 32 raw bytes, 64 hexadecimal digits
    /// or base64 (either alphabet, padded or not); white space around a text is ignored.
    pub fn read(content: &[u8]) -> Result<Self, SealError> {
        if let Ok(text) = std::str::from_utf8(content) {
            return Self::from_text(text).or_else(|refused| {
                // 32 typed characters are a passphrase, far weaker than a key; random bytes all
                // happen to be printable once in 10^13 files.
                let typed = content
                    .iter()
                    .all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r'));
                if typed {
                    Err(refused)
                } else {
                    Self::from_raw(content)
                }
            });
        }
        Self::from_raw(content)
    }

    /// The key that a text holds: 64 hexadecimal digits or base64.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let text = text.trim();
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        if text.len() == 2 * KEY_LENGTH {
            for (slot, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let digits = std::str::from_utf8(digits).map_err(|_| SealError::NotAKey)?;
                // `from_str_radix` takes a sign, which is no digit.
                if digits.starts_with('+') {
                    return Err(SealError::NotAKey);
                }
                *slot = u8::from_str_radix(digits, 16).map_err(|_| SealError::NotAKey)?;
            }
            return Ok(Self(bytes));
        }
        [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
            .into_iter()
            .find_map(|engine| engine.decode(text).ok().map(Zeroizing::new))
            .ok_or(SealError::NotAKey)
            .and_then(|raw| Self::from_raw(&raw))
    }

    /// The key as base64 text, for the file that keeps it.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }

    fn from_raw(raw: &[u8]) -> Result<Self, SealError> {
        let bytes = raw.try_into().map_err(|_| SealError::NotAKey)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Derives the key of one context, by HMAC-SHA-256.
    ///
    /// A key with random nonces is good for 2³² seals (NIST SP 800-38D, 8.3). What is sealed as
    /// often as a caller asks for it takes a key of its own, so that no caller can use up the
    /// master key.
    #[must_use]
    pub fn derive(&self, context: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let derived = hmac::sign(&key, context.as_bytes());
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        for (slot, byte) in bytes.iter_mut().zip(derived.as_ref()) {
            *slot = *byte;
        }
        Self(bytes)
    }

    /// Seals `plain` for one context. Two seals of the same bytes differ.
    pub fn seal(
        &self,
        context: &str,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed
            .split_at_mut_checked(1 + NONCE_LEN)
            .ok_or(SealError::Refused)?;
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                body,
            )
            .map_err(|_| SealError::Refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Format)?;
        if *version != VERSION {
            return Err(SealError::Format);
        }
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SealError::Format)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context.as_bytes()),
                body.as_mut_slice(),
            )
            .map_err(|_| SealError::Refused)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| SealError::NotAKey)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::testing::Predictable;

    fn key() -> MasterKey {
        MasterKey::from_bytes([7; KEY_LENGTH])
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_key_and_context() {
        let sealed = key().seal("a:1", b"plain", &Predictable::from(1)).unwrap();
        assert_eq!(key().open("a:1", &sealed).unwrap().as_slice(), b"plain");
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
    }

    #[test]
    fn another_context_or_key_does_not_open_it() {
        let sealed = key().seal("a:1", b"plain", &Predictable::from(1)).unwrap();
        assert_eq!(key().open("a:2", &sealed), Err(SealError::Refused));
        let other = MasterKey::from_bytes([8; KEY_LENGTH]);
        assert_eq!(other.open("a:1", &sealed), Err(SealError::Refused));
    }

    #[test]
    fn a_derived_key_opens_nothing_of_another_context_or_of_the_master_key() {
        let entropy = Predictable::from(1);
        let sealed = key()
            .derive("session_1")
            .seal("a", b"plain", &entropy)
            .unwrap();
        let again = key().derive("session_1");
        assert_eq!(again.open("a", &sealed).unwrap().as_slice(), b"plain");
        let other = MasterKey::from_bytes([8; KEY_LENGTH]).derive("session_1");
        for wrong in [key(), key().derive("session_2"), other] {
            assert_eq!(wrong.open("a", &sealed), Err(SealError::Refused));
        }
    }

    #[test]
    fn two_seals_of_the_same_bytes_differ() {
        let entropy = Predictable::from(1);
        let first = key().seal("a", b"plain", &entropy).unwrap();
        let second = key().seal("a", b"plain", &entropy).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn an_unknown_version_is_named_as_such() {
        let mut sealed = key().seal("a", b"plain", &Predictable::from(1)).unwrap();
        sealed[0] = 2;
        assert_eq!(key().open("a", &sealed), Err(SealError::Format));
        assert_eq!(key().open("a", &[]), Err(SealError::Format));
        assert_eq!(key().open("a", &[VERSION; 5]), Err(SealError::Format));
    }

    #[test]
    fn a_key_is_read_in_every_spelling_people_make() {
        let bytes: [u8; 32] = std::array::from_fn(|i| 0xF0 | u8::try_from(i % 16).unwrap());
        let hex = bytes.map(|byte| format!("{byte:02x}")).concat();
        let spellings = [
            bytes.to_vec(),
            hex.clone().into_bytes(),
            hex.to_uppercase().into_bytes(),
            format!("{hex}\n").into_bytes(),
            STANDARD.encode(bytes).into_bytes(),
            format!(" {}\r\n", STANDARD.encode(bytes)).into_bytes(),
            STANDARD_NO_PAD.encode(bytes).into_bytes(),
            URL_SAFE.encode(bytes).into_bytes(),
            URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        ];
        for spelling in spellings {
            assert_eq!(*MasterKey::read(&spelling).unwrap().0, bytes);
        }
        let key = MasterKey::from_bytes(bytes);
        assert_eq!(*MasterKey::from_text(&key.to_text()).unwrap().0, bytes);
    }

    #[rstest]
    #[case::empty(b"")]
    #[case::passphrase(b"correct horse battery staple, ok")]
    #[case::half_a_key_in_hex(b"00112233445566778899aabbccddeeff")]
    #[case::short(b"AAECAwQFBgcICQoLDA0ODw==")]
    #[case::signs_are_no_digits(
        b"+0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    )]
    #[case::raw_but_33_bytes(&[0xFF; 33])]
    fn what_is_not_a_key_is_refused(#[case] content: &[u8]) {
        assert_eq!(MasterKey::read(content).unwrap_err(), SealError::NotAKey);
    }

    #[test]
    fn debug_prints_nothing_of_the_key() {
        assert_eq!(format!("{:?}", key()), "MasterKey(…)");
    }

    proptest! {
        #[test]
        fn any_bytes_survive_the_round_trip(plain: Vec<u8>, context in ".*", seed: u64) {
            let sealed = key().seal(&context, &plain, &Predictable::from(seed)).unwrap();
            let opened = key().open(&context, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn any_one_flipped_bit_is_noticed(at in 0_usize..34, bit in 0_u8..8) {
            let mut sealed = key().seal("a", b"plain", &Predictable::from(1)).unwrap();
            sealed[at] ^= 1 << bit;
            prop_assert!(key().open("a", &sealed).is_err());
        }

        #[test]
        fn no_bytes_make_the_readers_panic(bytes: Vec<u8>) {
            let _ = key().open("a", &bytes);
            let _ = MasterKey::read(&bytes);
        }
    }
}
