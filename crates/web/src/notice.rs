//! What was done just now, read from the cookie in which it travels to the next page.

use http::HeaderMap;
use vestibule_handler::cookie_values;
pub(crate) use vestibule_handler::notice::{NOTICE, tell, told};

use crate::text;

/// Returns whether a request brings a notice.
pub(crate) fn is_there(headers: &HeaderMap) -> bool {
    cookie_values(headers, NOTICE).next().is_some()
}

/// Returns the text of a request's notice.
pub(crate) fn read(headers: &HeaderMap) -> Option<&'static str> {
    // The value only chooses one of our sentences: a neighbour on the same domain can set cookies, and
    // must not be able to write on our pages.
    let what = cookie_values(headers, NOTICE).next()?;
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
