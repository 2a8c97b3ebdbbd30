//! The Origin guard: a request that a browser may have sent by itself must come from our own page.

use std::str::FromStr;

use http::HeaderMap;
use http::header::ORIGIN;
use vestibule_model::{OriginError, WebOrigin};

use crate::denial::{Csrf, WrongOrigin};

/// The origin of a service's own pages, such as `https://app.example.com`: scheme, host and port as
/// a browser writes them (RFC 6454, 6.1).
///
/// A browser's `Origin` is compared byte for byte, so that any other spelling would refuse every
/// change by cookie. [`FromStr`] is therefore the only way from a text: it returns an error for a
/// trailing slash, a capital letter, a default port or an empty text, and names the right spelling.
///
/// ```
/// use vestibule_check::OwnOrigin;
///
/// assert!("https://app.example.com".parse::<OwnOrigin>().is_ok());
/// for wrong in ["https://app.example.com/", "https://App.example.com", "https://app.example.com:443", ""] {
///     assert!(wrong.parse::<OwnOrigin>().is_err(), "{wrong}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrigin(Box<str>);

impl OwnOrigin {
    /// Returns the origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses a request whose `Origin` is not exactly ours: missing, `null`, another scheme,
    /// port, sub-domain or spelling, or sent twice; and one that the browser itself calls
    /// cross-site or same-site in `Sec-Fetch-Site`.
    pub(crate) fn guard(&self, headers: &HeaderMap) -> Result<(), Csrf> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let found = match (origins.next(), origins.next()) {
            (Some(_), Some(_)) => WrongOrigin::Repeated,
            (None, _) => WrongOrigin::Missing,
            (Some(origin), None) if origin.as_bytes() == self.0.as_bytes() => {
                match elsewhere(headers) {
                    None => return Ok(()),
                    Some(site) => WrongOrigin::Site(site),
                }
            }
            (Some(origin), None) => {
                // It is repeated in the answer, and a client decides on its length.
                let bytes = origin.as_bytes();
                let bytes = bytes.get(..200).unwrap_or(bytes);
                WrongOrigin::Other(String::from_utf8_lossy(bytes).into())
            }
        };
        Err(Csrf {
            expected: self.0.clone(),
            found,
            or_bearer: true,
        })
    }
}

impl From<WebOrigin> for OwnOrigin {
    fn from(origin: WebOrigin) -> Self {
        Self(origin.as_str().into())
    }
}

impl FromStr for OwnOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        text.parse().map(WebOrigin::into)
    }
}

/// Returns the `Sec-Fetch-Site` of a request that comes from another site than ours.
fn elsewhere(headers: &HeaderMap) -> Option<&'static str> {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.find_map(|site| match site.as_bytes() {
        b"cross-site" => Some("cross-site"),
        b"same-site" => Some("same-site"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn headers(origin: Option<&'static str>, site: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        if let Some(site) = site {
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        }
        headers
    }

    #[rstest]
    #[case(Some("https://app.example.com"), None, true)]
    #[case(Some("https://app.example.com"), Some("same-origin"), true)]
    #[case(Some("https://app.example.com"), Some("none"), true)]
    #[case(Some("https://app.example.com"), Some("cross-site"), false)]
    #[case(Some("https://app.example.com"), Some("same-site"), false)]
    #[case(None, None, false)]
    #[case(None, Some("same-origin"), false)]
    #[case(Some("null"), None, false)]
    #[case(Some(""), None, false)]
    #[case(Some("http://app.example.com"), None, false)]
    #[case(Some("https://app.example.com:8443"), None, false)]
    #[case(Some("https://app.example.com:443"), None, false)]
    #[case(Some("https://evil.app.example.com"), None, false)]
    #[case(Some("https://example.com"), None, false)]
    #[case(Some("https://app.example.com.evil.example"), None, false)]
    #[case(Some("https://APP.example.com"), None, false)]
    #[case(Some("https://app.example.com/"), None, false)]
    #[case(Some(" https://app.example.com"), None, false)]
    #[case(Some("https://app.example.com, https://evil.example"), None, false)]
    fn only_our_own_origin_passes(
        #[case] origin: Option<&'static str>,
        #[case] site: Option<&'static str>,
        #[case] passes: bool,
    ) {
        let own = "https://app.example.com".parse::<OwnOrigin>().unwrap();
        assert_eq!(own.guard(&headers(origin, site)).is_ok(), passes);
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_refused_before_it_refuses_all_changes() {
        const OURS: &str = "https://app.example.com";
        let own: OwnOrigin = OURS.parse().unwrap();
        assert!(own.guard(&headers(Some(OURS), None)).is_ok());
        for text in ["https://App.example.com", "https://app.example.com:443"] {
            let right = OURS.parse().unwrap();
            assert_eq!(text.parse::<OwnOrigin>(), Err(OriginError::Spelling(right)));
        }
        let longer = format!("{OURS}/").parse::<OwnOrigin>();
        assert_eq!(longer, Err(OriginError::Longer(OURS.parse().unwrap())));
        assert_eq!("".parse::<OwnOrigin>(), Err(OriginError::Scheme));
    }

    #[test]
    fn a_refusal_says_what_was_wrong() {
        const OURS: &str = "https://app.example.com";
        let found = |headers| {
            OURS.parse::<OwnOrigin>()
                .unwrap()
                .guard(&headers)
                .unwrap_err()
                .found
        };
        let other = WrongOrigin::Other("null".into());
        assert_eq!(found(headers(Some("null"), Some("cross-site"))), other);
        assert_eq!(found(headers(None, None)), WrongOrigin::Missing);
        let site = WrongOrigin::Site("cross-site");
        assert_eq!(found(headers(Some(OURS), Some("cross-site"))), site);
    }

    #[test]
    fn an_origin_sent_twice_is_refused_even_if_both_are_ours() {
        let own = "https://app.example.com".parse::<OwnOrigin>().unwrap();
        for second in ["https://evil.example", "https://app.example.com"] {
            let mut headers = headers(Some("https://app.example.com"), None);
            headers.append(ORIGIN, HeaderValue::from_static(second));
            let refused = own.guard(&headers).unwrap_err();
            assert_eq!(refused.found, WrongOrigin::Repeated);
        }
    }
}
