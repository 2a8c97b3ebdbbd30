//! Entries of the headers in which proxies name their client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads the address of a node, with or without a port: `198.51.100.7`, `198.51.100.7:51000`,
/// `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443`, `fe80::1%eth0` (RFC 7239, 6).
///
/// `unknown` and names that only mean something to the proxy (`_hidden`) are no addresses.
pub(super) fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, tail) = rest.split_once(']')?;
        let sound = tail.is_empty() || tail.strip_prefix(':').is_some_and(is_port);
        return v6(inner).filter(|_| sound).map(IpAddr::V6);
    }
    if let Some(address) = v6(text) {
        return Some(IpAddr::V6(address));
    }
    let (host, sound) = match text.split_once(':') {
        Some((host, port)) => (host, is_port(port)),
        None => (text, true),
    };
    let address: Ipv4Addr = host.parse().ok()?;
    sound.then_some(IpAddr::V4(address))
}

/// Reads an IPv6 address. Its zone (RFC 4007, 11) means something to the proxy alone.
fn v6(text: &str) -> Option<Ipv6Addr> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let is_zone = |zone: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
        !zone.is_empty() && zone.bytes().all(allowed)
    };
    let sound = zone.is_none_or(is_zone);
    address.parse().ok().filter(|_| sound)
}

/// Returns true for a port, or for the name that a proxy gives one instead (RFC 7239, 6).
fn is_port(text: &str) -> bool {
    let named = |name: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        !name.is_empty() && name.bytes().all(allowed)
    };
    match text.strip_prefix('_') {
        Some(name) => named(name),
        None => text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

/// Takes away one pair of quotation marks, which some proxies write round an address.
pub(super) fn unquoted(text: &[u8]) -> Option<&[u8]> {
    match text.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\""),
        None => Some(text),
    }
}

/// Finds the last comma that stands outside of quoted strings.
///
/// It is looked for from the right, because the proxy's own element is well formed and what stands
/// before it need not be: read from the left, a quotation mark that a client leaves open would
/// swallow the comma, and the proxy's element with it.
pub(super) fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(at),
            b'"' => {
                let before = line.get(..at).unwrap_or_default();
                let escapes = before.iter().rev().take_while(|it| **it == b'\\').count();
                // Inside, an escaped mark is content; outside there are no escapes.
                quoted = !quoted || escapes % 2 == 1;
            }
            _ => {}
        }
    }
    None
}

/// Returns the value of the parameter `for` of an element of `Forwarded` (RFC 7239, 4): pairs of
/// name and value, separated by semicolons. `None` where the element is malformed, or has no such
/// parameter, or two.
pub(super) fn for_parameter(element: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    let mut rest = element;
    while !rest.is_empty() {
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (name, after) = rest.split_at_checked(equals)?;
        let name = name.trim_ascii();
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return None;
        }
        let (value, after) = value(after.strip_prefix(b"=")?)?;
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
        let after = after.trim_ascii_start();
        rest = match after.strip_prefix(b";") {
            Some(more) => more.trim_ascii_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    found
}

/// Reads a value, quoted or not, and returns what follows it. Proxies leave out the quotation
/// marks where they would be needed, as in `for=198.51.100.7:51000`.
fn value(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';');
        let (value, after) = text.split_at_checked(end.unwrap_or(text.len()))?;
        let value = value.trim_ascii_end();
        let sound = !value.is_empty() && value.iter().all(|b| b.is_ascii_graphic() && *b != b'"');
        return sound.then(|| (value.to_vec(), after));
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((value, bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

/// A character of a token (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
