//! Which credential a request presents.
//!
//! A scheme answers *not presented*, *presented* or *rejected*; what is rejected never falls
//! through to the next scheme. With a bearer and a cookie in one request the bearer counts, and it
//! must be good.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use vestibule_credential::frame::{self, FrameError, Prefix, SecretKind};
use vestibule_credential::token;
use vestibule_model::Digest;

use crate::cache::CacheKey;
use crate::denial::Rejected;

/// A credential that has the right shape; whether it is good is not known yet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presented<'a> {
    /// An API key, by its digest.
    ApiKey(Digest),
    /// An access token: the whole text, and its digest.
    AccessToken(&'a str, Digest),
    /// A session cookie, by its digest.
    SessionCookie(Digest),
}

impl Presented<'_> {
    pub(crate) fn cache_key(&self) -> CacheKey {
        match *self {
            Self::ApiKey(digest) => CacheKey::api_key(digest),
            Self::AccessToken(_, digest) => CacheKey::access_token(digest),
            Self::SessionCookie(digest) => CacheKey::session_cookie(digest),
        }
    }

    /// Whether a browser would have sent it by itself, so that a page of somebody else could make
    /// it do so.
    pub(crate) fn is_ambient(&self) -> bool {
        matches!(self, Self::SessionCookie(_))
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
    let text = value.to_str().map_err(|_| Rejected::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(Rejected::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejected::Scheme);
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || token.len() > MAX_BEARER_BYTES {
        return Err(Rejected::Malformed);
    }
    if token::looks_like_token(token) {
        return Ok(Some(Presented::AccessToken(
            token,
            Digest::of(token.as_bytes()),
        )));
    }
    match frame::read(prefix, token) {
        Ok((SecretKind::LiveKey | SecretKind::TestKey, digest)) => {
            Ok(Some(Presented::ApiKey(digest)))
        }
        Ok((SecretKind::Session, _)) => Err(Rejected::WrongPlace),
        Err(FrameError::NotFramed | FrameError::Malformed) => Err(Rejected::Malformed),
        Err(FrameError::Checksum) => Err(Rejected::Checksum),
    }
}

/// The session cookie (RFC 6265, 5.4). Two values under its name are refused: which of them is the
/// browser's own cannot be known.
pub(crate) fn cookie(
    headers: &HeaderMap,
    prefix: &Prefix,
    name: &str,
) -> Result<Option<Presented<'static>>, Rejected> {
    let mut found = None;
    // Split as bytes: a foreign cookie beside ours may hold what it likes.
    for header in headers.get_all(COOKIE) {
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            if let Some(value) = pair.strip_prefix(name.as_bytes())
                && let Some(value) = value.strip_prefix(b"=")
                && found.replace(value).is_some()
            {
                return Err(Rejected::Duplicate);
            }
        }
    }
    let found = found
        .map(std::str::from_utf8)
        .transpose()
        .map_err(|_| Rejected::Malformed)?;
    match found.map(|value| frame::read(prefix, value)) {
        None => Ok(None),
        Some(Ok((SecretKind::Session, digest))) => Ok(Some(Presented::SessionCookie(digest))),
        Some(Ok(_)) => Err(Rejected::WrongPlace),
        Some(Err(FrameError::NotFramed | FrameError::Malformed)) => Err(Rejected::Malformed),
        Some(Err(FrameError::Checksum)) => Err(Rejected::Checksum),
    }
}
