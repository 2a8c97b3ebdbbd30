//! Cookies on their way out.

use std::fmt;

use http::HeaderValue;
use vestibule_credential::frame::PlainSecret;

/// The requests of other sites that a browser sends a cookie with (RFC 6265bis, 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Navigations alone.
    Lax,
    /// None.
    Strict,
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        })
    }
}

/// Returns the value of `Set-Cookie` for a cookie that the browser keeps for `max_age` seconds, or
/// removes if that is 0.
///
/// It is `Secure; HttpOnly; Path=/` without `Domain`, as the `__Host-` prefix demands (RFC 6265bis,
/// 4.1.3.2), and is not printed. Returns `None` for a name or value that no header can carry.
pub fn set_cookie(
    name: &str,
    value: &str,
    max_age: u64,
    same_site: SameSite,
) -> Option<HeaderValue> {
    let text = format!(
        "{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite={same_site}"
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The session cookie: its name, and how long the browser keeps it.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    /// The cookie's name.
    pub name: String,
    /// The time for which the browser keeps it, in seconds.
    pub max_age: u64,
}

impl SessionCookie {
    /// Returns the value of `Set-Cookie` that gives a session to the browser. Returns `None` only
    /// for a name that no header can carry, which the configuration refuses.
    pub fn set(&self, secret: &PlainSecret) -> Option<HeaderValue> {
        set_cookie(&self.name, secret.expose(), self.max_age, SameSite::Lax)
    }

    /// Returns the value of `Set-Cookie` that removes the cookie.
    pub fn clear(&self) -> Option<HeaderValue> {
        set_cookie(&self.name, "", 0, SameSite::Lax)
    }
}
