//! What a request asks to be answered with.

use http::HeaderMap;
use http::header::ACCEPT;

/// Returns true if a browser asks for something to show, as every navigation does.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter();
    accepted.any(|value| value.as_bytes().windows(9).any(|part| part == b"text/html"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["text/html,application/xhtml+xml,*/*;q=0.8"], true)]
    #[case(&["application/json", "text/html"], true)]
    #[case(&["caf\u{e9}, text/html"], true)]
    #[case(&["*/*"], false)]
    #[case(&["application/json"], false)]
    #[case(&["text/htm"], false)]
    #[case(&[], false)]
    fn only_who_names_html_is_shown_a_page(#[case] accepted: &[&str], #[case] wants: bool) {
        let mut headers = HeaderMap::new();
        for value in accepted {
            headers.append(ACCEPT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        assert_eq!(wants_page(&headers), wants);
    }
}
