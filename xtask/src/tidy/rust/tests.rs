use super::*;

fn words(text: &str) -> Vec<&str> {
    tokens(text)
        .iter()
        .filter_map(|token| match token.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        })
        .collect()
}

#[test]
fn strings_characters_and_comments_hold_no_code() {
    for text in [
        r#""a \" b" x"#,
        r##"r#"a " b"# x"##,
        r"b'\'' x",
        "'\"' x",
        "'\\u{1f}' x",
        "/* a /* b */ c */ x",
        "// a\nx",
        "/// a\nx",
        "b\"a\" x",
        "0xff_u8 x",
    ] {
        assert_eq!(words(text), ["x"], "{text}");
    }
}

#[test]
fn lifetimes_and_raw_identifiers_are_read() {
    assert_eq!(words("&'a str"), ["a", "str"]);
    assert_eq!(words("r#type"), ["type"]);
}

#[test]
fn a_token_knows_its_line() {
    let text = "a\n\"two\nlines\" b\n// c\nd // e\n";
    let lines: Vec<_> = tokens(text).iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5]);
}

#[test]
fn items_for_tests_alone_are_left_out() {
    let text = "a; #[cfg(test)] mod tests; b; #[cfg(test)] #[path = \"c\"] fn d(e: F) { g } h";
    let kept = without_tests(&tokens(text));
    let kept = kept.iter().filter_map(|token| match token.kind {
        Kind::Word(word) => Some(word),
        _ => None,
    });
    assert_eq!(kept.collect::<Vec<_>>(), ["a", "b", "h"]);
}
