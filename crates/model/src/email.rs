//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// An e-mail address in lower case.
///
/// One `@`, a local part of at most 64 and a domain of at most 255 bytes (RFC 5321, 4.5.3.1), no
/// space, no control character, no quoting: the forms people have. Case never tells two people
/// apart here, so the address is folded once, when it comes in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// The address, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || {
            Invalid::new(
                "invalid_email",
                "must be an e-mail address such as ada@example.com",
            )
        };
        // Folded before it is judged: a few letters fold to more than one character, and what is
        // kept must be an address itself.
        let text = text.trim().to_lowercase();
        let (local, domain) = text.split_once('@').ok_or_else(refused)?;
        let plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !"@\"(),:;<>[]\\".contains(c);
        let local_ok = (1..=64).contains(&local.len())
            && local.chars().all(plain)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if local_ok && domain.len() <= 255 && domain.split('.').all(label_ok) {
            Ok(Self(text))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Ada@Example.COM", "ada@example.com")]
    #[case(" ada+keys@sub.example.com ", "ada+keys@sub.example.com")]
    #[case("root@localhost", "root@localhost")]
    #[case("zoë@bücher.example", "zoë@bücher.example")]
    fn addresses_people_have_are_accepted_and_folded(#[case] text: &str, #[case] folded: &str) {
        assert_eq!(text.parse::<Email>().unwrap().as_str(), folded);
    }

    #[rstest]
    #[case("")]
    #[case("ada")]
    #[case("@example.com")]
    #[case("ada@")]
    #[case("ada@@example.com")]
    #[case("ada@example..com")]
    #[case("ada@-example.com")]
    #[case(".ada@example.com")]
    #[case("a da@example.com")]
    #[case("ada@exam\nple.com")]
    #[case("\"ada\"@example.com")]
    #[case::folds_to_a_letter_and_a_combining_dot("ada@\u{130}.example")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Email>().unwrap_err().reason, "invalid_email");
    }
}
