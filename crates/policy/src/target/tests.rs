use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::root("/")]
#[case::plain("/v1/api-keys")]
#[case::trailing_slash("/v1/api-keys/")]
#[case::id("/v1/api-keys/key_01jhmpfn80e48s5s0q7b7cwx5e")]
#[case::dots_inside("/.well-known/jwks.json")]
#[case::dots_first("/...")]
#[case::dots_and_more("/..a/.b")]
#[case::tilde("/~user")]
#[case::sub_delimiters("/a!$&'()*+,=:@b")]
#[case::encoded_space("/shared/a%20b")]
#[case::encoded_question_mark("/a%3Fb")]
#[case::encoded_umlaut("/%C3%A4")]
#[case::lower_case_triplets("/%c3%a4")]
#[case::three_bytes("/%E2%82%AC")]
#[case::four_bytes("/%F0%9F%94%91")]
fn a_path_with_one_reading_is_judged(#[case] path: &str) {
    assert_eq!(canonical(path), Ok(()));
}

#[rstest]
#[case::empty("", NotCanonical::NotAbsolute)]
#[case::asterisk("*", NotCanonical::NotAbsolute)]
#[case::relative("admin", NotCanonical::NotAbsolute)]
#[case::authority("http://host/admin", NotCanonical::NotAbsolute)]
#[case::two_slashes("//admin", NotCanonical::EmptySegment)]
#[case::two_slashes_inside("/a//admin", NotCanonical::EmptySegment)]
#[case::two_slashes_at_the_end("/admin//", NotCanonical::EmptySegment)]
#[case::three_slashes("///", NotCanonical::EmptySegment)]
#[case::dot("/./admin", NotCanonical::DotSegment)]
#[case::dot_at_the_end("/admin/.", NotCanonical::DotSegment)]
#[case::dot_alone("/.", NotCanonical::DotSegment)]
#[case::dot_dot("/public/../admin", NotCanonical::DotSegment)]
#[case::dot_dot_at_the_end("/public/..", NotCanonical::DotSegment)]
#[case::dot_dot_alone("/..", NotCanonical::DotSegment)]
#[case::dot_dot_with_parameter("/public/..;/admin", NotCanonical::Character)]
#[case::dot_with_parameter("/.;x/admin", NotCanonical::Character)]
#[case::semicolon("/admin;x=1", NotCanonical::Character)]
#[case::semicolon_first("/;/admin", NotCanonical::Character)]
#[case::encoded_semicolon("/admin%3bx", NotCanonical::Encoded)]
#[case::backslash("/public\\..\\admin", NotCanonical::Character)]
#[case::backslash_first("/\\admin", NotCanonical::Character)]
#[case::encoded_slash("/public%2fadmin", NotCanonical::Encoded)]
#[case::encoded_slash_upper("/public%2Fadmin", NotCanonical::Encoded)]
#[case::encoded_slash_first("/%2fadmin", NotCanonical::Encoded)]
#[case::encoded_backslash("/public%5cadmin", NotCanonical::Encoded)]
#[case::encoded_backslash_upper("/public%5Cadmin", NotCanonical::Encoded)]
#[case::encoded_dot("/%2e/admin", NotCanonical::Encoded)]
#[case::encoded_dots("/public/%2e%2e/admin", NotCanonical::Encoded)]
#[case::encoded_dots_upper("/public/%2E%2E/admin", NotCanonical::Encoded)]
#[case::half_encoded_dots("/public/.%2e/admin", NotCanonical::Encoded)]
#[case::half_encoded_dots_other_half("/public/%2e./admin", NotCanonical::Encoded)]
#[case::dots_and_encoded_slash("/public/..%2fadmin", NotCanonical::Encoded)]
#[case::dots_and_encoded_backslash("/public/..%5cadmin", NotCanonical::Encoded)]
#[case::encoded_percent("/%25", NotCanonical::Encoded)]
#[case::twice_encoded_slash("/public%252fadmin", NotCanonical::Encoded)]
#[case::twice_encoded_dots("/public/%252e%252e/admin", NotCanonical::Encoded)]
#[case::encoded_nul("/admin%00", NotCanonical::Encoded)]
#[case::encoded_nul_inside("/adm%00in", NotCanonical::Encoded)]
#[case::encoded_line_feed("/admin%0a", NotCanonical::Encoded)]
#[case::encoded_carriage_return("/admin%0D", NotCanonical::Encoded)]
#[case::encoded_tab("/admin%09", NotCanonical::Encoded)]
#[case::encoded_delete("/admin%7f", NotCanonical::Encoded)]
#[case::encoded_c1_control("/admin%c2%85", NotCanonical::Encoded)]
#[case::encoded_letter("/%61dmin", NotCanonical::Encoded)]
#[case::encoded_capital("/%41dmin", NotCanonical::Encoded)]
#[case::encoded_digit("/v%31", NotCanonical::Encoded)]
#[case::encoded_hyphen("/api%2dkeys", NotCanonical::Encoded)]
#[case::encoded_underscore("/a%5fb", NotCanonical::Encoded)]
#[case::encoded_tilde("/%7euser", NotCanonical::Encoded)]
#[case::nul("/admin\0", NotCanonical::Character)]
#[case::line_feed("/admin\n", NotCanonical::Character)]
#[case::tab("/admin\t", NotCanonical::Character)]
#[case::delete("/admin\x7f", NotCanonical::Character)]
#[case::space("/admin ", NotCanonical::Character)]
#[case::query("/admin?x", NotCanonical::Character)]
#[case::fragment("/admin#x", NotCanonical::Character)]
#[case::quote("/admin\"", NotCanonical::Character)]
#[case::brackets("/admin[0]", NotCanonical::Character)]
#[case::braces("/{admin}", NotCanonical::Character)]
#[case::bar("/admin|x", NotCanonical::Character)]
#[case::raw_umlaut("/ädmin", NotCanonical::Character)]
#[case::raw_full_width_slash("/public／admin", NotCanonical::Character)]
#[case::raw_full_width_dots("/public/．．/admin", NotCanonical::Character)]
#[case::percent_at_the_end("/admin%", NotCanonical::Triplet)]
#[case::one_digit("/admin%2", NotCanonical::Triplet)]
#[case::no_digits("/admin%zz", NotCanonical::Triplet)]
#[case::signed_digits("/admin%+2", NotCanonical::Triplet)]
#[case::utf_16("/%u002fadmin", NotCanonical::Triplet)]
#[case::overlong_slash("/public%c0%afadmin", NotCanonical::NotUtf8)]
#[case::overlong_slash_in_three("/public%e0%80%afadmin", NotCanonical::NotUtf8)]
#[case::overlong_dots("/public/%c0%ae%c0%ae/admin", NotCanonical::NotUtf8)]
#[case::latin_1("/%e4", NotCanonical::NotUtf8)]
#[case::cut_short("/%e2%82", NotCanonical::NotUtf8)]
#[case::cut_short_by_a_segment("/%e2%82/x", NotCanonical::NotUtf8)]
#[case::continuation_first("/%bf", NotCanonical::NotUtf8)]
#[case::surrogate("/%ed%a0%80", NotCanonical::NotUtf8)]
#[case::beyond_unicode("/%f4%90%80%80", NotCanonical::NotUtf8)]
fn every_other_spelling_is_refused(#[case] path: &str, #[case] because: NotCanonical) {
    assert_eq!(canonical(path), Err(because));
}

