//! The canonical spelling of request paths.

use thiserror::Error;

/// The reason for which a request path is refused before anything is asked about it: a 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotCanonical {
    /// It does not begin with a slash.
    #[error("the path must begin with a slash")]
    NotAbsolute,
    /// Two slashes meet.
    #[error("the path must not have an empty segment")]
    EmptySegment,
    /// A segment is `.` or `..`.
    #[error("the path must not have a segment '.' or '..'")]
    DotSegment,
    /// A character that may not stand in a path, or that servers read differently.
    #[error("the path must not contain ';', '\\', control, non-ASCII or other unsafe characters")]
    Character,
    /// `%` not before two hexadecimal digits.
    #[error("the path must have two hexadecimal digits after each '%'")]
    Triplet,
    /// An encoded character that some servers decode and others do not, or that needs no encoding.
    #[error("the path must not encode '/', '\\', '.', '%', ';', control or unreserved characters")]
    Encoded,
    /// Encoded bytes that are not UTF-8.
    #[error("the path must encode UTF-8")]
    NotUtf8,
}

/// The longest path with its query that a browser is sent to, in bytes.
pub const MAX_OWN_PAGE_BYTES: usize = 1_024;

/// Returns true if a text is a page of this server that a browser cannot take for anything else: one slash,
/// a [`canonical`] path, and a query of printable ASCII.
pub fn is_own_page(text: &str) -> bool {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let printable = |c: u8| c.is_ascii_graphic() && !matches!(c, b'\\' | b'#' | b'"' | b'<' | b'>');
    text.len() <= MAX_OWN_PAGE_BYTES && canonical(path).is_ok() && query.bytes().all(printable)
}

/// Refuses a raw request path, without its query, unless it is the one spelling that all servers
/// read alike.
///
/// The proxy before us and the service behind us may each decode, fold and cut a path in their own
/// way. What has one reading only is judged; anything else is refused: an encoded `/`, `\`, `.`,
/// `%` or `;` or control character, any encoding of a character that needs none (RFC 3986, 2.3),
/// encoded bytes that are not UTF-8, `;`, `\`, `//`, dot segments, and whatever RFC 3986, 3.3 does
/// not allow in a path. Allocates nothing.
pub fn canonical(path: &str) -> Result<(), NotCanonical> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(NotCanonical::NotAbsolute);
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'/' => {
                segment_start(bytes.get(at + 1..).unwrap_or_default())?;
                1
            }
            b'%' => triplets(bytes.get(at..).unwrap_or_default())?,
            // The table has all 256 bytes, so that the bound is not checked at run time.
            _ if PLAIN.get(usize::from(byte)) == Some(&true) => 1,
            _ => return Err(NotCanonical::Character),
        };
    }
    Ok(())
}

/// Refuses what follows a slash and is an empty or a dot segment; the end of the path is neither.
fn segment_start(rest: &[u8]) -> Result<(), NotCanonical> {
    match rest {
        [b'/', ..] => Err(NotCanonical::EmptySegment),
        [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..] => {
            Err(NotCanonical::DotSegment)
        }
        _ => Ok(()),
    }
}

/// RFC 3986's `unreserved`.
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The bytes that may appear unencoded in a segment: RFC 3986's `pchar` but for `%` and `;`. A table,
/// because it is asked about every byte of every path.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        plain[byte as usize] = is_unreserved(byte)
            || matches!(
                byte,
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
            );
        byte += 1;
    }
    plain
};

/// Reads one encoded character, which may take several triplets, and gives its length in bytes of
/// the path.
fn triplets(rest: &[u8]) -> Result<usize, NotCanonical> {
    let mut character = [decoded(rest)?, 0, 0, 0];
    let length = match character[0] {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(NotCanonical::NotUtf8),
    };
    for (index, slot) in character.iter_mut().enumerate().take(length).skip(1) {
        *slot = decoded(rest.get(index * 3..).unwrap_or_default())
            .map_err(|_| NotCanonical::NotUtf8)?;
    }
    let text = character.get(..length).unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| NotCanonical::NotUtf8)?;
    let refused = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '%' | ';')
            || u8::try_from(c).is_ok_and(is_unreserved)
    };
    if text.chars().any(refused) {
        return Err(NotCanonical::Encoded);
    }
    Ok(length * 3)
}

/// The byte that the triplet at the start of `rest` stands for.
fn decoded(rest: &[u8]) -> Result<u8, NotCanonical> {
    rest.strip_prefix(b"%")
        .ok_or(NotCanonical::Triplet)
        .and_then(decoded_digits)
}

/// The byte that the two hexadecimal digits at the start of `rest` stand for.
pub(crate) fn decoded_digits(rest: &[u8]) -> Result<u8, NotCanonical> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    match rest {
        [high, low, ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => Ok(high << 4 | low),
            _ => Err(NotCanonical::Triplet),
        },
        _ => Err(NotCanonical::Triplet),
    }
}

#[cfg(test)]
mod tests;
