//! Key sets, ID tokens and logout tokens of a hostile provider: whatever it sends, what passes is
//! what a key of the set has signed, for this client and this sign-in.
//!
//! The first byte of the input says what the rest is: a key set, a token, the claims of a token
//! that the provider's own key signs, or a header for it.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use vestibule_model::Timestamp;
use vestibule_sso::oidc::offline::Offline;
use vestibule_sso::oidc::{Algorithm, ClientAuth, OidcConnection};
use vestibule_sso::{Pending, PlainClientSecret, PlainNonce, PlainState, PlainVerifier};

const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "vestibule";
const NONCE: &str = "nonce-of-this-sign-in";
const NOW: i64 = 1_800_000_000;

struct World {
    provider: Ed25519KeyPair,
    offline: Offline,
    pending: Pending,
    /// A token that passes.
    good: String,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn connection() -> OidcConnection {
    let secret = ClientAuth::Secret(PlainClientSecret::new("s3cret"));
    let mut connection = OidcConnection::new("organization", ISSUER, CLIENT, secret);
    connection.algorithm = Algorithm::EdDsa;
    connection
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let provider = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let x = encode(provider.public_key());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "key-1", "x": x });
    let set = json!({ "keys": [key] }).to_string();
    let claims = json!({
        "iss": ISSUER, "sub": "person-1", "aud": CLIENT, "nonce": NONCE,
        "iat": NOW, "exp": NOW + 300,
    });
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": "key-1" });
    let good = sign(&provider, &header.to_string(), &claims.to_string());
    World {
        offline: Offline::new(connection(), set.as_bytes()).expect("a key set"),
        pending: Pending {
            state: PlainState::new("state"),
            nonce: PlainNonce::new(NONCE),
            verifier: PlainVerifier::new("verifier"),
            issuer: ISSUER.to_owned(),
            client_id: CLIENT.to_owned(),
            redirect_uri: "https://auth.example.com/callback".to_owned(),
            started_at: Timestamp::from_seconds(NOW),
            max_age: None,
            acr_values: Vec::new(),
        },
        provider,
        good,
    }
});

fn sign(key: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let world = &*WORLD;
    match (kind % 4, std::str::from_utf8(rest)) {
        (0, _) => {
            if let Ok(offline) = Offline::new(connection(), rest) {
                assert!(offline.usable_keys() <= 100);
                // Nothing that our provider has not signed passes by a set that somebody made up,
                // unless the set holds its key.
                let passes = read(&offline, &world.good).is_some();
                let x = encode(world.provider.public_key());
                assert!(!passes || String::from_utf8_lossy(rest).contains(&x[..8]));
            }
        }
        (1, Ok(token)) => {
            assert!(read(&world.offline, token).is_none() || token == world.good);
            let now = Timestamp::from_seconds(NOW);
            assert!(world.offline.logout_token(token, now).is_err());
        }
        (2, Ok(claims)) => {
            let header = "{\"alg\":\"EdDSA\",\"kid\":\"key-1\"}";
            let token = sign(&world.provider, header, claims);
            if let Some(claims) = read(&world.offline, &token) {
                judged(&claims);
            }
            let now = Timestamp::from_seconds(NOW);
            if let Ok(logout) = world.offline.logout_token(&token, now) {
                assert!(logout.subject.is_some() || logout.session.is_some());
                assert_eq!(logout.issuer, ISSUER);
            }
        }
        (_, Ok(header)) => {
            let claims = world.good.split('.').nth(1).expect("claims");
            let claims = URL_SAFE_NO_PAD.decode(claims).expect("our own");
            let claims = String::from_utf8(claims).expect("our own");
            let token = sign(&world.provider, header, &claims);
            if read(&world.offline, &token).is_some() {
                let header: Value = serde_json::from_str(header).expect("what passed is JSON");
                assert_eq!(header["alg"], "EdDSA");
                for refused in ["crit", "b64", "enc", "zip"] {
                    assert!(header.get(refused).is_none(), "{refused}");
                }
            }
        }
        (_, Err(_)) => {}
    }
});

fn read(offline: &Offline, token: &str) -> Option<serde_json::Map<String, Value>> {
    let now = Timestamp::from_seconds(NOW);
    let read = offline.id_token(token, &WORLD.pending, "code", "access", now);
    if let Err(refusal) = &read {
        let told = refusal.to_string();
        assert!(!told.contains(['\r', '\n', '\0']), "{told:?}");
    }
    read.ok()
}

/// What passes is for us, by our provider, of this sign-in and of this moment.
fn judged(claims: &serde_json::Map<String, Value>) {
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["nonce"], NONCE);
    let audience = &claims["aud"];
    let only_us = audience == CLIENT
        || audience
            .as_array()
            .is_some_and(|all| all.iter().all(|it| it == CLIENT));
    assert!(only_us, "{audience}");
    let seconds = |name: &str| claims[name].as_f64().expect("a number");
    let now = NOW as f64;
    assert!(seconds("exp") + 60.0 > now && seconds("iat") - 60.0 <= now);
    let subject = claims["sub"].as_str().expect("a text");
    assert!((1..=255).contains(&subject.len()));
}
