//! The cookie that binds a sign-in to the browser that started it.

use std::fmt;

use vestibule_model::{Digest, Entropy};
use zeroize::Zeroizing;

use crate::secret_text::random_text;

/// The value of the cookie that proves at the callback that this browser started the sign-in (RFC
/// 6749, 10.12). Wiped when dropped, never printed.
#[derive(Clone)]
pub struct PlainBinding(Zeroizing<String>);

impl PlainBinding {
    /// Returns the presented value if it has the shape of ours, and a new one otherwise. All tabs
    /// of a browser share one value.
    pub(crate) fn kept_or_new(presented: Option<&str>, entropy: &dyn Entropy) -> Self {
        // Any other value was planted or damaged; replacing it locks nobody out.
        let ours = |text: &&str| {
            text.len() == 43
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        match presented.filter(ours) {
            Some(text) => Self(Zeroizing::new(text.to_owned())),
            None => Self(random_text(entropy)),
        }
    }

    /// Exposes the value for the `Set-Cookie` header.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for PlainBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainBinding(…)")
    }
}
