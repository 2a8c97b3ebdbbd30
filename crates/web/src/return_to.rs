//! Where to go on after a sign-in: a path of our own, or nowhere.

use vestibule_policy::target;

/// The text, if it is a page of this server. Those of signing in and out are no place to go on at.
pub(crate) fn local(text: &str) -> Option<&str> {
    let path = text.split('?').next().unwrap_or_default();
    let first = path.split('/').nth(1).unwrap_or_default();
    // A way back to the sign-in would show it to a user who has just signed in, and one to the
    // sign-out would end the new session.
    let safe = target::is_own_page(text)
        && !matches!(first, "sign-in" | "sign-out" | "signed-out" | "assets");
    safe.then_some(text)
}

/// The text as the value of a query.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/")]
    #[case("/account/keys")]
    #[case("/organization/tenant_01jhmpfn80e48s5s0q7b7cwx5e/audit?kind=api_key.*&page=2")]
    fn a_path_of_our_own_is_kept(#[case] path: &str) {
        assert_eq!(local(path), Some(path));
    }

    #[rstest]
    #[case("")]
    #[case("account")]
    #[case("//evil.example")]
    #[case("///evil.example")]
    #[case("/\\evil.example")]
    #[case("\\/evil.example")]
    #[case("/\t/evil.example")]
    #[case("\t//evil.example")]
    #[case("/\n/evil.example")]
    #[case(" //evil.example")]
    #[case("https://evil.example")]
    #[case("https:evil.example")]
    #[case("javascript:alert(1)")]
    #[case("/../evil")]
    #[case("/./account")]
    #[case("/%2f/evil.example")]
    #[case("/%5cevil.example")]
    #[case("/%09/evil.example")]
    #[case("/a//b")]
    #[case("/a;b")]
    #[case("/account#x")]
    #[case("/account?x=\\")]
    #[case("/account?x=\r\nSet-Cookie: a=b")]
    #[case("/accoünt")]
    #[case("/@evil.example/\u{202e}")]
    #[case("/sign-in?return_to=/sign-in")]
    #[case("/sign-out")]
    fn everything_else_leads_nowhere(#[case] path: &str) {
        assert_eq!(local(path), None);
    }

    #[test]
    fn a_path_without_end_leads_nowhere() {
        assert_eq!(
            local(&format!("/{}", "a".repeat(target::MAX_OWN_PAGE_BYTES))),
            None
        );
    }
}
