//! The cookie that binds a sign-in to the browser that started it.

use std::fmt;

use vestibule_model::{Digest, Entropy};
use zeroize::Zeroizing;

use crate::secret_text::random_text;

/// What proves that a browser is the one that began a sign-in: the value of a cookie. Wiped when
/// dropped, never printed.
#[derive(Clone)]
pub struct PlainBinding(Zeroizing<String>);

impl PlainBinding {
    /// The value that the browser has already, if it is one of ours by its shape; a new one
    /// otherwise. One value serves all tabs of a browser.
    pub(crate) fn kept_or_new(presented: Option<&str>, entropy: &dyn Entropy) -> Self {
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

    /// The value of the cookie.
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
