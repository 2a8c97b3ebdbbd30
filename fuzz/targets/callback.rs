//! What a browser brings back from a provider: the query of the callback.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule_sso::callback::{Callback, MAX_BYTES};

fuzz_target!(|data: &[u8]| {
    let Ok(query) = std::str::from_utf8(data) else {
        return;
    };
    let read = Callback::read(query);
    let states: Vec<_> = query.split('&').filter_map(state).collect();
    match &read {
        Ok(callback) => {
            assert!(query.len() <= MAX_BYTES);
            assert!(states.len() <= 1, "one of several states was believed");
            assert_eq!(callback.state(), states.first().map(String::as_str));
        }
        Err(refusal) => {
            // A refusal is fit to be shown: no line of the log is begun by it.
            let told = refusal.to_string();
            assert!(!told.contains(['\r', '\n', '\0']), "{told:?}");
            assert!(!refusal.reason().is_empty());
        }
    }
    // What is ignored changes nothing.
    let more = format!("{query}&unknown=1");
    if more.len() <= MAX_BYTES {
        let again = Callback::read(&more);
        assert_eq!(again.is_ok(), read.is_ok());
        if let (Ok(one), Ok(other)) = (&read, &again) {
            assert_eq!(one.state(), other.state());
        }
    }
});

/// The state of a pair, decoded by a second reader.
fn state(pair: &str) -> Option<String> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decode(name) == b"state").then(|| String::from_utf8_lossy(&decode(value)).into_owned())
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3);
        let digits = digits.filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|it| std::str::from_utf8(it).ok());
        match (byte, digits.and_then(|it| u8::from_str_radix(it, 16).ok())) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (other, _) => decoded.push(*other),
        }
        at += 1;
    }
    decoded
}
