//! The beginning of a sign-in: it writes nothing, and what the browser carries is all that is needed.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use vestibule_federation::{CallbackOutcome, CallbackRequest, ReturnTo};
use vestibule_model::{Digest, OsEntropy};

use crate::provider::{Connected, encode, origin};
use crate::support::Backend;

/// The rows that a beginning could leave.
async fn rows(world: &Connected) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "sso_pending",
        "sso_logout_token",
        "sso_attempt",
        "audit_record",
    ] {
        counts.push(world.fixture.count(table).await);
    }
    counts
}

#[rstest]
#[tokio::test]
async fn strangers_begin_as_often_as_they_like_and_nothing_is_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let before = (rows(&world).await, world.fixture.log_length());
    let mut begun = Vec::new();
    for _ in 0..50 {
        begun.push(world.begin(ReturnTo::Json).await);
    }
    // A guess at the other end writes nothing, either.
    let guess = world.call("code=c&state=s", Some("guess")).await;
    assert_eq!(guess.unwrap_err().error.reason(), "sso_state");
    assert_eq!((rows(&world).await, world.fixture.log_length()), before);
    // Each of them can still come back, in any order, and once.
    for begun in [&begun[49], &begun[0]] {
        world.come_back(begun).await.unwrap();
        let again = world.come_back(begun).await.unwrap_err();
        assert_eq!(again.error.reason(), "sso_state");
    }
    let spent = world.fixture.count("sso_logout_token").await;
    assert_eq!(spent, 2, "what was spent is remembered until it expires");
}

/// The state sealed for one browser and one `state` parameter opens nowhere else.
#[rstest]
#[tokio::test]
async fn what_a_browser_carries_opens_for_its_own_state_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (one, two) = (
        world.begin(ReturnTo::Json).await,
        world.begin(ReturnTo::Json).await,
    );
    let query = world.provider.authorize(&one.redirect_url);
    let call = async |name: &str, text: &str, binding: &str| {
        let request = CallbackRequest {
            connection: world.id,
            query: &query,
            binding: Some(binding),
            carried: &[(name, text)],
            sessions: &[],
            origin: &origin(),
        };
        world.sso.callback(request).await
    };
    let (name, text, binding) = (
        one.carried.name(),
        one.carried.expose(),
        one.binding.expose(),
    );
    let mut damaged = text.to_owned();
    damaged.replace_range(30..31, if &text[30..31] == "A" { "B" } else { "A" });
    for (name, text, binding) in [
        (name, two.carried.expose(), binding),
        (two.carried.name(), text, binding),
        (name, text, two.binding.expose()),
        (name, &damaged, binding),
        (name, "", binding),
        (name, &"A".repeat(100_000), binding),
    ] {
        let failure = call(name, text, binding).await.unwrap_err();
        assert_eq!(failure.error.reason(), "sso_state");
    }
    call(name, text, binding).await.unwrap();
}

/// A server of the version before has written down what it began, and may be gone by the callback.
#[rstest]
#[tokio::test]
async fn a_sign_in_that_the_version_before_has_begun_is_finished(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let begun = world.begin(ReturnTo::Json).await;
    let (state, verifier) = ("s".repeat(43), "v".repeat(43));
    let digest = |text: &str| Digest::of(text.as_bytes());
    let in_text = |text: &str| encode(digest(text).as_bytes());
    let url = begun.redirect_url.split('?').next().unwrap();
    let challenge = in_text(&verifier);
    let url = format!("{url}?state={state}&nonce=n&code_challenge={challenge}");
    let issuer = url.split("/authorize").next().unwrap();
    let pending = json!({
        "state": state, "nonce": "n", "verifier": verifier, "issuer": issuer,
        "client_id": "vestibule", "redirect_uri": "https://auth.example.com/callback",
        "started_at": world.fixture.now(), "max_age": null, "acr_values": [],
    });
    let purpose = json!({ "sign_in": { "to": "json", "state": null, "replaces": null } });
    let payload = json!({ "pending": pending, "which": "live", "purpose": purpose });
    let context = format!("sso_pending:{}", in_text(&state));
    let key = vestibule_credential::MasterKey::from_bytes([7; 32]);
    let sealed = key
        .seal(&context, payload.to_string().as_bytes(), &OsEntropy)
        .unwrap();
    let bytes = |bytes: &[u8]| {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = std::fmt::Write::write_fmt(&mut hex, format_args!("{byte:02x}"));
            hex
        });
        match backend {
            Backend::Sqlite => format!("X'{hex}'"),
            Backend::Postgres => format!("'\\x{hex}'::bytea"),
        }
    };
    let statement = format!(
        "INSERT INTO sso_pending SELECT {}, {}, c.organization_id, c.id, {}, {} FROM sso_connection c",
        bytes(digest(&state).as_bytes()),
        bytes(digest("browser").as_bytes()),
        bytes(&sealed),
        world
            .fixture
            .now()
            .after(Duration::from_secs(60))
            .as_micros(),
    );
    world.fixture.raw(statement.leak()).await;
    let query = world.provider.authorize(&url);
    let failure = world.call(&query, Some("another")).await.unwrap_err();
    assert_eq!(failure.error.reason(), "sso_state");
    let arrived = world.call(&query, Some("browser")).await.unwrap();
    assert!(matches!(arrived, CallbackOutcome::Json(_)), "{arrived:?}");
    let again = world.call(&query, Some("browser")).await.unwrap_err();
    assert_eq!(again.error.reason(), "sso_state");
}
