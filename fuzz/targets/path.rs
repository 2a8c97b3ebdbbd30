//! Request paths: what is judged has one reading, whoever reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_policy::target::canonical;

fuzz_target!(|data: &[u8]| {
    let Ok(path) = std::str::from_utf8(data) else {
        return;
    };
    if canonical(path).is_err() {
        return;
    }
    let once = decode(path.as_bytes());
    assert!(std::str::from_utf8(&once).is_ok());
    assert_eq!(decode(&once), once, "decoding twice gives something else");
    assert_eq!(
        normalize(&once),
        once,
        "normalising what was decoded moves it"
    );
    assert_eq!(normalize(path.as_bytes()), path.as_bytes());
    assert_eq!(
        once.iter().filter(|byte| **byte == b'/').count(),
        path.bytes().filter(|byte| *byte == b'/').count(),
        "decoding makes another segment"
    );
    // A reader that cuts parameters at `;`, strings at NUL, lines at their end, and one that
    // takes `\` for `/`, all see the same.
    assert!(
        !once
            .iter()
            .any(|byte| matches!(byte, b';' | b'\\' | 0..=31 | 127))
    );

    // No second spelling: written afresh from what it means, it is the same text. RFC 3986 leaves
    // two freedoms, and both are taken out on either side: the case of the hexadecimal digits
    // (6.2.2.1), and whether a delimiter such as `@`, which no rule of ours names, is encoded.
    assert_eq!(encode(&once), spelled_out(path.as_bytes()));
});

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        let triplet = path
            .get(at + 1..at + 3)
            .filter(|_| path[at] == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(triplet.unwrap_or(path[at]));
        at += if triplet.is_some() { 3 } else { 1 };
    }
    decoded
}

/// As the laxest of servers would have it: slashes merged, dot segments resolved (RFC 3986,
/// 5.2.4), either slash for a slash.
fn normalize(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut directory = false;
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        directory = segment.is_empty() || segment == b"." || segment == b"..";
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut normal = Vec::with_capacity(path.len());
    for segment in &kept {
        normal.push(b'/');
        normal.extend_from_slice(segment);
    }
    if directory {
        normal.push(b'/');
    }
    normal
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encode(decoded: &[u8]) -> String {
    let mut path = String::new();
    for &byte in decoded {
        if byte == b'/' || is_unreserved(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// The path itself, with its delimiters encoded and its hexadecimal digits in capitals.
fn spelled_out(path: &[u8]) -> String {
    let mut text = String::new();
    let mut digits = 0;
    for &byte in path {
        if digits > 0 {
            digits -= 1;
            text.push(char::from(byte.to_ascii_uppercase()));
        } else if byte == b'%' {
            digits = 2;
            text.push('%');
        } else if byte == b'/' || is_unreserved(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
