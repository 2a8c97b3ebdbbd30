//! What people write into a node: its name and its text.

use vestibule_layer::model::Invalid;
use vestibule_layer::model::name::{breaks_lines, is_visible};

const MAX_NAME_CHARS: usize = 255;

/// The largest text of a document, in bytes.
pub(crate) const MAX_CONTENT_BYTES: usize = 64 * 1024;

/// Refuses a text that cannot be one segment of a path, which has 1 to 255 characters, one of which
/// can be seen; no slash, backslash, control character or separator of lines, and is not one of the
/// two that mean "here" and "above".
pub(crate) fn check(name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        return Err(Invalid::new("empty_name", "must not be empty"));
    }
    if !name.chars().any(|c| is_visible(c) || breaks_lines(c)) {
        return Err(Invalid::new(
            "empty_name",
            "must have a character that can be seen",
        ));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Invalid::new(
            "name_too_long",
            "must have at most 255 characters",
        ));
    }
    if name == "." || name == ".." {
        return Err(Invalid::new("reserved_name", "must not be '.' or '..'"));
    }
    if name.contains(['/', '\\']) {
        return Err(Invalid::new(
            "slash_in_name",
            "must not contain a slash or a backslash",
        ));
    }
    if name.chars().any(breaks_lines) {
        return Err(Invalid::new(
            "control_character",
            "must not contain line breaks or other control characters",
        ));
    }
    Ok(())
}

/// Refuses a text that cannot be the content of a document, which has at most 64 KiB, and not the
/// character U+0000, which PostgreSQL cannot hold.
pub(crate) fn check_content(content: &str) -> Result<(), Invalid> {
    if content.len() > MAX_CONTENT_BYTES {
        return Err(Invalid::new(
            "content_too_large",
            "must have at most 65536 bytes",
        ));
    }
    check_text(content)
}

/// Refuses a text that the store cannot hold.
pub(crate) fn check_text(text: &str) -> Result<(), Invalid> {
    if text.contains('\0') {
        return Err(Invalid::new(
            "control_character",
            "must not contain the character U+0000",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        for good in ["a", "Q1 2027", "ä%_'\"", "...", &"x".repeat(255)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, reason) in [
            ("", "empty_name"),
            (".", "reserved_name"),
            ("..", "reserved_name"),
            ("a/b", "slash_in_name"),
            ("a\\b", "slash_in_name"),
            ("a\nb", "control_character"),
            ("a\0b", "control_character"),
            ("a\u{2028}b", "control_character"),
            ("\u{2029}", "control_character"),
            ("   ", "empty_name"),
            ("\u{200b}", "empty_name"),
            ("\u{202e} \u{3164}", "empty_name"),
            (&"ä".repeat(256), "name_too_long"),
        ] {
            assert_eq!(check(bad).unwrap_err().reason, reason, "{bad:?}");
        }
    }

    #[test]
    fn a_content_is_bounded_in_bytes() {
        assert_eq!(check_content(&"a".repeat(MAX_CONTENT_BYTES)), Ok(()));
        let too_large = "ä".repeat(MAX_CONTENT_BYTES / 2 + 1);
        assert_eq!(
            check_content(&too_large).unwrap_err().reason,
            "content_too_large"
        );
        assert_eq!(
            check_content("a\0").unwrap_err().reason,
            "control_character"
        );
    }
}
