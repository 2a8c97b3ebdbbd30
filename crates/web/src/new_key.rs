//! The cookie in which the secret of a new API key travels to the page that shows it, sealed for
//! the session. That page clears it; otherwise it ends after a minute, as what is sealed does.

use http::{HeaderMap, HeaderValue};
use vestibule_accounts::NEW_KEY_HANDOVER;
use vestibule_handler::cookie_values;
use vestibule_http::SessionCookie;
use vestibule_http::cookie::{SameSite, set_cookie};

/// The cookie with the secret of a new API key. It stands beside the session cookie, under the same
/// prefix. There is one at a time, of some 250 bytes.
#[derive(Debug)]
pub(crate) struct NewKeyCookie {
    name: String,
}

impl NewKeyCookie {
    /// Names the cookie that goes with this session cookie.
    pub(crate) fn beside(session: &SessionCookie) -> Self {
        Self {
            name: format!("{}-new-key", session.name),
        }
    }

    /// Returns the sealed secret that a request presents.
    pub(crate) fn presented<'h>(&'h self, headers: &'h HeaderMap) -> Option<&'h str> {
        let value = cookie_values(headers, &self.name).next()?;
        std::str::from_utf8(value).ok()
    }

    /// The value of `Set-Cookie` that hands it to the browser. `Strict`: no other site has a reason to
    /// lead to the page.
    pub(crate) fn set(&self, sealed: &str) -> Option<HeaderValue> {
        set_cookie(
            &self.name,
            sealed,
            NEW_KEY_HANDOVER.as_secs(),
            SameSite::Strict,
        )
    }

    /// The value of `Set-Cookie` that takes it away.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        set_cookie(&self.name, "", 0, SameSite::Strict)
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn the_secret_of_a_new_key_travels_beside_the_session_for_a_minute_and_is_taken_away() {
        let cookie = NewKeyCookie::beside(&SessionCookie {
            name: "__Host-vestibule".to_owned(),
            max_age: 3_600,
        });
        let set = cookie.set("sealed").unwrap();
        assert!(set.is_sensitive());
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-vestibule-new-key=sealed; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
        let cleared = cookie.clear().unwrap();
        let start = "__Host-vestibule-new-key=; Path=/; Max-Age=0;";
        assert!(cleared.to_str().unwrap().starts_with(start));
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "__Host-vestibule=a".parse().unwrap());
        assert_eq!(cookie.presented(&headers), None);
        headers.append(COOKIE, "__Host-vestibule-new-key=b".parse().unwrap());
        assert_eq!(cookie.presented(&headers), Some("b"));
    }
}
