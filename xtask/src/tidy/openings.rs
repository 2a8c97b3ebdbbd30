//! The words with which the documentation of items opens.

use super::rust::{Kind, Token};

/// Words that open a question or a clause instead of saying what an item does or is.
const ODD: &[&str] = &[
    "what", "who", "whom", "whose", "where", "whether", "how", "why", "when", "which", "that",
];

/// One documented item: the line of its first word, and that word.
pub(super) struct Opening<'a> {
    pub(super) line: usize,
    pub(super) text: &'a str,
}

impl Opening<'_> {
    /// Returns true if the documentation opens with none of the words that style asks for.
    pub(super) fn is_odd(&self) -> bool {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        let word = first
            .split(|c: char| !c.is_alphabetic())
            .find(|part| !part.is_empty());
        word.is_some_and(|word| ODD.contains(&word.to_lowercase().as_str()))
    }
}

/// Returns the first line of each item's documentation.
pub(super) fn find<'a>(tokens: &[Token<'a>]) -> Vec<Opening<'a>> {
    let mut found = Vec::new();
    let mut before = None;
    for token in tokens {
        let Kind::Doc(text) = token.kind else {
            before = None;
            continue;
        };
        if before.is_none() {
            found.push(Opening {
                line: token.line,
                text: text.trim(),
            });
        }
        before = Some(token.line);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::rust::tokens;
    use super::*;

    #[test]
    fn the_first_word_of_each_item_decides() {
        let text = "/// Returns it.\n///\n/// Whether not.\nfn a() {}\n/// Whether so.\nfn b() {}\n\
                    struct C {\n/// `What` is it\nd: u8,\n/// Whatever.\ne: u8 }\n//! Who";
        let odd: Vec<_> = find(&tokens(text))
            .iter()
            .map(|o| (o.line, o.is_odd()))
            .collect();
        assert_eq!(odd, [(1, false), (5, true), (8, true), (10, false)]);
    }
}
