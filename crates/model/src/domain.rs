//! The e-mail domains of an organisation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ConnectionId, DomainId, Email, Invalid, OrganizationId, Timestamp};

/// A domain's name in lower case: at least two labels of letters, digits and hyphens (RFC 1035,
/// 2.3.1; other scripts in their `xn--` form), without a final dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain of an address, where it is one that can be proved.
    pub fn of(email: &Email) -> Option<Self> {
        let (_, domain) = email.as_str().rsplit_once('@')?;
        domain.parse().ok()
    }
}

impl FromStr for DomainName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = text.rsplit('.').next().unwrap_or_default();
        let sound = text.len() <= 200
            && text.contains('.')
            && text.split('.').all(label)
            && last.bytes().any(|b| b.is_ascii_alphabetic());
        if sound {
            return Ok(Self(text));
        }
        Err(Invalid::new(
            "invalid_domain",
            "must be a domain such as example.com, in its xn-- form where it has other letters",
        ))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for DomainName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An e-mail domain of an organisation. Only one that is proved counts for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoDomain {
    /// The domain's id.
    pub id: DomainId,
    /// The organisation that claims it.
    pub organization_id: OrganizationId,
    /// The connection by which its people sign in; the organisation's first where `None`.
    pub connection_id: Option<ConnectionId>,
    /// Its name.
    pub name: DomainName,
    /// The DNS record that proves it.
    pub challenge: String,
    /// The time of the claim.
    pub created_at: Timestamp,
    /// The time of the proof. `None` until it is proved.
    pub verified_at: Option<Timestamp>,
}

impl SsoDomain {
    /// The name whose TXT record proves the domain.
    pub fn record_name(&self) -> String {
        format!("_vestibule-challenge.{}", self.name)
    }

    /// The text of that record.
    pub fn record_value(&self) -> String {
        format!("vestibule-domain-verification={}", self.challenge)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Example.COM", "example.com")]
    #[case("mail.xn--bcher-kva.example", "mail.xn--bcher-kva.example")]
    fn domains_are_folded(#[case] text: &str, #[case] folded: &str) {
        assert_eq!(text.parse::<DomainName>().unwrap().as_str(), folded);
    }

    #[rstest]
    #[case("")]
    #[case("com")]
    #[case("localhost")]
    #[case("example.com.")]
    #[case(".example.com")]
    #[case("exa mple.com")]
    #[case("*.example.com")]
    #[case("-a.example")]
    #[case("192.0.2.1")]
    #[case("bücher.example")]
    #[case("example\u{ff0e}com")]
    #[case("a@example.com")]
    fn everything_else_is_refused(#[case] text: &str) {
        let refused = text.parse::<DomainName>().unwrap_err();
        assert_eq!(refused.reason, "invalid_domain");
    }

    #[test]
    fn a_domain_is_the_whole_of_what_follows_the_at() {
        let of = |text: &str| DomainName::of(&text.parse().unwrap());
        assert_eq!(of("ada@Example.com").unwrap().as_str(), "example.com");
        assert_eq!(
            of("ada@evil.example.com").unwrap().as_str(),
            "evil.example.com"
        );
        assert_eq!(of("ada@\u{ff45}xample.com"), None);
    }
}
