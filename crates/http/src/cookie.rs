//! Cookies that come in, and the session cookie on its way out.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use vestibule_credential::frame::PlainSecret;

/// How the session cookie is called and how long the browser keeps it.
///
/// Always `Secure; HttpOnly; SameSite=Lax; Path=/` without `Domain`, as the `__Host-` prefix asks
/// (RFC 6265bis, 4.1.3.2).
#[derive(Debug, Clone)]
pub struct SessionCookie {
    /// The cookie's name.
    pub name: String,
    /// How long the browser keeps it, in seconds.
    pub max_age: u64,
}

impl SessionCookie {
    /// The value of `Set-Cookie` that hands a session to the browser; `None` only for a name that
    /// no header can carry, which the configuration refuses.
    pub fn set(&self, secret: &PlainSecret) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!(
            "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax",
            self.name,
            secret.expose(),
            self.max_age
        ))
        .ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The value of `Set-Cookie` that takes it away again.
    pub fn clear(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!(
            "{}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
            self.name
        ))
        .ok()
    }
}

/// The values of the cookies of a name. Read as bytes: what else a browser keeps for this host may
/// be of any character set.
pub fn values<'r>(headers: &'r HeaderMap, name: &'r str) -> impl Iterator<Item = &'r [u8]> + 'r {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| {
            let pair = trim_spaces(pair).strip_prefix(name.as_bytes())?;
            pair.strip_prefix(b"=")
        })
}

fn trim_spaces(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b" ") {
        bytes = rest;
    }
    while let Some(rest) = bytes.strip_suffix(b" ") {
        bytes = rest;
    }
    bytes
}
