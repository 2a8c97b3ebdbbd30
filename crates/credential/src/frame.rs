//! The frame of every opaque secret.
//!
//! ```text
//! ks_live_9f3Kq…(32 random base62 characters)…0aB3xZ
//! └┤ └─┬┘                                     └─┬──┘
//! prefix, kind               CRC-32 of all before it, in base62
//! ```
//!
//! The prefix lets a scanner find a leaked secret, the checksum refuses a mistyped one before any
//! look-up. 32 random characters are 190 bits; only the SHA-256 of the whole text is stored.

use std::fmt;
use std::str::FromStr;

use vestibule_model::{Digest, Entropy, Invalid};
use zeroize::Zeroizing;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;

/// The prefix of all secrets of an installation: `[a-z][a-z0-9]{1,11}`, `ks` by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The prefix as text, without the `_` that follows it in a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("ks".to_owned())
    }
}

impl FromStr for Prefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let ok = (2..=12).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "invalid_prefix",
                "must be 2 to 12 lower-case letters or digits, beginning with a letter",
            ))
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The purpose of a framed secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// An API key.
    LiveKey,
    /// An API key that its owner marks as one for tests. It opens the same doors.
    TestKey,
    /// The value of a session cookie.
    Session,
}

impl SecretKind {
    /// Every kind there is.
    pub const ALL: [Self; 3] = [Self::LiveKey, Self::TestKey, Self::Session];

    /// Returns the spelling of the kind inside a secret.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::LiveKey => "live",
            Self::TestKey => "test",
            Self::Session => "sess",
        }
    }
}

/// A secret in clear, on its way to its holder. Wiped when dropped.
pub struct PlainSecret(Zeroizing<String>);

impl PlainSecret {
    /// The secret itself: for the one answer that hands it over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest, which is all that the store keeps of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The last four characters, by which its owner recognises it. They belong to the checksum
    /// and give away 24 bits at most of the 190.
    pub fn suffix(&self) -> &str {
        self.0
            .get(self.0.len().saturating_sub(4)..)
            .unwrap_or_default()
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

/// The reasons why a text is not one of our secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin with our prefix, so it may be something else.
    #[error("the credential does not begin with this server's prefix")]
    NotFramed,
    /// It begins with our prefix, but kind, length or alphabet are wrong.
    #[error("the credential is incomplete or has characters that do not belong there")]
    Malformed,
    /// It has the right shape and the wrong checksum: mistyped, or never ours.
    #[error("the credential's checksum is wrong; it was probably not copied as a whole")]
    Checksum,
}

/// Makes a new secret. Every base62 character is equally likely.
pub fn mint(prefix: &Prefix, kind: SecretKind, entropy: &dyn Entropy) -> PlainSecret {
    let head = prefix.as_str().len() + 1 + kind.tag().len() + 1;
    // The whole length at once: growing would leave copies of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(
        head + RANDOM_LENGTH + CHECKSUM_LENGTH,
    ));
    text.push_str(prefix.as_str());
    text.push('_');
    text.push_str(kind.tag());
    text.push('_');

    let mut random = Zeroizing::new([0; 2 * RANDOM_LENGTH]);
    while text.len() < head + RANDOM_LENGTH {
        entropy.fill(random.as_mut_slice());
        let missing = head + RANDOM_LENGTH - text.len();
        // 248 is the largest multiple of 62 in a byte; what lies above would favour some letters.
        let letters = random.iter().filter(|byte| **byte < 248).take(missing);
        for byte in letters {
            text.push(char::from(base62(u32::from(*byte))));
        }
    }

    for letter in checksum(text.as_bytes()) {
        text.push(char::from(letter));
    }
    PlainSecret(text)
}

/// Restores a secret from its text, where it was sealed before it reached its holder.
pub fn restore(prefix: &Prefix, text: Zeroizing<String>) -> Result<PlainSecret, FrameError> {
    recognize(prefix, text.as_bytes())?;
    verify(text.as_bytes())?;
    Ok(PlainSecret(text))
}

/// Reads a presented secret: its kind, and the digest to look it up by. Allocates nothing.
pub fn read(prefix: &Prefix, text: &str) -> Result<(SecretKind, Digest), FrameError> {
    let kind = recognize(prefix, text.as_bytes())?;
    verify(text.as_bytes())?;
    Ok((kind, Digest::of(text.as_bytes())))
}

/// The kind of a presented secret, by prefix, kind and length alone: for a place where most
/// secrets are known by their digest, and were [`verify`]d before they became known.
pub fn recognize(prefix: &Prefix, text: &[u8]) -> Result<SecretKind, FrameError> {
    let rest = text
        .strip_prefix(prefix.as_str().as_bytes())
        .and_then(|rest| rest.strip_prefix(b"_"))
        .ok_or(FrameError::NotFramed)?;
    let (kind, body) = SecretKind::ALL
        .into_iter()
        .find_map(|kind| {
            let body = rest
                .strip_prefix(kind.tag().as_bytes())?
                .strip_prefix(b"_")?;
            Some((kind, body))
        })
        .ok_or(FrameError::Malformed)?;
    if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH {
        return Err(FrameError::Malformed);
    }
    Ok(kind)
}

/// Checks the alphabet and the checksum of a secret that was [`recognize`]d.
pub fn verify(text: &[u8]) -> Result<(), FrameError> {
    let (framed, sum) = text
        .split_last_chunk::<CHECKSUM_LENGTH>()
        .ok_or(FrameError::Malformed)?;
    let (_, random) = framed
        .split_last_chunk::<RANDOM_LENGTH>()
        .ok_or(FrameError::Malformed)?;
    if !random.iter().chain(sum).all(u8::is_ascii_alphanumeric) {
        return Err(FrameError::Malformed);
    }
    if *sum != checksum(framed) {
        return Err(FrameError::Checksum);
    }
    Ok(())
}

/// Returns the letter of the last base-62 digit of a number.
#[expect(
    clippy::indexing_slicing,
    reason = "a remainder of 62 is always the index of one of 62 letters"
)]
fn base62(number: u32) -> u8 {
    BASE62[(number % 62) as usize]
}

/// Returns the CRC-32 (ISO-HDLC) of `framed` as base62 with leading zeros, the most significant first.
fn checksum(framed: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut sum = crc32fast::hash(framed);
    let mut letters = [b'0'; CHECKSUM_LENGTH];
    for letter in letters.iter_mut().rev() {
        *letter = base62(sum);
        sum /= 62;
    }
    letters
}

#[cfg(test)]
mod tests;
