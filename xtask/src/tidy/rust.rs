//! A small lexer for Rust: enough to count what is written, without compiling it.

use std::iter::Peekable;
use std::str::CharIndices;

/// One token with the line on which it starts, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) line: usize,
    pub(super) kind: Kind<'a>,
}

/// The kinds of tokens that the counts tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// An identifier or a keyword, without a leading `r#`.
    Word(&'a str),
    /// `::`.
    Path,
    /// Any other character that means something.
    Mark(char),
    /// A string, character or number.
    Literal,
    /// The text after `///`.
    Doc(&'a str),
    /// The text after `//`, of a comment that has its line to itself.
    Comment(&'a str),
}

impl Token<'_> {
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word(word)
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::Doc(_) | Kind::Comment(_))
    }
}

/// Returns the tokens of a file in their order. Inner documentation, block comments and comments
/// behind code are left out.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        text,
        rest: text.char_indices().peekable(),
        line: 1,
        on_line: false,
        found: Vec::new(),
    };
    while lexer.step() {}
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: usize,
    /// True if the current line has a token already.
    on_line: bool,
    found: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) -> bool {
        let Some(&(at, first)) = self.rest.peek() else {
            return false;
        };
        let ahead = &self.text[at..];
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if ahead.starts_with("//") {
            self.comment(ahead);
        } else if ahead.starts_with("/*") {
            self.skip(block_comment(ahead));
        } else if let Some(length) = literal(ahead) {
            self.push(Kind::Literal, length);
        } else if ahead.starts_with("::") {
            self.push(Kind::Path, 2);
        } else if first.is_alphabetic() || first == '_' {
            let raw = if ahead.starts_with("r#") { 2 } else { 0 };
            let length = word(&ahead[raw..]);
            self.push(Kind::Word(&ahead[raw..raw + length]), raw + length);
        } else {
            self.push(Kind::Mark(first), first.len_utf8());
        }
        true
    }

    fn comment(&mut self, ahead: &'a str) {
        let text = ahead.lines().next().unwrap_or_default();
        let outer = text
            .strip_prefix("///")
            .filter(|rest| !rest.starts_with('/'));
        if let Some(doc) = outer {
            self.push(Kind::Doc(doc), text.len());
        } else if text.starts_with("//!") || text.starts_with("////") || self.on_line {
            self.skip(text.len());
        } else {
            self.push(Kind::Comment(&text[2..]), text.len());
        }
    }

    fn push(&mut self, kind: Kind<'a>, length: usize) {
        let line = self.line;
        self.on_line = true;
        self.found.push(Token { line, kind });
        self.skip(length);
    }

    fn skip(&mut self, bytes: usize) {
        let end = self.rest.peek().map_or(0, |(at, _)| at + bytes);
        while let Some((_, c)) = self.rest.next_if(|(at, _)| *at < end) {
            if c == '\n' {
                self.line += 1;
                self.on_line = false;
            }
        }
    }
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// Returns the length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        let ahead = &text.as_bytes()[at..];
        if ahead.starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if ahead.starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of the literal that the text starts with.
fn literal(text: &str) -> Option<usize> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(word(text));
    }
    let prefix = ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(['"', '#', '\'']))
    });
    let prefix = prefix.unwrap_or_default();
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        return raw(rest).map(|length| prefix.len() + length);
    }
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    // `'a` is a lifetime unless another quote closes it behind one character or an escape.
    let mut inside = rest.chars().skip(1);
    if quote == '\'' && inside.next() != Some('\\') && inside.next() != Some('\'') {
        return None;
    }
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map(|(at, _)| prefix.len() + at + 1)
}

/// Returns the length of a raw string behind its `r`, or nothing for a raw identifier.
fn raw(text: &str) -> Option<usize> {
    let hashes = text.find(|c| c != '#')?;
    let inside = text[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &text[..hashes]);
    let at = inside.find(&end)?;
    Some(hashes + 1 + at + end.len())
}

/// Returns the tokens without the items that are compiled for tests alone.
pub(super) fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if is_for_tests(&tokens[at..]) {
            at = item_end(tokens, at);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// Returns true if the tokens start with `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn is_for_tests(tokens: &[Token<'_>]) -> bool {
    let starts = |words: &[&str]| {
        tokens.len() >= words.len()
            && words
                .iter()
                .zip(tokens)
                .all(|(word, token)| match token.kind {
                    Kind::Word(found) => found == *word,
                    Kind::Mark(mark) => word.len() == 1 && word.starts_with(mark),
                    _ => false,
                })
    };
    starts(&["#", "[", "cfg", "(", "test", ")"])
        || starts(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// Returns the position behind the item whose first attribute is at `start`.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is_mark('#') || token.is_mark('(') || token.is_mark('[') {
            at = group_end(tokens, at + usize::from(token.is_mark('#')));
        } else if token.is_mark('{') {
            return group_end(tokens, at);
        } else if token.is_mark(';') || token.is_mark(',') {
            return at + 1;
        } else if token.is_mark('}') {
            return at; // a field or an expression without a comma
        } else {
            at += 1;
        }
    }
    at
}

/// Returns the position behind the bracket that closes the one at `start`.
pub(super) fn group_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Returns the tokens that are code.
pub(super) fn code<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let code = tokens.iter().filter(|token| !token.is_comment());
    code.copied().collect()
}

#[cfg(test)]
mod tests;
