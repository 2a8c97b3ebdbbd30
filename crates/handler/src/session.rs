//! The session cookies that a request presents, as digests.

use http::HeaderMap;
use vestibule_check::cookie_values;
use vestibule_http::{Problem, SessionCookie};
use vestibule_model::Digest;

/// No browser has so many cookies of one name.
const MOST_COOKIES: usize = 4;

/// The session cookie that a permit was given for.
///
/// # Errors
/// 500 where there is none, which the check has excluded.
pub fn session_cookie(headers: &HeaderMap, cookie: &SessionCookie) -> Result<Digest, Problem> {
    // The first: the check has seen to it that no other passes.
    let first = cookie_values(headers, &cookie.name).next();
    first.map(Digest::of).ok_or_else(Problem::internal)
}

/// All session cookies of a request: for what ends their sessions. A browser sends one, unless
/// somebody has planted another beside it.
pub fn session_cookies(headers: &HeaderMap, cookie: &SessionCookie) -> Vec<Digest> {
    cookie_values(headers, &cookie.name)
        .take(MOST_COOKIES)
        .map(Digest::of)
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::COOKIE;

    use super::*;

    fn named(name: &str) -> SessionCookie {
        SessionCookie {
            name: name.to_owned(),
            max_age: 60,
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_of_any_character_set() {
        let mut headers = HeaderMap::new();
        let foreign = b"theme=d\xfcster;\t__Host-vestibule=ks_sess_a ;__Host-vestibule2=x";
        headers.append(COOKIE, HeaderValue::from_bytes(foreign).unwrap());
        headers.append(COOKIE, "lang=en;  __Host-vestibule=b".parse().unwrap());
        let (ours, other) = (named("__Host-vestibule"), named("session"));
        let both = [Digest::of(b"ks_sess_a"), Digest::of(b"b")];
        assert_eq!(session_cookies(&headers, &ours), both);
        assert_eq!(session_cookie(&headers, &ours).unwrap(), both[0]);
        assert_eq!(session_cookies(&headers, &other), []);
        assert!(session_cookie(&headers, &other).is_err());
    }

    #[test]
    fn of_many_cookies_only_a_few_are_read() {
        let mut headers = HeaderMap::new();
        for value in 0..10 {
            let pair = format!("session={value}");
            headers.append(COOKIE, pair.parse().unwrap());
        }
        let found = session_cookies(&headers, &named("session"));
        assert_eq!(found.len(), MOST_COOKIES);
    }
}
