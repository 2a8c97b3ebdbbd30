//! Access tokens against a real keyring: nothing passes but what it signed, letter for letter.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use vestibule_credential::{Claims, Issuer, Keyring, SigningKey, TokenId};
use vestibule_model::clock::ManualClock;
use vestibule_model::{Entropy, OrganizationId, SessionId, Timestamp, UserId};

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct World {
    keyring: Keyring,
    now: Timestamp,
    claims: Claims,
    /// What the keyring signed: the only text that may pass.
    token: String,
    /// Its header and signature, so that the input can be a payload between them.
    header: String,
    signature: String,
    /// The JSON of its payload.
    payload: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let now = Timestamp::from_seconds(1_800_000_000);
    let clock = ManualClock::new(now);
    let issuer = Issuer {
        issuer: "https://auth.example.com".to_owned(),
        audience: "https://api.example.com".to_owned(),
    };
    let keyring = Keyring::new(issuer, vec![SigningKey::generate(&clock, &Fixed)])
        .expect("one key makes a keyring");
    let claims = Claims {
        subject: UserId::mint(&clock, &Fixed),
        organization: OrganizationId::mint(&clock, &Fixed),
        session: SessionId::mint(&clock, &Fixed),
        id: TokenId::mint(&clock, &Fixed),
        issued_at: now,
        expires_at: now.after(Duration::from_secs(3_600)),
    };
    let token = keyring.sign(&claims).expect("the claims make a token");
    let mut parts = token.split('.').map(str::to_owned);
    let header = parts.next().expect("a header");
    let signature = parts.nth(1).expect("a signature");
    let payload = format!(
        r#"{{"iss":"https://auth.example.com","aud":"https://api.example.com","sub":"{}","org":"{}","sid":"{}","iat":1800000000,"exp":1800003600,"jti":"{}"}}"#,
        claims.subject, claims.organization, claims.session, claims.id
    );
    assert_eq!(
        format!("{header}.{}.{signature}", base64url(payload.as_bytes())),
        token
    );
    World {
        keyring,
        now,
        claims,
        token,
        header,
        signature,
        payload,
    }
});

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    match how % 5 {
        // The text as it comes.
        0 => {
            if let Ok(text) = std::str::from_utf8(rest) {
                judge(text);
            }
        }
        // Any bytes as the JSON of header and payload, cut at a byte that no UTF-8 text holds.
        1 => {
            let mut parts = rest.splitn(2, |byte| *byte == 0xFF);
            let header = parts.next().unwrap_or_default();
            let payload = parts.next().unwrap_or_default();
            judge(&format!(
                "{}.{}.{}",
                base64url(header),
                base64url(payload),
                WORLD.signature
            ));
        }
        // Any bytes as the JSON of the payload, under a good header.
        2 => judge(&format!(
            "{}.{}.{}",
            WORLD.header,
            base64url(rest),
            WORLD.signature
        )),
        // A good payload, changed at the places that the input names, under a good header.
        3 => judge(&format!(
            "{}.{}.{}",
            WORLD.header,
            base64url(&changed(WORLD.payload.as_bytes(), rest)),
            WORLD.signature
        )),
        // A good token, changed likewise.
        _ => judge(&String::from_utf8(changed(WORLD.token.as_bytes(), rest)).unwrap_or_default()),
    }
});

fn judge(text: &str) {
    let verdict = WORLD.keyring.verify(text, WORLD.now);
    if text == WORLD.token {
        assert_eq!(verdict.map(|token| token.claims), Ok(WORLD.claims));
    } else {
        assert!(verdict.is_err(), "a second text passes: {text}");
    }
}

/// Each four bytes of the input are an edit: how, where (two), and with what letter.
fn changed(text: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for edit in edits.chunks_exact(4).take(8) {
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % (bytes.len() + 1);
        let letter = edit[3] & 0x7F;
        match edit[0] % 4 {
            0 if at < bytes.len() => bytes[at] = letter,
            1 => bytes.insert(at, letter),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at.max(1)),
            _ => {}
        }
    }
    bytes
}

/// Base64url without padding (RFC 4648, 5), written here so that it is not the library's own.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..=chunk.len() {
            let digit = bits >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}
