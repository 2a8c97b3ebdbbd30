//! Tokens by which a provider says that somebody was signed out.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_sso::Provider as _;

use crate::world::{CLIENT, NOW, Script, World};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims(world: &World) -> Value {
    json!({
        "iss": world.provider.base,
        "aud": CLIENT,
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "logout-1",
        "sub": "person-1",
        "sid": "idp-session-1",
        "events": { EVENT: {} },
    })
}

#[rstest]
#[case::all_of_it(|_: &mut Value| {}, "logout+jwt")]
#[case::an_older_type(|_: &mut Value| {}, "JWT")]
#[case::a_session_alone(|c: &mut Value| { c.as_object_mut().unwrap().remove("sub"); }, "logout+jwt")]
#[case::a_person_alone(|c: &mut Value| { c.as_object_mut().unwrap().remove("sid"); }, "logout+jwt")]
#[case::no_expiry(|c: &mut Value| { c.as_object_mut().unwrap().remove("exp"); }, "logout+jwt")]
#[case::another_event_beside(|c: &mut Value| c["events"]["urn:x"] = json!({"a": 1}), "logout+jwt")]
#[tokio::test]
async fn a_logout_token_says_who_and_which_session(
    #[case] edit: fn(&mut Value),
    #[case] kind: &str,
) {
    let world = World::new(Script::default()).await;
    let mut claims = claims(&world);
    edit(&mut claims);
    let token = world.provider.token_of(kind, &claims);
    let told = world.ours.logout_token(&token).await.unwrap();
    assert_eq!(told.issuer, world.provider.base);
    assert_eq!(told.subject.as_deref(), claims["sub"].as_str());
    assert_eq!(told.session.as_deref(), claims["sid"].as_str());
    assert_eq!(told.id, "logout-1");
    assert!(told.forget_after.as_seconds() > NOW + 120);
}

#[rstest]
#[case::another_issuer(|c: &mut Value| c["iss"] = json!("https://x.example"), "issuer")]
#[case::another_audience(|c: &mut Value| c["aud"] = json!("x"), "audience")]
#[case::a_stranger_in_the_audience(|c: &mut Value| c["aud"] = json!([CLIENT, "x"]), "audience_untrusted")]
#[case::expired(|c: &mut Value| { c["iat"] = json!(NOW - 200); c["exp"] = json!(NOW - 60); }, "expired")]
#[case::issued_in_the_future(|c: &mut Value| c["iat"] = json!(NOW + 61), "issued_in_future")]
#[case::issued_long_ago(|c: &mut Value| c["iat"] = json!(NOW - 601), "issued_long_ago")]
#[case::no_time_of_issue(|c: &mut Value| { c.as_object_mut().unwrap().remove("iat"); }, "claim_missing")]
#[case::no_event(|c: &mut Value| { c.as_object_mut().unwrap().remove("events"); }, "logout_event")]
#[case::another_event(|c: &mut Value| c["events"] = json!({"urn:x": {}}), "logout_event")]
#[case::an_event_that_is_no_object(|c: &mut Value| c["events"][EVENT] = json!(true), "logout_event")]
#[case::events_in_a_list(|c: &mut Value| c["events"] = json!([EVENT]), "logout_event")]
#[case::a_nonce(|c: &mut Value| c["nonce"] = json!("x"), "logout_nonce")]
#[case::a_nonce_of_null(|c: &mut Value| c["nonce"] = json!(null), "logout_nonce")]
#[case::nobody(|c: &mut Value| { c.as_object_mut().unwrap().remove("sub"); c.as_object_mut().unwrap().remove("sid"); }, "logout_nobody")]
#[case::nobody_by_an_empty_session(|c: &mut Value| { c.as_object_mut().unwrap().remove("sub"); c["sid"] = json!(""); }, "logout_nobody")]
#[case::a_subject_that_is_no_text(|c: &mut Value| c["sub"] = json!(1), "claim_type")]
#[case::a_session_that_is_no_text(|c: &mut Value| c["sid"] = json!(1), "claim_type")]
#[case::no_id(|c: &mut Value| { c.as_object_mut().unwrap().remove("jti"); }, "claim_missing")]
#[case::an_empty_id(|c: &mut Value| c["jti"] = json!(""), "claim_type")]
#[tokio::test]
async fn what_is_no_logout_of_ours_is_refused(
    #[case] edit: fn(&mut Value),
    #[case] expected: &str,
) {
    let world = World::new(Script::default()).await;
    let mut claims = claims(&world);
    edit(&mut claims);
    let token = world.provider.token_of("logout+jwt", &claims);
    let refusal = world.ours.logout_token(&token).await.unwrap_err();
    assert_eq!(refusal.reason(), expected, "{refusal}");
}

#[tokio::test]
async fn an_id_token_signs_nobody_out() {
    let world = World::new(Script::default()).await;
    let token = world.provider.id_token("nonce");
    let refusal = world.ours.logout_token(&token).await.unwrap_err();
    assert_eq!(refusal.reason(), "logout_event");
}

#[tokio::test]
async fn a_forged_logout_token_is_refused() {
    let world = World::new(Script {
        forge: true,
        ..Script::default()
    })
    .await;
    let token = world.provider.token_of("logout+jwt", &claims(&world));
    let refusal = world.ours.logout_token(&token).await.unwrap_err();
    assert_eq!(refusal.reason(), "signature");
}

#[tokio::test]
async fn a_flood_of_strangers_tokens_does_not_reach_the_provider() {
    let script = Script {
        header: |h| h["kid"] = json!("key-9"),
        ..Script::default()
    };
    let world = World::new(script).await;
    world.advance(Duration::from_secs(1));
    for _ in 0..20 {
        assert!(world.ours.logout_token("no token at all").await.is_err());
    }
    assert_eq!(world.provider.hits("document"), 0, "form costs no request");
    let token = world.provider.token_of("logout+jwt", &claims(&world));
    for _ in 0..20 {
        assert!(world.ours.logout_token(&token).await.is_err());
    }
    assert_eq!(world.provider.hits("keys"), 1);
}
