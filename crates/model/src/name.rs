//! Names that people give to things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// The name of a key, an organisation or a group: 1 to 100 characters, no control characters or
/// line separators, no space at either end, and at least one visible character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// A name that was given already: by the rules of that time, which let names pass that break a
    /// line or cannot be seen. Whoever has one keeps it.
    ///
    /// # Errors
    /// What was never a name.
    pub fn given(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new("empty_name", "must not be empty"));
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Invalid::new(
                "name_too_long",
                "must have at most 100 characters",
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(control_character());
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = Self::given(text)?;
        if name.0.chars().any(breaks_lines) {
            return Err(control_character());
        }
        if !name.0.chars().any(is_visible) {
            return Err(Invalid::new(
                "empty_name",
                "must have a character that can be seen",
            ));
        }
        Ok(name)
    }
}

fn control_character() -> Invalid {
    Invalid::new(
        "control_character",
        "must not contain line breaks or other control characters",
    )
}

/// Returns whether a character ends a line or controls a terminal. U+2028 and U+2029 end lines, but
/// are not control characters to Unicode.
pub fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns true for a character on which a terminal, a browser or a log viewer acts instead of
/// showing it: a command, a line end, a change of writing direction, or one that is invisible. The
/// joiners that names are written with (U+200C, U+200D) are not among them.
pub fn is_display_control(c: char) -> bool {
    breaks_lines(c)
        || matches!(c,
            '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Returns whether a character is visible: neither white space nor one of those that only change
/// the shape or the direction of the text around them.
pub fn is_visible(c: char) -> bool {
    !(c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}'))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_control_is_acted_on_and_not_shown() {
        let controls = "\n\u{7f}\u{85}\u{9b}\u{200f}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}";
        assert!(controls.chars().all(is_display_control));
        assert!(
            !"Ada Ö 日本 e\u{301} \u{200d}👩"
                .chars()
                .any(is_display_control)
        );
    }

    #[test]
    fn a_name_can_be_seen_and_stays_on_its_line() {
        for good in ["Acme", "  Ada ", "Ö", "日本", "a\u{200d}b", "👩\u{200d}🔬"] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good.trim());
        }
        for (bad, reason) in [
            ("", "empty_name"),
            (" \u{3000}", "empty_name"),
            ("\u{200b}", "empty_name"),
            ("\u{202e}", "empty_name"),
            ("\u{feff}\u{2060}", "empty_name"),
            ("a\u{2028}b", "control_character"),
            ("a\u{2029}b", "control_character"),
            ("a\u{85}b", "control_character"),
        ] {
            let error = bad.parse::<Name>().unwrap_err();
            assert_eq!(error.reason, reason, "{bad:?}");
        }
        // What has such a name already is not lost for it.
        for old in ["\u{200b}", "a\u{2028}b"] {
            assert_eq!(Name::given(old).unwrap().as_str(), old);
        }
        assert!(Name::given(" \u{85}").is_err());
    }
}
