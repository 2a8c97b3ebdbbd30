//! What was done just now, told once on the next page. It travels in a cookie of ours: a link, whoever
//! made it, cannot have a page say what did not happen.

use http::{HeaderMap, HeaderValue};
use vestibule_handler::cookie_values;
use vestibule_http::Problem;

use crate::text;

/// One for all servers of a host: what it says is one of our own sentences.
const NAME: &str = "__Host-notice";

/// The value of `Set-Cookie` that takes the notice away.
pub(crate) const TOLD: HeaderValue =
    HeaderValue::from_static("__Host-notice=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");

/// The value of `Set-Cookie` that has the next page tell it: `done.` and `what` stand in the
/// catalogue. It is forgotten after a minute.
///
/// # Errors
/// 500 for a name that no header can carry.
pub(crate) fn tell(what: &'static str) -> Result<HeaderValue, Problem> {
    let value = format!("{NAME}={what}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&value).map_err(|_| Problem::internal())
}

/// Whether a request brings a notice.
pub(crate) fn is_there(headers: &HeaderMap) -> bool {
    cookie_values(headers, NAME).next().is_some()
}

/// What the notice of a request says.
pub(crate) fn read(headers: &HeaderMap) -> Option<&'static str> {
    let what = cookie_values(headers, NAME).next()?;
    text::find(&format!("done.{}", std::str::from_utf8(what).ok()?))
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    #[test]
    fn a_notice_is_one_of_the_sentences_of_the_catalogue() {
        let mut headers = HeaderMap::new();
        assert!(!is_there(&headers));
        headers.insert(COOKIE, "__Host-notice=key".parse().unwrap());
        assert!(is_there(&headers));
        assert_eq!(read(&headers), text::find("done.key"));
        headers.insert(COOKIE, "__Host-notice=You owe us money".parse().unwrap());
        assert_eq!(read(&headers), None);
        assert!(
            tell("key")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("__Host-notice=key;")
        );
    }
}
