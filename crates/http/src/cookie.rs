//! Cookies that come in, and the session cookie on its way out.

use http::HeaderValue;
use vestibule_credential::frame::PlainSecret;

/// The name and lifetime of the session cookie.
///
/// Always `Secure; HttpOnly; SameSite=Lax; Path=/` without `Domain`, as the `__Host-` prefix asks
/// (RFC 6265bis, 4.1.3.2).
#[derive(Debug, Clone)]
pub struct SessionCookie {
    /// The cookie's name.
    pub name: String,
    /// The time for which the browser keeps it, in seconds.
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
