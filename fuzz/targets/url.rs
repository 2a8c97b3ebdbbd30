//! URLs that administrators and providers name, before anything is connected to: what is read has
//! one reading, and no spelling leads past the guard of addresses.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use vestibule_model::{Network, OriginError, WebOrigin};
use vestibule_outbound::{AddressKind, Url};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    network(text);
    origin(text);
    let Ok(url) = text.parse::<Url>() else {
        return;
    };
    assert_eq!(url.as_str(), text, "the text is kept as it was given");
    assert!(text.len() <= 2_048);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!text.contains('#'), "a fragment is never sent");
    assert_eq!(url.is_secure(), text.starts_with("https://"));
    assert_ne!(url.port(), 0);

    // The authority is what stands between the slashes, whoever reads it: no user, no backslash.
    let rest = text.split_once("://").expect("a scheme").1;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = &rest[..end];
    assert!(!authority.contains(['@', '\\', '%']), "{authority}");
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    assert!(url.target().starts_with('/'));

    // An address is an address in its usual form alone; what only looks like a number is nothing.
    match url.address() {
        Some(address) => {
            // IPv6 has several spellings of one address, and one of them is kept.
            assert_eq!(host.parse::<IpAddr>().ok(), Some(address));
            assert_eq!(url.host().parse::<IpAddr>().ok(), Some(address));
            let _ = AddressKind::of(address);
        }
        None => {
            assert_eq!(url.host(), host.to_ascii_lowercase());
            assert!(host.parse::<IpAddr>().is_err());
            let last = host
                .trim_end_matches('.')
                .rsplit('.')
                .next()
                .unwrap_or_default();
            let number = last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit());
            assert!(
                last.is_empty() || !number,
                "{host} is a number to other readers"
            );
        }
    }

    // What is added stands in the query, once and encoded.
    let more = url.with_query([("state", "a&b=c#d")]);
    assert!(more.starts_with(text), "{more}");
    assert!(more.ends_with("state=a%26b%3Dc%23d"), "{more}");
});

/// An origin is kept as it is or refused, and the spelling that a refusal names is accepted.
fn origin(text: &str) {
    match text.parse::<WebOrigin>() {
        Ok(origin) => assert_eq!(origin.as_str(), text),
        Err(OriginError::Spelling(right) | OriginError::Longer(right)) => {
            assert_eq!(right.as_str().parse(), Ok(right));
        }
        Err(_) => {}
    }
}

/// A network is written so that it is read again as the same, and holds its own first address.
fn network(text: &str) {
    let Ok(network) = text.parse::<Network>() else {
        return;
    };
    let written = network.to_string();
    assert_eq!(written.parse::<Network>().ok(), Some(network));
    let first = written.split('/').next().and_then(|it| it.parse().ok());
    assert!(first.is_some_and(|first| network.contains(first)));
}
