//! The cookies of sign-ins through a provider: one binds them to the browser that began them, and one
//! for each holds, sealed, what its callback needs.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use vestibule_check::cookie_values;
use vestibule_http::cookie::{SameSite, set_cookie};
use vestibule_http::{Problem, SessionCookie};

/// The time for which a browser keeps it, in seconds: as long as a sign-in may take.
const LIFE: u64 = 600;

/// The number of sign-ins that one browser can have under way: tabs that wait at a provider.
const MOST: usize = 16;

/// The most bytes that they take together in the browser's `Cookie` header. A proxy reads 8 KiB of one
/// header at least.
const MOST_BYTES: usize = 6 * 1_024;

/// The cookies that bind a sign-in to the browser that began it. They stand beside the session
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

    /// Returns what the browser has kept of each sign-in, as the ends of the cookies' names and their values,
    /// in no order.
    pub fn carried<'h>(&self, headers: &'h HeaderMap) -> Vec<(&'h str, &'h str)> {
        let cookies = headers.get_all(COOKIE).iter();
        cookies
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| {
                let rest = pair.trim().strip_prefix(self.name.as_str())?;
                rest.strip_prefix('-')?.split_once('=')
            })
            .collect()
    }

    /// The values of `Set-Cookie` that hand a browser what it needs to come back with. `Lax`, since
    /// the way back is a navigation that another site begins. What it has kept of earlier sign-ins
    /// stays, for its other tabs, up to a bound; beyond it the oldest are taken away.
    ///
    /// # Errors
    /// 500 for a name that no header can carry, which the configuration refuses.
    pub fn set(
        &self,
        presented: &HeaderMap,
        binding: &str,
        (end, value): (&str, &str),
    ) -> Result<Vec<HeaderValue>, Problem> {
        let mut set = vec![
            self.cookie("", binding, LIFE)?,
            self.cookie(&format!("-{end}"), value, LIFE)?,
        ];
        let mut kept = self.carried(presented);
        kept.retain(|(end, value)| is_plain(end) && is_plain(value));
        kept.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let (mut number, mut bytes) = (1, end.len() + value.len() + self.name.len());
        for (end, value) in kept {
            number += 1;
            bytes += end.len() + value.len() + self.name.len();
            // The rest is older.
            if number > MOST || bytes > MOST_BYTES {
                set.push(self.cookie(&format!("-{end}"), "", 0)?);
            }
        }
        Ok(set)
    }

    fn cookie(&self, end: &str, value: &str, life: u64) -> Result<HeaderValue, Problem> {
        let name = format!("{}{end}", self.name);
        set_cookie(&name, value, life, SameSite::Lax).ok_or_else(Problem::internal)
    }
}

/// Returns whether it is of letters that ours are of, so that nothing foreign goes into a header.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn what_is_kept_of_a_sign_in_is_read_by_the_end_of_the_name() {
        let session = SessionCookie {
            name: "__Host-vestibule".to_owned(),
            max_age: 60,
        };
        let cookies = BindingCookie::beside(&session);
        let mut headers = HeaderMap::new();
        let text = "__Host-vestibule-sso=b; __Host-vestibule-sso-1a=x; other=1";
        headers.append(COOKIE, text.parse().unwrap());
        headers.append(COOKIE, "__Host-vestibule-sso-2b=y".parse().unwrap());
        assert_eq!(cookies.carried(&headers), [("1a", "x"), ("2b", "y")]);
        assert_eq!(cookies.presented(&headers), Some("b"));
    }
}
