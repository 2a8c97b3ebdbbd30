//! Hosts of URLs as browsers read and write them (WHATWG URL, 3.5 and 3.6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns the spelling that browsers write, or `None` where a browser would find no host, or one
/// outside of plain DNS names and addresses.
pub(super) fn canonical(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => text,
    };
    if let Ok(address) = inner.parse::<Ipv6Addr>() {
        return Some(of_address(address.into()));
    }
    if inner.len() < text.len() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    if ends_in_number(name) {
        return read_v4(name).map(|address| address.to_string());
    }
    is_name(name).then(|| name.to_owned())
}

/// Writes an address as the host of a URL.
pub(super) fn of_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        // Browsers do not write the last four bytes of a mapped address as IPv4, the library does.
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(_) => {
                let [.., high, low] = v6.segments();
                format!("[::ffff:{high:x}:{low:x}]")
            }
            None => format!("[{v6}]"),
        },
    }
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// Returns true if a browser takes the host for an IPv4 address, as it does `2130706433`, `127.1`
/// and `0x7f.1`.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let decimal = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    decimal || last.starts_with("0x")
}

/// Reads an IPv4 address of one to four numbers, each decimal, octal (`0…`) or hexadecimal
/// (`0x…`); the last one fills the bytes that remain.
fn read_v4(host: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = host.split('.').map(read_number).collect::<Option<_>>()?;
    let (last, leading) = numbers.split_last()?;
    let remaining = 4_u32.checked_sub(u32::try_from(leading.len()).ok()?)?;
    let fits = u64::from(*last) < 1 << (8 * remaining);
    if remaining == 0 || !fits || leading.iter().any(|number| *number > 255) {
        return None;
    }
    let mut bits = *last;
    for (index, number) in (0_u32..).zip(leading) {
        bits |= number << (8 * (3 - index));
    }
    Some(Ipv4Addr::from_bits(bits))
}

fn read_number(text: &str) -> Option<u32> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        // `0x` alone is zero.
        (Some(""), _) => ("0", 16),
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}
