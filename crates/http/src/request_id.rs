//! What a request is called in logs, answers and the audit log.

use http::HeaderValue;
use vestibule_model::Entropy;

/// The value of `X-Request-Id`: 32 hexadecimal digits of our own making. What a client sends under
/// that name is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The header that carries it.
    pub const HEADER: &'static str = "x-request-id";

    /// A new id from 128 random bits.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut random = [0; 16];
        entropy.fill(&mut random);
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("")))
    }

    /// The id as a header's value.
    pub const fn header_value(&self) -> &HeaderValue {
        &self.0
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("")
    }
}
