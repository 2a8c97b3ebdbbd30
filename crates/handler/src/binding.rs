//! The cookie that binds a sign-in through a provider to the browser that began it.

use http::{HeaderMap, HeaderValue};
use vestibule_accounts::PlainBinding;
use vestibule_check::cookie_values;
use vestibule_http::{Problem, SessionCookie};

/// How long a browser keeps it, in seconds: as long as a sign-in may take.
const LIFE: u32 = 600;

/// The cookie that binds a sign-in to the browser that began it. It stands beside the session
/// cookie, under the same prefix.
#[derive(Debug)]
pub struct BindingCookie {
    name: String,
}

impl BindingCookie {
    /// The one that goes with this session cookie.
    pub fn beside(session: &SessionCookie) -> Self {
        Self {
            name: format!("{}-sso", session.name),
        }
    }

    /// The value that the browser has, where a sign-in has begun in it already.
    pub fn presented<'h>(&'h self, headers: &'h HeaderMap) -> Option<&'h str> {
        cookie_values(headers, &self.name).find_map(|value| std::str::from_utf8(value).ok())
    }

    /// The value of `Set-Cookie` that hands it to the browser. `Lax`, since the way back is a
    /// navigation that another site begins.
    ///
    /// # Errors
    /// 500 for a name that no header can carry, which the configuration refuses.
    pub fn set(&self, binding: &PlainBinding) -> Result<HeaderValue, Problem> {
        let text = format!(
            "{}={}; Path=/; Max-Age={LIFE}; Secure; HttpOnly; SameSite=Lax",
            self.name,
            binding.expose()
        );
        let mut value = HeaderValue::from_str(&text).map_err(|_| Problem::internal())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn it_is_read_under_the_name_of_the_session_cookie_and_a_suffix() {
        let session = SessionCookie {
            name: "__Host-vestibule".to_owned(),
            max_age: 60,
        };
        let binding = BindingCookie::beside(&session);
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "__Host-vestibule=ks_sess_a".parse().unwrap());
        assert_eq!(binding.presented(&headers), None);
        headers.append(COOKIE, "__Host-vestibule-sso=b".parse().unwrap());
        assert_eq!(binding.presented(&headers), Some("b"));
    }
}
