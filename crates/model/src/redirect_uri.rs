//! Where an application gets its people back.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::web_origin::{Cut, WebOrigin};
use crate::{Invalid, OrganizationId, RedirectUriId, Timestamp};

/// A URI that browsers may be sent back to with a token: `https`, or `http` on a loopback host
/// (RFC 8252, 7.3), in one spelling only.
///
/// Two are the same if their bytes are (RFC 6749, 3.1.2.3). What a browser or a library could read
/// in another way than this does is refused when it is registered: no fragment, no user, no
/// backslash, no dot segment, lower-case scheme and host, no default port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The longest one, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// The path and the query: nothing that is read in two ways.
fn is_place(place: &str) -> bool {
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&b);
    let encoded = |text: &str| {
        text.split('%').skip(1).all(|rest| {
            let digits = rest.as_bytes().first_chunk::<2>();
            digits.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
        })
    };
    let lower = path.to_ascii_lowercase();
    let ambiguous = ["%2e", "%2f", "%5c", "%00", "%0d", "%0a", "//"];
    (path.is_empty() || path.starts_with('/'))
        && path.bytes().all(allowed)
        && query.bytes().all(|b| allowed(b) || b == b'?')
        && encoded(path)
        && encoded(query)
        && !ambiguous.iter().any(|text| lower.contains(text))
        && !path
            .split('/')
            .any(|segment| segment == "." || segment == "..")
}

