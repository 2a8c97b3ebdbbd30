//! Text of strangers, on its way into a log or onto a terminal.
//!
//! A terminal obeys control characters, U+0080 to U+009F included; some viewers break lines at
//! U+0085, U+2028 and U+2029; and characters that turn the direction of writing make a line read
//! otherwise than it is. None of these leaves this program as it came in.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;

use vestibule_model::name::is_display_control;

/// Displays a path with everything percent-encoded that is not visible ASCII, and quotation marks
/// and backslashes, which mean something to readers of logs. What is encoded already stays so.
#[derive(Debug, Clone, Copy)]
pub struct PercentEncoded<'a>(pub(crate) &'a str);

impl fmt::Display for PercentEncoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\\');
        let mut rest = self.0;
        // Cut behind ASCII alone, so that no character is torn.
        while let Some(at) = rest.bytes().position(odd) {
            let (plain, after) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = after.chars();
            let mut bytes = [0; 4];
            if let Some(character) = characters.next() {
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    write!(f, "%{byte:02X}")?;
                }
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// Escapes all characters that are commands to somebody, but for ends of lines, as `\u202e`. In
/// JSON such a character stands within a string, where the escape means the same.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_but(text, |character| character == '\n')
}

/// Escapes all of them.
pub fn escape_all(text: &str) -> Cow<'_, str> {
    escape_but(text, |_| false)
}

fn escape_but(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let goes = |character: char| is_display_control(character) && !stays(character);
    if !text.contains(goes) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if goes(character) {
            push_escape(&mut escaped, character);
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn push_escape(text: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // A string takes whatever is written.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

/// A log whose lines hold no commands. Each write is one line with its end, as the subscriber
/// makes them.
#[derive(Debug)]
pub struct PlainLines<W> {
    inner: W,
    /// True if the subscriber colours its lines.
    color: bool,
}

impl<W> PlainLines<W> {
    /// Wraps `inner`. With `color`, the sequences that choose a colour pass.
    pub const fn new(inner: W, color: bool) -> Self {
        Self { inner, color }
    }
}

impl<W: io::Write> io::Write for PlainLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (&*text, ""),
        };
        let plain = if self.color {
            Cow::Owned(escape_around_colors(text))
        } else {
            escape_all(text)
        };
        // In one piece: others write to the same place.
        self.inner
            .write_all((plain.into_owned() + end).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Escapes all but the sequences that choose a colour, such as `ESC [2m`. The subscriber makes
/// them, and escapes the character that begins one in what it is given.
fn escape_around_colors(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        let (before, sequence) = rest.split_at(at);
        plain.push_str(&escape_all(before));
        let length = color_length(sequence);
        let (color, after) = sequence.split_at(length.unwrap_or(1));
        match length {
            Some(_) => plain.push_str(color),
            None => plain.push_str(&escape_all(color)),
        }
        rest = after;
    }
    plain.push_str(&escape_all(rest));
    plain
}

fn color_length(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers.get(end..)?.starts_with('m').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/v1/users/me", "/v1/users/me")]
    #[case("/a%2fb/%C3%A9", "/a%2fb/%C3%A9")]
    #[case("/a b\"c\\d", "/a%20b%22c%5Cd")]
    #[case("/\u{9b}31m", "/%C2%9B31m")]
    #[case("/\u{202e}gpj", "/%E2%80%AEgpj")]
    #[case("/\u{2028}\u{85}\u{7f}\u{1b}\n", "/%E2%80%A8%C2%85%7F%1B%0A")]
    #[case("/\u{e9}\u{1f980}", "/%C3%A9%F0%9F%A6%80")]
    #[case("", "")]
    fn a_path_is_visible_ascii_in_the_log(#[case] path: &str, #[case] logged: &str) {
        assert_eq!(PercentEncoded(path).to_string(), logged);
    }

    #[rstest]
    #[case(
        "Ada, 日本, e\u{301}, 👩\u{200d}🔬",
        "Ada, 日本, e\u{301}, 👩\u{200d}🔬"
    )]
    #[case("a\nb", "a\nb")]
    #[case("a\tb\r", "a\\u0009b\\u000d")]
    #[case("\u{1b}[31m\u{9b}31m", "\\u001b[31m\\u009b31m")]
    #[case("\u{85}\u{2028}\u{2029}", "\\u0085\\u2028\\u2029")]
    #[case("\u{202e}\u{2066}\u{200f}\u{61c}", "\\u202e\\u2066\\u200f\\u061c")]
    #[case("\u{feff}\u{e0041}", "\\ufeff\\udb40\\udc41")]
    fn what_a_terminal_would_obey_is_shown(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(escape(text), shown);
    }

    #[test]
    fn json_means_the_same_when_it_is_escaped() {
        let name = "a\u{7f}\u{9b}\u{202e}\u{e0041}";
        let json = serde_json::json!({ "name": name }).to_string();
        let read: serde_json::Value = serde_json::from_str(&escape(&json)).unwrap();
        assert_eq!(read["name"], name);
        assert!(escape(&json).is_ascii());
    }

    fn logged(line: &str, color: bool) -> String {
        let mut log = Vec::new();
        let mut lines = PlainLines::new(&mut log, color);
        lines.write_all(line.as_bytes()).unwrap();
        String::from_utf8(log).unwrap()
    }

    #[test]
    fn a_line_of_the_log_stays_one() {
        let line = "INFO a\nINFO forged\u{85}\u{2028}\r\u{1b}[2J\n";
        let plain = "INFO a\\u000aINFO forged\\u0085\\u2028\\u000d\\u001b[2J\n";
        assert_eq!(logged(line, false), plain);
        assert_eq!(logged(line, true), plain);
        assert_eq!(logged("INFO a\n", false), "INFO a\n");
    }

    #[test]
    fn colors_stay_where_there_are_some() {
        let line = "\u{1b}[2m2026\u{1b}[0m \u{1b}[1;32mINFO\u{1b}[0m \u{1b}]0;x\u{7}\u{1b}[";
        let plain = "\u{1b}[2m2026\u{1b}[0m \u{1b}[1;32mINFO\u{1b}[0m \\u001b]0;x\\u0007\\u001b[";
        assert_eq!(logged(line, true), plain);
    }
}
