//! The credential that a request presents.
//!
//! A scheme answers *not presented*, *presented* or *rejected*; what is rejected never falls
//! through to the next scheme. With a bearer and a cookie in one request the bearer counts, and it
//! must be good.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use vestibule_credential::frame::{self, FrameError, Prefix, SecretKind};
use vestibule_credential::token;
use vestibule_model::Digest;

use crate::denial::Rejected;

/// A credential that has the right shape at first sight; whether it is good is not known yet.
#[derive(Clone, Copy)]
pub(crate) enum Presented<'a> {
    /// An API key.
    ApiKey(&'a [u8]),
    /// An access token: the whole text, its last characters, by which it is known, and what stands
    /// before them.
    AccessToken {
        text: &'a [u8],
        last: &'a [u8],
        rest: &'a [u8],
    },
    /// A session cookie.
    SessionCookie(&'a [u8]),
}

impl Presented<'_> {
    /// Returns the digest that the credential is known by.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(match self {
            Self::ApiKey(text) | Self::SessionCookie(text) => text,
            Self::AccessToken { last, .. } => last,
        })
    }

    /// Verifies the checksum of a secret, which shows that it was copied as a whole. Done before the
    /// directory is asked, and not for a secret that is remembered already.
    pub(crate) fn verify(&self) -> Result<(), Rejected> {
        match self {
            Self::ApiKey(text) | Self::SessionCookie(text) => frame::verify(text).map_err(rejected),
            Self::AccessToken { .. } => Ok(()),
        }
    }

    /// Returns the part of an access token that is not in its digest: a cached caller is the one who
    /// presents it only if this part is the same too.
    pub(crate) fn rest(&self) -> Option<&[u8]> {
        match self {
            Self::AccessToken { rest, .. } => Some(rest),
            Self::ApiKey(..) | Self::SessionCookie(..) => None,
        }
    }

    /// Returns true if browsers send it by themselves, so that somebody else's page could make one
    /// do so.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self, Self::SessionCookie(..))
    }
}

/// The longest bearer value that is looked at, in bytes.
const MAX_BEARER_BYTES: usize = 8 * 1024;

/// Finds the credential of a request; `Ok(None)` when there is none. A cookie is looked for where
/// `cookie_name` is given.
pub(crate) fn presented<'a>(
    headers: &'a HeaderMap,
    prefix: &Prefix,
    cookie_name: Option<&str>,
) -> Result<Option<Presented<'a>>, Rejected> {
    match (bearer(headers, prefix)?, cookie_name) {
        (Some(bearer), _) => Ok(Some(bearer)),
        (None, Some(name)) => cookie(headers, prefix, name),
        (None, None) => Ok(None),
    }
}

/// `Authorization: Bearer <token>` (RFC 6750, 2.1).
fn bearer<'a>(headers: &'a HeaderMap, prefix: &Prefix) -> Result<Option<Presented<'a>>, Rejected> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Rejected::Duplicate);
    }
    let token = after_scheme(value.as_bytes())?;
    if token.is_empty() || token.len() > MAX_BEARER_BYTES {
        return Err(Rejected::Malformed);
    }
    if let Some((rest, last)) = token::split(token) {
        return Ok(Some(Presented::AccessToken {
            text: token,
            last,
            rest,
        }));
    }
    match frame::recognize(prefix, token).map_err(rejected)? {
        SecretKind::LiveKey | SecretKind::TestKey => Ok(Some(Presented::ApiKey(token))),
        SecretKind::Session => Err(Rejected::WrongPlace),
    }
}

fn after_scheme(value: &[u8]) -> Result<&[u8], Rejected> {
    match value.split_at_checked(b"Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => Ok(token.trim_ascii()),
        _ if value.contains(&b' ') => Err(Rejected::Scheme),
        _ => Err(Rejected::Malformed),
    }
}

/// Returns the token that is presented as bearer (RFC 6750, 2.1), as the check reads it: for handlers that
/// the check lets through with any.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?;
    let token = after_scheme(value.as_bytes()).ok()?;
    std::str::from_utf8(token).ok()
}

/// Returns the values of the cookies of a name (RFC 6265, 5.4), as the check reads them. They are bytes: a
/// foreign cookie beside them may hold what it likes.
pub fn cookie_values<'h, 'n>(
    headers: &'h HeaderMap,
    name: &'n str,
) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| Pairs(header.as_bytes()))
        .filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes()))
        .filter_map(|value| value.strip_prefix(b"="))
}

/// The texts between the semicolons of a `Cookie` header.
struct Pairs<'h>(&'h [u8]);

impl<'h> Iterator for Pairs<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr::memchr(b';', self.0).unwrap_or(self.0.len());
        let (pair, after) = self.0.split_at(end);
        self.0 = after.get(1..).unwrap_or_default();
        Some(pair)
    }
}

/// Finds the session cookie (RFC 6265, 5.4). Two values under its name are refused: which of them is the
/// browser's own cannot be known.
pub(crate) fn cookie<'a>(
    headers: &'a HeaderMap,
    prefix: &Prefix,
    name: &str,
) -> Result<Option<Presented<'a>>, Rejected> {
    let mut values = cookie_values(headers, name);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Rejected::Duplicate);
    }
    match frame::recognize(prefix, value).map_err(rejected)? {
        SecretKind::Session => Ok(Some(Presented::SessionCookie(value))),
        SecretKind::LiveKey | SecretKind::TestKey => Err(Rejected::WrongPlace),
    }
}

fn rejected(error: FrameError) -> Rejected {
    match error {
        FrameError::NotFramed | FrameError::Malformed => Rejected::Malformed,
        FrameError::Checksum => Rejected::Checksum,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_bearer_token_is_what_follows_the_scheme_whatever_white_space_is_round_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer_token(&headers), None);
        for text in ["bearer eyJ.a.b", "Bearer  eyJ.a.b", "BEARER \teyJ.a.b\t"] {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
            assert_eq!(bearer_token(&headers), Some("eyJ.a.b"), "{text:?}");
        }
        for text in ["Basic eyJ.a.b", "Bearer", "eyJ.a.b"] {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
            assert_eq!(bearer_token(&headers), None, "{text:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_whatever_white_space_is_round_it() {
        let mut headers = HeaderMap::new();
        let foreign = b"theme=d\xfcster;\tours=a ;ours2=x; =; ;;";
        headers.append(COOKIE, HeaderValue::from_bytes(foreign).unwrap());
        headers.append(COOKIE, HeaderValue::from_static("lang=en;  ours=b"));
        let found: Vec<_> = cookie_values(&headers, "ours").collect();
        assert_eq!(found, [b"a", b"b"]);
    }
}
