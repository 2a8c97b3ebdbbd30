//! Where a request goes: a URL in the one form that is read.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest URL that is read, in bytes.
pub const MAX_BYTES: usize = 2_048;

/// An absolute `https` or `http` URL without user, password and fragment.
///
/// Only visible ASCII, at most [`MAX_BYTES`]; the host is a name of letters, digits, `-`, `_` and
/// dots, an IPv4 address of four decimal numbers, or an IPv6 address in brackets. The other
/// spellings of an address that some libraries take (`0x7f.1`, `2130706433`) are refused here;
/// what a name resolves to is the guard's to judge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    text: String,
    secure: bool,
    host: String,
    port: u16,
    /// The position of the path in `text`, or the length of `text` if there is no path.
    path: usize,
}

/// The reasons why a text is not a URL that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`MAX_BYTES`].
    #[error("the URL is longer than 2048 bytes")]
    TooLong,
    /// It holds a space, a control character or a character outside ASCII.
    #[error("the URL holds a character that must be percent-encoded")]
    Character,
    /// It does not begin with `https://` or `http://`.
    #[error("the URL must begin with https://")]
    Scheme,
    /// It names a user before the host.
    #[error("the URL must not hold a user name or password")]
    UserInfo,
    /// It has a part behind `#`.
    #[error("the URL must not have a fragment (#…)")]
    Fragment,
    /// The host is neither a name nor an address.
    #[error("the URL's host is neither a name nor an address in its usual form")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the URL's port must be a number from 1 to 65535")]
    Port,
}

impl Url {
    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the scheme is `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, in lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port: the given one, or that of the scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host if it is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Path and query, as they stand in the first line of a request.
    pub fn target(&self) -> String {
        match self.text.get(self.path..).unwrap_or_default() {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        }
    }

    /// Returns the query, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.text.split_once('?').map(|(_, query)| query)
    }

    /// Host and port as the `Host` header has them: without the port when it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The URL with these pairs appended to its query, form-encoded.
    pub fn with_query<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        with_query(&self.text, &query)
    }
}

/// Appends a form-encoded query to the one that a URL without a fragment may have already.
pub fn with_query(url: &str, query: &str) -> String {
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, present)) if present.is_empty() || present.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{query}")
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        let odd =
            |b: u8| !b.is_ascii_graphic() || matches!(b, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`');
        if text.bytes().any(odd) {
            return Err(UrlError::Character);
        }
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = split_authority(authority)?;
        let port = match port {
            None => {
                if secure {
                    443
                } else {
                    80
                }
            }
            Some(digits) => read_port(digits)?,
        };
        Ok(Self {
            text: text.to_owned(),
            secure,
            host,
            port,
            path: text.len() - tail.len(),
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read_port(digits: &str) -> Result<u16, UrlError> {
    match digits.parse() {
        Ok(port) if port > 0 && !digits.starts_with(['+', '0']) => Ok(port),
        _ => Err(UrlError::Port),
    }
}

fn split_authority(authority: &str) -> Result<(String, Option<&str>), UrlError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(UrlError::Host)?;
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| UrlError::Host)?;
        let port = match port {
            "" => None,
            _ => Some(port.strip_prefix(':').ok_or(UrlError::Port)?),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let host = host.to_ascii_lowercase();
    if is_host(&host) {
        Ok((host, port))
    } else {
        Err(UrlError::Host)
    }
}

/// A name, or an IPv4 address of four decimal numbers.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label that begins with a digit is how resolvers recognise addresses in odd spellings.
    let last = name.rsplit('.').next().unwrap_or_default();
    let like_address = last.starts_with(|c: char| c.is_ascii_digit());
    if like_address {
        return host.parse::<std::net::Ipv4Addr>().is_ok();
    }
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://id.example.com", "id.example.com", 443, "/", "id.example.com")]
    #[case(
        "https://ID.example.com:8443/a?b=c",
        "id.example.com",
        8443,
        "/a?b=c",
        "id.example.com:8443"
    )]
    #[case("http://127.0.0.1:80/x", "127.0.0.1", 80, "/x", "127.0.0.1")]
    #[case(
        "https://[2001:DB8::1]:444?q",
        "2001:db8::1",
        444,
        "/?q",
        "[2001:db8::1]:444"
    )]
    #[case("https://localhost:443/", "localhost", 443, "/", "localhost")]
    fn a_url_is_taken_apart(
        #[case] text: &str,
        #[case] host: &str,
        #[case] port: u16,
        #[case] target: &str,
        #[case] authority: &str,
    ) {
        let url: Url = text.parse().unwrap();
        assert_eq!(url.as_str(), text);
        assert_eq!((url.host(), url.port()), (host, port));
        assert_eq!(url.target(), target);
        assert_eq!(url.authority(), authority);
    }

    #[rstest]
    #[case("", UrlError::Scheme)]
    #[case("id.example.com", UrlError::Scheme)]
    #[case("HTTPS://id.example.com", UrlError::Scheme)]
    #[case("ftp://id.example.com", UrlError::Scheme)]
    #[case("file:///etc/passwd", UrlError::Scheme)]
    #[case("https:id.example.com", UrlError::Scheme)]
    #[case("https://", UrlError::Host)]
    #[case("https:///path", UrlError::Host)]
    #[case("https://user@id.example.com", UrlError::UserInfo)]
    #[case("https://id.example.com@evil.example", UrlError::UserInfo)]
    #[case("https://id.example.com#x", UrlError::Fragment)]
    #[case("https://id.example.com\\@evil.example", UrlError::Character)]
    #[case("https://id.example.com/a b", UrlError::Character)]
    #[case("https://id.example.com/\r\nHost:x", UrlError::Character)]
    #[case("https://münchen.example", UrlError::Character)]
    #[case("https://id..example", UrlError::Host)]
    #[case("https://-id.example", UrlError::Host)]
    #[case("https://id%2eexample", UrlError::Host)]
    #[case("https://2130706433", UrlError::Host)]
    #[case("https://0x7f.0.0.1", UrlError::Host)]
    #[case("https://127.1", UrlError::Host)]
    #[case("https://0177.0.0.1", UrlError::Host)]
    #[case("https://a.0x7f000001", UrlError::Host)]
    #[case("https://[::1", UrlError::Host)]
    #[case("https://[127.0.0.1]", UrlError::Host)]
    #[case("https://[fe80::1%25eth0]", UrlError::Host)]
    #[case("https://::1", UrlError::Host)]
    #[case("https://id.example.com:", UrlError::Port)]
    #[case("https://id.example.com:0", UrlError::Port)]
    #[case("https://id.example.com:65536", UrlError::Port)]
    #[case("https://id.example.com:+443", UrlError::Port)]
    #[case("https://[::1]443", UrlError::Port)]
    fn everything_else_is_refused_for_what_is_wrong(#[case] text: &str, #[case] why: UrlError) {
        assert_eq!(text.parse::<Url>(), Err(why));
    }

    #[rstest]
    #[case("https://a.example/x", "https://a.example/x?k=v%26")]
    #[case("https://a.example/x?y=1", "https://a.example/x?y=1&k=v%26")]
    #[case("https://a.example/x?", "https://a.example/x?k=v%26")]
    fn a_query_is_appended_to_the_one_that_is_there(#[case] text: &str, #[case] whole: &str) {
        assert_eq!(
            text.parse::<Url>().unwrap().with_query([("k", "v&")]),
            whole
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reading_panic(text in "(https?://)?.*") {
            if let Ok(url) = text.parse::<Url>() {
                prop_assert!(url.target().starts_with('/'));
            }
        }
    }
}