impl FromStr for RedirectUri {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Ok(cut) = WebOrigin::cut(text) else {
            return Err(unsound());
        };
        let origin = &cut.origin;
        let sound = text.len() <= Self::MAX_BYTES
            && (origin.is_https() || is_loopback(origin.host()))
            && is_place(cut.rest);
        if !sound {
            return Err(unsound());
        }
        if cut.written != origin.as_str() && !is_mapped_as_before(&cut) {
            return Err(Invalid::new(
                "invalid_redirect_uri",
                format!(
                    "must be spelled as browsers spell it: write {origin}{}",
                    cut.rest
                ),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Returns true if the one deviation is an IPv4-mapped address in dotted decimal (RFC 5952, 5):
/// such URIs have been registered and are read from the store.
fn is_mapped_as_before(cut: &Cut<'_>) -> bool {
    let inner = cut.host.trim_start_matches('[').trim_end_matches(']');
    let Ok(address) = inner.parse::<Ipv6Addr>() else {
        return false;
    };
    cut.host == format!("[{address}]")
        && cut.written.replacen(cut.host, cut.origin.host(), 1) == cut.origin.as_str()
}

fn unsound() -> Invalid {
    Invalid::new(
        "invalid_redirect_uri",
        "must be an https URL (or http on localhost) in its plainest spelling, without user, \
         fragment or dot segments, such as https://app.example.com/auth/callback",
    )
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A redirect URI that an organisation has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredRedirectUri {
    /// Its id.
    pub id: RedirectUriId,
    /// The organisation that registered it.
    pub organization_id: OrganizationId,
    /// The URI.
    pub uri: RedirectUri,
    /// The time of registration.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://your-app.com/auth/callback")]
    #[case("https://app.example.com")]
    #[case("https://app.example.com/")]
    #[case("https://app.example.com:8443/cb?tenant=1&x=%20")]
    #[case("http://localhost:3000/cb")]
    #[case("http://127.0.0.1:3000/cb")]
    #[case("http://[::1]:3000/cb")]
    #[case("https://192.0.2.7/cb")]
    #[case("https://[2001:db8::1]/cb")]
    #[case("https://[::ffff:c000:207]/cb")]
    #[case("https://[::ffff:192.0.2.7]/cb")]
    #[case("https://[::ffff:192.0.2.7]:8443/cb")]
    fn plain_uris_are_accepted_as_they_are(#[case] text: &str) {
        assert_eq!(text.parse::<RedirectUri>().unwrap().as_str(), text);
    }

    #[rstest]
    #[case("")]
    #[case("app.example.com/cb")]
    #[case("//app.example.com/cb")]
    #[case("http://app.example.com/cb")]
    #[case("HTTPS://app.example.com/cb")]
    #[case("https:/app.example.com/cb")]
    #[case("https:app.example.com/cb")]
    #[case("https:///app.example.com/cb")]
    #[case("https:\\\\app.example.com/cb")]
    #[case("https://App.example.com/cb")]
    #[case("https://app.example.com./cb")]
    #[case("https://app.example.com:443/cb")]
    #[case("https://app.example.com:/cb")]
    #[case("https://app.example.com:08443/cb")]
    #[case("https://app.example.com:99999/cb")]
    #[case("https://app.example.com:8443:1/cb")]
    #[case("https://app.example.com/cb#")]
    #[case("https://app.example.com/cb#access_token=x")]
    #[case("https://evil@app.example.com/cb")]
    #[case("https://app.example.com@evil.example/cb")]
    #[case("https://app.example.com:x@evil.example/cb")]
    #[case("https://app.example.com\\@evil.example/cb")]
    #[case("https://app.example.com\\.evil.example/cb")]
    #[case("https://app.example.com%2eevil.example/cb")]
    #[case("https://app.example.com/a/../cb")]
    #[case("https://app.example.com/./cb")]
    #[case("https://app.example.com/%2e%2e/cb")]
    #[case("https://app.example.com/a%2Fcb")]
    #[case("https://app.example.com/a%5ccb")]
    #[case("https://app.example.com//cb")]
    #[case("https://app.example.com/cb%")]
    #[case("https://app.example.com/cb%zz")]
    #[case("https://app.example.com/cb%0d%0ax")]
    #[case(" https://app.example.com/cb")]
    #[case("https://app.example.com/cb ")]
    #[case("https://app.example.com/c b")]
    #[case("https://app.example.com/cb\n")]
    #[case("https://app.exam\tple.com/cb")]
    #[case("https://app.example.com/\u{0}cb")]
    #[case("https://\u{430}pp.example.com/cb")]
    #[case("https://app\u{3002}example.com/cb")]
    #[case("https://*.example.com/cb")]
    #[case("https://app_.example.com/cb")]
    #[case("https://2130706433/cb")]
    #[case("https://0x7f.1/cb")]
    #[case("https://0x7f000001/cb")]
    #[case("https://127.1/cb")]
    #[case("https://0127.0.0.1/cb")]
    #[case("https://[::0001]/cb")]
    #[case("https://[::ffff:192.0.2.7]:443/cb")]
    #[case("https://[::FFFF:192.0.2.7]/cb")]
    #[case("https://app.example.com:0/cb")]
    #[case("https://[::1/cb")]
    #[case("https://[::1]evil.example/cb")]
    #[case("http://localhost.evil.example/cb")]
    #[case("http://127.0.0.2.evil.example/cb")]
    #[case("javascript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("ftp://app.example.com/cb")]
    #[case("myapp://callback")]
    fn what_could_be_read_in_two_ways_is_refused(#[case] text: &str) {
        let refused = text.parse::<RedirectUri>().unwrap_err();
        assert_eq!(refused.reason, "invalid_redirect_uri");
    }

    #[rstest]
    #[case("https://App.example.com/cb?x=1", "https://app.example.com/cb?x=1")]
    #[case("https://app.example.com:443/cb", "https://app.example.com/cb")]
    #[case("https://[2001:0DB8::1]:8443/cb", "https://[2001:db8::1]:8443/cb")]
    #[case("http://0x7f.1:3000/cb", "http://127.0.0.1:3000/cb")]
    fn the_right_spelling_is_named(#[case] text: &str, #[case] right: &str) {
        let refused = text.parse::<RedirectUri>().unwrap_err();
        assert!(refused.message.ends_with(right), "{}", refused.message);
        assert!(right.parse::<RedirectUri>().is_ok());
    }

    #[test]
    fn the_longest_has_512_bytes() {
        let long = |length: usize| {
            let base = "https://app.example.com/";
            format!("{base}{}", "a".repeat(length - base.len()))
        };
        assert!(long(512).parse::<RedirectUri>().is_ok());
        assert!(long(513).parse::<RedirectUri>().is_err());
    }
}
