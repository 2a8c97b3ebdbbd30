//! What is known of a caller before anybody knows who it is.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use vestibule_http::{ClientAddress, RequestId};
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

/// The bearer token that the permit of this request was given for.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (_, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(token.trim_matches(' '))
}

/// The digest of the session cookie that the permit of this request was given for. That there is
/// one of this name the check has seen to.
pub(crate) fn session_cookie(headers: &HeaderMap, name: &str) -> Option<Digest> {
    cookie(headers, name).map(|value| Digest::of(value.as_bytes()))
}

/// The value of the first cookie of this name.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            "theme=dark; __Host-vestibule=ks_sess_a".parse().unwrap(),
        );
        headers.append(COOKIE, "lang=en".parse().unwrap());
        let found = session_cookie(&headers, "__Host-vestibule");
        assert_eq!(found, Some(Digest::of(b"ks_sess_a")));
        assert_eq!(session_cookie(&headers, "session"), None);
    }

    #[test]
    fn the_token_is_what_follows_the_scheme() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer_token(&headers), None);
        headers.insert(AUTHORIZATION, "bearer  eyJ.a.b".parse().unwrap());
        assert_eq!(bearer_token(&headers), Some("eyJ.a.b"));
    }
}
