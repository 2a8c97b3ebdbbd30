//! Whole request heads against the check: cookies, bearer values, Origin and all that stands beside
//! them. Nobody passes without exactly one good credential, and no cookie without our own Origin.
//!
//! The first line of the input is the target, each further one a header. `@K`, `@C` and `@T` stand
//! for a good key, cookie and token, so that inputs can put them where they do not belong.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use vestibule_check::{
    Core, CoreParts, DEFAULT_COOKIE_NAME, Directory as _, EntryPoint, MemoryDirectory, OwnOrigin,
    RequestHead,
};
use vestibule_credential::{
    Claims, Issuer, Keyring, Prefix, SecretKind, SigningKey, TokenId, frame,
};
use vestibule_model::clock::ManualClock;
use vestibule_model::{Clock, CredentialRef, Digest, Entropy, Principal, SessionId, Timestamp};
use vestibule_policy::RuleTable;
use vestibule_policy::{Accepts, Rule};

const ORIGIN: &str = "https://app.example.com";

struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(place % 200).unwrap_or(7);
        }
    }
}

struct Fixture {
    check: EntryPoint,
    key: String,
    cookie: String,
    token: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let prefix = Prefix::default();
    let key = frame::mint(&prefix, SecretKind::LiveKey, &Fixed);
    let cookie = frame::mint(&prefix, SecretKind::Session, &Fixed);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let owner = directory
        .api_key(&key.digest())
        .now_or_never()
        .expect("a map answers at once")
        .expect("the key is known");
    let session = SessionId::mint(&*clock, &Fixed);
    let by_cookie = Principal {
        credential: CredentialRef::SessionCookie(session),
        ..owner.clone()
    };
    let by_token = Principal {
        credential: CredentialRef::AccessToken(session),
        ..owner.clone()
    };
    let issuer = Issuer {
        issuer: ORIGIN.to_owned(),
        audience: ORIGIN.to_owned(),
    };
    let keyring = Keyring::new(issuer, vec![SigningKey::generate(&*clock, &Fixed)])
        .expect("one key makes a keyring");
    let token = keyring
        .sign(&Claims {
            subject: owner.user_id,
            organization: owner.organization_id,
            session,
            id: TokenId::mint(&*clock, &Fixed),
            issued_at: clock.now(),
            expires_at: clock.now().after(Duration::from_secs(3_600)),
        })
        .expect("the claims make a token");
    let directory = directory
        .with(&cookie.digest(), by_cookie)
        .with_session(by_token);
    let mut table = RuleTable::builder();
    for (method, path, accepts) in [
        ("GET", "/v1/things", Accepts::Bearer),
        ("POST", "/v1/things/{id}", Accepts::Bearer),
        ("GET", "/api/things", Accepts::BearerOrCookie),
        ("POST", "/api/things/{*rest}", Accepts::BearerOrCookie),
    ] {
        table = table
            .add(method, path, accepts, Rule::signed_in())
            .expect("a route");
    }
    Fixture {
        check: Core::new(CoreParts {
            keyring: Some(Arc::new(ArcSwap::from_pointee(keyring))),
            clock,
            ..CoreParts::new(Arc::new(directory))
        })
        .entry_point(
            table.build(),
            ORIGIN.parse::<OwnOrigin>().expect("an origin"),
        ),
        key: key.expose().to_owned(),
        cookie: cookie.expose().to_owned(),
        token,
    }
});

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|byte| *byte == b'\n');
    let Some((method, path)) = lines.next().and_then(target) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in lines.take(32) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let value = replace(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(&value),
        ) {
            headers.append(name, value);
        }
    }
    let head = RequestHead {
        method: &method,
        path: &path,
        headers: &headers,
        has_body: false,
        address: None,
        request_id: None,
    };
    let verdict = FIXTURE
        .check
        .check(&head)
        .now_or_never()
        .expect("a directory in memory answers at once");
    if let Some(known) = FIXTURE.check.check_known(&head) {
        assert_eq!(
            known.is_ok(),
            verdict.is_ok(),
            "remembering changes the answer"
        );
    }
    if let Ok(passed) = verdict {
        let permit = passed.into_permit(&head).expect("no route here is public");
        let mutating = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        match permit.credential() {
            CredentialRef::ApiKey(_) => bearer(&headers, &FIXTURE.key),
            CredentialRef::AccessToken(_) => bearer(&headers, &FIXTURE.token),
            CredentialRef::SessionCookie(_) => cookie(&headers, &path, mutating),
        }
    }
    // What was refused is forgotten, so that a long run tests and does not hoard.
    drop(FIXTURE.check.core().drain_denials());
    drop(FIXTURE.check.core().drain_usage());
});

fn target(line: &[u8]) -> Option<(Method, String)> {
    let line = std::str::from_utf8(line).ok()?;
    let (method, path) = line.split_once(' ')?;
    Some((method.parse().ok()?, path.to_owned()))
}

fn replace(value: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let secret = match (byte, after.first()) {
            (b'@', Some(b'K')) => Some(&FIXTURE.key),
            (b'@', Some(b'C')) => Some(&FIXTURE.cookie),
            (b'@', Some(b'T')) => Some(&FIXTURE.token),
            _ => None,
        };
        if let Some(secret) = secret {
            replaced.extend_from_slice(secret.as_bytes());
            rest = &after[1..];
        } else {
            replaced.push(byte);
            rest = after;
        }
    }
    replaced
}

/// The one `Authorization` header holds exactly this secret.
fn bearer(headers: &HeaderMap, secret: &str) {
    let values: Vec<_> = headers.get_all("authorization").iter().collect();
    assert_eq!(values.len(), 1, "which of them counted?");
    let text = values[0].to_str().expect("ASCII");
    assert!(text[..7].eq_ignore_ascii_case("bearer "), "{text}");
    assert_eq!(text[7..].trim_matches(' '), secret);
}

/// There is no bearer, one session cookie, and for a change our own Origin.
fn cookie(headers: &HeaderMap, path: &str, mutating: bool) {
    assert!(path.starts_with("/api/"), "{path} takes no cookie");
    assert!(!headers.contains_key("authorization"));
    let named: Vec<String> = headers
        .get_all("cookie")
        .iter()
        .flat_map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.split(';').map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|pair| {
            let (name, value) = pair.trim_matches(' ').split_once('=')?;
            (name == DEFAULT_COOKIE_NAME).then(|| value.to_owned())
        })
        .collect();
    assert_eq!(named.len(), 1, "which of them counted?");
    assert_eq!(
        Digest::of(named[0].as_bytes()),
        Digest::of(FIXTURE.cookie.as_bytes())
    );
    if mutating {
        let origins: Vec<_> = headers.get_all("origin").iter().collect();
        assert_eq!(origins, [ORIGIN]);
        for site in headers.get_all("sec-fetch-site") {
            assert!(site != "cross-site" && site != "same-site");
        }
    }
}
