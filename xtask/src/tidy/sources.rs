//! Unfinished work and files that have grown too long.

use std::path::Path;

use super::{Tree, has_extension};

/// Words for work that is not done. Written in two halves, so that this file is in order.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("unim", "plemented!("),
    concat!("#[ig", "nore"),
];

/// Notes to oneself. Allowed where somebody has put a name to it: `(@name)` right behind.
const NOTES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
];

/// From this many lines without tests a file is listed.
const LONG: usize = 300;
/// From this many it is refused.
const TOO_LONG: usize = 450;

/// Every unfinished piece of work, as `file:line: what`.
pub(super) fn leftovers(files: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in &files.0 {
        for (index, line) in text.lines().enumerate() {
            let code = UNFINISHED.iter().find(|word| line.contains(**word));
            let code = code.filter(|_| has_extension(path, &["rs"]));
            let note = NOTES.iter().find(|word| is_note(line, word));
            if let Some(word) = code.or(note) {
                problems.push(format!(
                    "{}:{}: {word} is left over",
                    path.display(),
                    index + 1
                ));
            }
        }
    }
    problems
}

/// Returns true if a comment is a note to oneself, whoever has signed it.
pub(super) fn is_unfinished(comment: &str) -> bool {
    NOTES.iter().any(|word| comment.starts_with(word))
}

/// Returns true if the line has the word, as a word of its own and nobody's.
fn is_note(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        let joined = |c: char| c.is_alphanumeric() || c == '_';
        !before.is_some_and(joined) && !after.starts_with(joined) && !after.starts_with("(@")
    })
}

/// Files with too many lines beside their tests.
#[derive(Default)]
pub(super) struct Lengths {
    /// Worth a look.
    pub(super) long: Vec<String>,
    /// To be divided now.
    pub(super) too_long: Vec<String>,
}

/// Measures the Rust files that are not tests.
pub(super) fn lengths(files: &Tree) -> Lengths {
    let mut lengths = Lengths::default();
    for (path, text) in files.0.iter().filter(|(path, _)| is_measured(path)) {
        let lines = lines_without_tests(text);
        if lines > TOO_LONG {
            lengths.too_long.push(format!(
                "{}: {lines} lines without tests; {TOO_LONG} is the end, divide it",
                path.display()
            ));
        } else if lines > LONG {
            lengths
                .long
                .push(format!("{}: {lines} lines without tests", path.display()));
        }
    }
    lengths
}

fn is_measured(path: &Path) -> bool {
    let is_test = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs" || part == "e2e";
    has_extension(path, &["rs"]) && !path.iter().any(is_test)
}

fn lines_without_tests(text: &str) -> usize {
    let mut before = "";
    text.lines()
        .take_while(|line| {
            let tests = before == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{');
            before = line;
            !tests
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_code_and_tests_that_are_switched_off_are_found_with_their_line() {
        for word in UNFINISHED {
            let text = format!("fn a() {{\n    {word}\n}}");
            let found = leftovers(&Tree::of(&[("crates/model/src/a.rs", &text)]));
            assert_eq!(
                found,
                [format!("crates/model/src/a.rs:2: {word} is left over")]
            );
        }
    }

    #[test]
    fn notes_to_oneself_are_found_unless_they_carry_a_name() {
        for word in NOTES {
            let note = format!("// {word}: later");
            assert_eq!(
                leftovers(&Tree::of(&[("docs/a.md", &note)])).len(),
                1,
                "{note}"
            );
            for fine in [
                format!("// {word}(@ada): later"),
                format!("const A{word}S: u8 = 0;"),
            ] {
                assert!(
                    leftovers(&Tree::of(&[("a.rs", &fine)])).is_empty(),
                    "{fine}"
                );
            }
        }
    }

    #[test]
    fn a_long_file_is_listed_and_a_longer_one_refused() {
        let lengths_of = |lines: usize| lengths(&Tree::of(&[("a.rs", &"//\n".repeat(lines))]));
        assert!(lengths_of(LONG).long.is_empty());
        assert_eq!(lengths_of(LONG + 1).long.len(), 1);
        assert!(lengths_of(TOO_LONG).too_long.is_empty());
        assert_eq!(lengths_of(TOO_LONG + 1).too_long.len(), 1);
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let tests = "//\n".repeat(TOO_LONG + 1);
        let inside = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{tests}}}\n");
        let files = Tree::of(&[
            ("a.rs", &inside),
            ("a/tests.rs", &tests),
            ("e2e/tests/b.rs", &tests),
        ]);
        let found = lengths(&files);
        assert!(found.long.is_empty() && found.too_long.is_empty());
    }

    #[test]
    fn what_follows_the_name_of_a_test_module_is_counted() {
        let code = "//\n".repeat(TOO_LONG + 1);
        let declared = format!("#[cfg(test)]\nmod tests;\n{code}");
        assert_eq!(lengths(&Tree::of(&[("a.rs", &declared)])).too_long.len(), 1);
    }
}
