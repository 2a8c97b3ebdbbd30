//! Words as a shell reads them, for commands to paste.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// A word as a shell takes it. What cannot be printed is spelt out as bash and zsh read it.
pub(super) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let mut quoted = "$'".to_owned();
            for byte in word.as_bytes() {
                match byte {
                    b'\'' | b'\\' => quoted.extend(['\\', char::from(*byte)]),
                    b' '..=b'~' => quoted.push(char::from(*byte)),
                    _ => {
                        let _ = write!(quoted, "\\{byte:03o}");
                    }
                }
            }
            quoted + "'"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"/srv/vestibule-data")]
    #[case(b"/srv/it's \"mine\" & $HOME")]
    #[case(b"/srv/a\nb\\c'd")]
    #[case(b"/srv/caf\xe9")]
    #[case(b"")]
    fn a_quoted_word_is_the_same_word_to_a_shell(#[case] word: &[u8]) {
        let script = format!("printf %s {}", quoted(OsStr::from_bytes(word)));
        let printed = Command::new("bash").args(["-c", &script]).output();
        assert_eq!(printed.unwrap().stdout, word, "{script}");
    }
}
