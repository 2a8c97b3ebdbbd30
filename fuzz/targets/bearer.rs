//! Bearer values as they come in: the frame of opaque secrets, and the shape of a token.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vestibule_credential::token::looks_like_token;
use vestibule_credential::{PlainSecret, Prefix, SecretKind, frame};
use vestibule_model::{Digest, Entropy};

static PREFIX: LazyLock<Prefix> = LazyLock::new(Prefix::default);

/// Random bytes that the input decides.
struct Chosen(Digest);

impl Entropy for Chosen {
    fn fill(&self, bytes: &mut [u8]) {
        let mut block = self.0;
        for chunk in bytes.chunks_mut(32) {
            block = Digest::of(block.as_bytes());
            chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let token = looks_like_token(text);
        if let Ok((kind, digest)) = frame::read(&PREFIX, text) {
            assert!(!token, "one text, two kinds of credential");
            assert_eq!(digest, Digest::of(text.as_bytes()));
            assert!(text.starts_with(&format!("{}_{}_", *PREFIX, kind.tag())));
            assert_eq!(text.len(), 46);
        }
    }

    // Behind the checksum: a secret of ours, with one byte set to another.
    if let [kind, at, to, rest @ ..] = data {
        let kind = SecretKind::ALL[usize::from(*kind) % SecretKind::ALL.len()];
        let secret = frame::mint(&PREFIX, kind, &Chosen(Digest::of(rest)));
        assert_eq!(read(secret.expose()), Some((kind, secret.digest())));
        assert!(!looks_like_token(secret.expose()));
        changed_is_refused(&secret, usize::from(*at), *to);
    }
});

fn read(text: &str) -> Option<(SecretKind, Digest)> {
    frame::read(&PREFIX, text).ok()
}

fn changed_is_refused(secret: &PlainSecret, at: usize, to: u8) {
    let mut bytes = secret.expose().as_bytes().to_vec();
    let at = at % bytes.len();
    bytes[at] = to;
    if let Ok(text) = String::from_utf8(bytes)
        && text != secret.expose()
    {
        assert_eq!(read(&text), None, "a changed secret is read");
    }
}
