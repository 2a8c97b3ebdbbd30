//! Comments inside functions that say why.

use std::collections::BTreeSet;

use super::rust::{Kind, Token, group_end};

/// Words of fewer letters say too little to be compared.
const SHORT: usize = 3;

/// The lines inside functions, and those among them that are comments that say why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) inside: BTreeSet<usize>,
    pub(super) why: BTreeSet<usize>,
    /// Comments that say again what their next line says.
    pub(super) repeated: BTreeSet<usize>,
}

/// Finds the lines inside the functions of a file.
pub(super) fn find(tokens: &[Token<'_>], text: &str) -> Lines {
    let text: Vec<_> = text.lines().collect();
    let mut lines = Lines::default();
    for (from, to) in bodies(tokens) {
        lines.inside.extend(tokens[from].line + 1..tokens[to].line);
        let mut at = from;
        while at < to {
            let end = at
                + tokens[at..to]
                    .iter()
                    .take_while(|t| comment(t).is_some())
                    .count();
            if end > at {
                let block: Vec<_> = tokens[at..end].iter().filter_map(comment).collect();
                let next = text.get(tokens[end].line - 1).copied().unwrap_or_default();
                let numbers = tokens[at..end].iter().map(|token| token.line);
                match judge(&block.join(" "), next) {
                    Judgement::Why => lines.why.extend(numbers),
                    Judgement::Repeats => lines.repeated.extend(numbers),
                    Judgement::Nothing => {}
                }
            }
            at = end.max(at + 1);
        }
    }
    lines
}

fn comment<'a>(token: &Token<'a>) -> Option<&'a str> {
    match token.kind {
        Kind::Comment(text) => Some(text.trim()),
        _ => None,
    }
}

/// Returns the positions of the brackets round the bodies of functions; those of functions inside
/// others are among the outer ones.
fn bodies(tokens: &[Token<'_>]) -> Vec<(usize, usize)> {
    let mut bodies = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_function = tokens[at].is_word("fn")
            && matches!(tokens.get(at + 1).map(|t| t.kind), Some(Kind::Word(_)));
        at += 1;
        if !is_function {
            continue;
        }
        while let Some(token) = tokens.get(at) {
            if token.is_mark('(') || token.is_mark('[') {
                at = group_end(tokens, at);
            } else if token.is_mark('{') {
                let end = group_end(tokens, at);
                bodies.push((at, end - 1));
                at = end;
                break;
            } else if token.is_mark(';') {
                break;
            } else {
                at += 1;
            }
        }
    }
    bodies
}

enum Judgement {
    Why,
    Repeats,
    Nothing,
}

/// Judges a comment by its words and those of the line that follows it.
fn judge(comment: &str, next: &str) -> Judgement {
    let said = words(comment);
    let is_code = comment.ends_with([';', '{', '}']);
    if said.is_empty() || is_code || super::sources::is_unfinished(comment) {
        return Judgement::Nothing;
    }
    let shown = words(next);
    let again = said.iter().filter(|word| shown.contains(*word)).count();
    if again * 2 > said.len() {
        Judgement::Repeats
    } else {
        Judgement::Why
    }
}

/// Returns the words of a text in small letters; names in code are taken apart.
fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if (!c.is_alphanumeric() || c.is_uppercase()) && !word.is_empty() {
            let whole = std::mem::take(&mut word);
            if whole.chars().count() >= SHORT {
                words.insert(whole);
            }
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::rust::tokens;
    use super::*;

    fn counted(text: &str) -> (usize, usize, usize) {
        let lines = find(&tokens(text), text);
        (lines.inside.len(), lines.why.len(), lines.repeated.len())
    }

    #[test]
    fn comments_count_inside_functions_alone() {
        let text = "// outside\nstruct A {\n// a field\nb: u8,\n}\n\
                    fn c(d: [u8; 2]) -> E where F: G {\n\
                    // The clock may have gone back.\nd(); // behind code\n\n}\n\
                    trait H { fn i(&self); }\n// outside again\n";
        assert_eq!(counted(text), (3, 1, 0));
    }

    #[test]
    fn a_comment_that_repeats_its_next_line_does_not_count() {
        let text = "fn a() {\n// Remove the expired keys.\nself.remove_expired_keys();\n}";
        assert_eq!(counted(text), (2, 0, 1));
        let text =
            "fn a() {\n// Their owners were told an hour ago.\nself.remove_expired_keys();\n}";
        assert_eq!(counted(text), (2, 1, 0));
    }

    #[test]
    fn rulers_notes_and_code_that_is_switched_off_say_no_reason() {
        for comment in [
            "// -----",
            concat!("// TO", "DO(@ada): later"),
            "// let a = b;",
        ] {
            assert_eq!(
                counted(&format!("fn a() {{\n{comment}\nb();\n}}")),
                (2, 0, 0),
                "{comment}"
            );
        }
    }

    #[test]
    fn each_line_of_a_comment_and_each_function_inside_another_counts_once() {
        let text =
            "fn a() {\n// The first lock is the one\n// that commits take.\nfn b() {\nc();\n}\n}";
        assert_eq!(counted(text), (5, 2, 0));
    }
}