/// What a server makes of a path that decodes first and resolves dot segments afterwards.
fn decoded_text(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some(&first) = rest.first() {
        if first == b'%' {
            bytes.push(decoded(rest).unwrap());
            rest = &rest[3..];
        } else {
            bytes.push(first);
            rest = &rest[1..];
        }
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn no_text_makes_the_judge_panic(path in ".*") {
        let _ = canonical(&path);
    }

    #[test]
    fn no_path_of_awkward_pieces_makes_the_judge_panic(
        path in "/(%[0-9a-fA-F]{0,3}|[/.;a\\\\ä]|%[ce][0-9a-f]%[89ab][0-9a-f]){0,12}",
    ) {
        let _ = canonical(&path);
    }

    #[test]
    fn what_is_accepted_has_the_same_segments_decoded_and_not(
        path in "(/(%[2-7c-f][0-9a-fA-F]|[.a;\\\\]|%c3%a4){0,4}){1,4}",
    ) {
        if canonical(&path).is_ok() {
            let decoded = decoded_text(&path);
            prop_assert_eq!(decoded.matches('/').count(), path.matches('/').count());
            prop_assert!(!decoded.contains("//"));
            prop_assert!(!decoded.contains(['\\', ';', '%']));
            prop_assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."));
        }
    }

    #[test]
    fn an_encoded_unreserved_letter_is_always_refused(
        before in "(/[a-z]{1,5}){0,3}/",
        letter in "[A-Za-z0-9._~-]",
        upper: bool,
    ) {
        let code = letter.as_bytes()[0];
        let triplet = if upper { format!("%{code:02X}") } else { format!("%{code:02x}") };
        prop_assert_eq!(canonical(&format!("{before}{triplet}")), Err(NotCanonical::Encoded));
    }

    #[test]
    fn every_text_of_letters_and_slashes_is_accepted(path in "(/[A-Za-z0-9_~-]{1,8}){1,6}/?") {
        prop_assert_eq!(canonical(&path), Ok(()));
    }
}
