//! What is known of a caller before anybody knows who it is.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use vestibule_accounts::SignOut;
use vestibule_http::{ClientAddress, RequestId, cookie};
use vestibule_model::Digest;

/// Where a request without a permit comes from.
#[derive(Debug, Clone)]
pub(crate) struct Stranger {
    /// The client's address.
    pub(crate) address: Option<IpAddr>,
    /// What the request is called in the log.
    pub(crate) request_id: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Stranger {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<ClientAddress>();
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            address: address.map(|address| address.0),
            request_id: request_id.map(|id| id.as_str().to_owned()),
        })
    }
}

/// The token that is presented as bearer (RFC 6750, 2.1).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| token.trim_matches(' '))
}

/// The digests of the session cookies of a request. Whoever takes one that a permit was given for
/// takes the first: the check has seen to it that there is no other.
pub(crate) fn session_cookies<'r>(
    headers: &'r HeaderMap,
    name: &'r str,
) -> impl Iterator<Item = Digest> + 'r {
    cookie::values(headers, name).map(Digest::of)
}

/// No browser has so many cookies of one name.
const MOST_COOKIES: usize = 4;

/// All session cookies of a request: for what ends their sessions.
pub(crate) fn all_session_cookies(headers: &HeaderMap, name: &str) -> Vec<Digest> {
    session_cookies(headers, name).take(MOST_COOKIES).collect()
}

impl Stranger {
    /// What a request signs out with; cookies count where they are called by a name.
    pub(crate) fn sign_out<'r>(
        self,
        headers: &'r HeaderMap,
        cookie_name: Option<&str>,
    ) -> SignOut<'r> {
        let cookies = cookie_name.map(|name| all_session_cookies(headers, name));
        SignOut {
            cookies: cookies.unwrap_or_default(),
            token: bearer_token(headers),
            address: self.address,
            request_id: self.request_id,
        }
    }
}

/// The value of the first cookie of this name.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &'h str) -> Option<&'h str> {
    cookie::values(headers, name).find_map(|value| std::str::from_utf8(value).ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_of_any_character_set() {
        let mut headers = HeaderMap::new();
        let foreign = b"theme=d\xfcster; __Host-vestibule=ks_sess_a ;__Host-vestibule2=x";
        headers.append(COOKIE, HeaderValue::from_bytes(foreign).unwrap());
        headers.append(COOKIE, "lang=en;  __Host-vestibule=b".parse().unwrap());
        let found = |name| session_cookies(&headers, name).collect::<Vec<_>>();
        assert_eq!(
            found("__Host-vestibule"),
            [Digest::of(b"ks_sess_a"), Digest::of(b"b")]
        );
        assert_eq!(found("session"), []);
    }

    #[test]
    fn the_token_is_what_follows_the_scheme() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer_token(&headers), None);
        headers.insert(AUTHORIZATION, "bearer  eyJ.a.b".parse().unwrap());
        assert_eq!(bearer_token(&headers), Some("eyJ.a.b"));
        headers.insert(AUTHORIZATION, "Basic eyJ.a.b".parse().unwrap());
        assert_eq!(bearer_token(&headers), None);
    }
}
