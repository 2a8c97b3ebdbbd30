//! A provider that behaves signs people in, whatever it chooses among the things it may choose.
//!
//! Each case changes one thing; so does each case of `hostile.rs`. Together they show that what is
//! refused there is refused for that one thing.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use vestibule_model::OsEntropy;
use vestibule_sso::oidc::logout::LogoutRequest;
use vestibule_sso::oidc::{Algorithm, ClientAuth, ClientKey, ClientKeyKind};
use vestibule_sso::{Pending, PlainClientSecret, Prompt, Provider as _};

use crate::world::keys::{Key, encode};
use crate::world::{ACCESS, NOW, SECRET, Script, World};

fn half(text: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

#[tokio::test]
async fn a_person_is_signed_in_with_what_the_provider_tells() {
    let world = World::new(Script::default()).await;
    let identity = world.sign_in().await.unwrap();
    assert_eq!(identity.issuer, world.provider.base);
    assert_eq!(identity.subject, "person-1");
    assert_eq!(
        identity.verified_email().unwrap().address().as_str(),
        "ada@example.com"
    );
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(identity.session.as_deref(), Some("idp-session-1"));
    assert_eq!(identity.authenticated_at.unwrap().as_seconds(), NOW - 30);
    assert!(identity.groups.is_empty());
    assert!(identity.id_token.is_some());
    assert!(!format!("{identity:?}").contains(identity.id_token.as_deref().unwrap()));
    assert_eq!(world.provider.hits("userinfo"), 0, "nothing was missing");
}

#[rstest]
#[case::rs256(|s: &mut Script| s.algorithm = Algorithm::Rs256)]
#[case::ps256(|s: &mut Script| s.algorithm = Algorithm::Ps256)]
#[case::eddsa(|s: &mut Script| s.algorithm = Algorithm::EdDsa)]
#[case::secret_in_the_form(|s: &mut Script| s.connection = |c| c.client_auth = ClientAuth::Post(PlainClientSecret::new(SECRET)))]
#[case::secret_in_the_header(|s: &mut Script| s.connection = |c| c.client_auth = ClientAuth::Basic(PlainClientSecret::new(SECRET)))]
#[case::secret_as_the_provider_prefers(|s: &mut Script| s.document = |d, _| d["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]))]
#[case::own_ed25519_key(|s: &mut Script| s.connection = |c| c.client_auth = ClientAuth::PrivateKeyJwt(ClientKey::generate(ClientKeyKind::EdDsa, &OsEntropy)))]
#[case::own_p256_key(|s: &mut Script| s.connection = |c| c.client_auth = ClientAuth::PrivateKeyJwt(ClientKey::generate(ClientKeyKind::Es256, &OsEntropy)))]
#[case::nothing_said_of_pkce(|s: &mut Script| s.document = |d, _| { d.as_object_mut().unwrap().remove("code_challenge_methods_supported"); })]
#[case::nothing_said_of_modes(|s: &mut Script| s.document = |d, _| { d.as_object_mut().unwrap().remove("response_modes_supported"); })]
#[case::nothing_said_of_grants(|s: &mut Script| s.document = |d, _| { d.as_object_mut().unwrap().remove("grant_types_supported"); })]
#[case::nothing_said_of_algorithms(|s: &mut Script| s.document = |d, _| { d.as_object_mut().unwrap().remove("id_token_signing_alg_values_supported"); })]
#[case::no_userinfo(|s: &mut Script| s.document = |d, _| { d.as_object_mut().unwrap().remove("userinfo_endpoint"); })]
#[case::unknown_members(|s: &mut Script| s.document = |d, _| d["x_vendor"] = json!({"a": [1, 2.5, null]}))]
#[case::an_endpoint_with_a_query(|s: &mut Script| s.document = |d, b| d["authorization_endpoint"] = json!(format!("{b}/authorize?tenant=7")))]
#[case::no_promise_and_no_iss(|s: &mut Script| {
    s.document = |d, _| d["authorization_response_iss_parameter_supported"] = json!(false);
    s.callback = |c| c.retain(|(name, _)| name != "iss");
})]
#[case::no_promise_and_iss(|s: &mut Script| s.document = |d, _| d["authorization_response_iss_parameter_supported"] = json!(false))]
#[case::unknown_callback_parameters(|s: &mut Script| s.callback = |c| c.extend([("session_state".into(), "x".into()), ("session_state".into(), "y".into())]))]
#[case::another_media_type_of_json(|s: &mut Script| s.reply("keys", crate::world::Reply::Media("application/jwk-set+json")))]
#[case::media_type_parameters(|s: &mut Script| s.reply("token", crate::world::Reply::Media("Application/JSON; charset=UTF-8")))]
#[case::lower_case_token_type(|s: &mut Script| s.answer = |a| a["token_type"] = json!("bearer"))]
#[case::keys_of_other_kinds(|s: &mut Script| s.keys = |k| {
    let keys = k["keys"].as_array_mut().unwrap();
    keys.push(json!({"kty": "oct", "kid": "a", "k": "AAAA"}));
    keys.push(json!({"kty": "EC", "crv": "P-521", "kid": "b", "x": "AA", "y": "AA"}));
    keys.push(json!({"kty": "AKP", "kid": "c", "alg": "ML-DSA-44", "pub": "AA"}));
    keys.push(json!({"kty": "RSA", "kid": "d"}));
})]
#[case::an_encryption_key_of_the_same_name(|s: &mut Script| s.keys = |k| {
    let mut twin = k["keys"][0].clone();
    twin["use"] = json!("enc");
    k["keys"].as_array_mut().unwrap().push(twin);
})]
#[case::a_key_without_use_and_alg(|s: &mut Script| s.keys = |k| {
    let key = k["keys"][0].as_object_mut().unwrap();
    key.remove("use");
    key.remove("alg");
})]
#[case::a_key_with_operations(|s: &mut Script| s.keys = |k| k["keys"][0]["key_ops"] = json!(["verify"]))]
#[case::no_kid_and_one_key(|s: &mut Script| s.header = |h| { h.as_object_mut().unwrap().remove("kid"); })]
#[case::no_typ(|s: &mut Script| s.header = |h| { h.as_object_mut().unwrap().remove("typ"); })]
#[case::typ_in_lower_case(|s: &mut Script| s.header = |h| h["typ"] = json!("jwt"))]
#[case::keys_in_the_header_are_ignored(|s: &mut Script| s.header = |h| {
    h["jwk"] = Key::generate(Algorithm::Es256, "key-1").jwk;
    h["jku"] = json!("http://127.0.0.1:1/keys");
    h["x5t"] = json!("AAAA");
})]
#[case::an_audience_in_a_list(|s: &mut Script| s.claims = |c| c["aud"] = json!([crate::world::CLIENT]))]
#[case::azp_is_us(|s: &mut Script| s.claims = |c| c["azp"] = json!(crate::world::CLIENT))]
#[case::a_trusted_audience(|s: &mut Script| {
    s.claims = |c| { c["aud"] = json!([crate::world::CLIENT, "api"]); c["azp"] = json!(crate::world::CLIENT); };
    s.connection = |c| c.trusted_audiences = vec!["api".to_owned()];
})]
#[case::expired_within_the_skew(|s: &mut Script| s.claims = |c| { c["iat"] = json!(NOW - 400); c["exp"] = json!(NOW - 59); })]
#[case::issued_ahead_within_the_skew(|s: &mut Script| s.claims = |c| c["iat"] = json!(NOW + 59))]
#[case::valid_ahead_within_the_skew(|s: &mut Script| s.claims = |c| c["nbf"] = json!(NOW + 59))]
#[case::times_with_a_fraction(|s: &mut Script| s.claims = |c| c["exp"] = json!(1_800_000_300.5))]
#[case::at_hash_that_fits(|s: &mut Script| s.claims = |c| c["at_hash"] = json!(half(ACCESS)))]
#[case::c_hash_that_fits(|s: &mut Script| s.claims = |c| c["c_hash"] = json!(half("code-1")))]
#[case::auth_time_recent_enough(|s: &mut Script| {
    s.request = |r| r.max_age = Some(60);
    s.claims = |c| c["auth_time"] = json!(NOW - 119);
})]
#[case::no_auth_time_when_not_asked(|s: &mut Script| s.claims = |c| { c.as_object_mut().unwrap().remove("auth_time"); })]
#[case::a_demanded_acr(|s: &mut Script| {
    s.request = |r| r.acr_values = vec!["urn:mfa".to_owned(), "urn:hardware".to_owned()];
    s.claims = |c| c["acr"] = json!("urn:hardware");
})]
#[case::unknown_claims(|s: &mut Script| s.claims = |c| c["https://vendor.example/x"] = json!({"a": [null, true]}))]
#[case::the_longest_subject_of_another_path(|s: &mut Script| {
    s.connection = |c| c.mapping.subject = "oid".parse().unwrap();
    s.claims = |c| { c["oid"] = json!("person-1"); c["sub"] = json!("x".repeat(255)); };
})]
#[case::a_large_token(|s: &mut Script| s.claims = |c| c["padding"] = json!("x".repeat(40_000)))]
#[case::login_hint_and_prompt(|s: &mut Script| s.request = |r| {
    r.login_hint = Some("ada+x@example.com".to_owned());
    r.prompt = Some(Prompt::Login);
})]
#[tokio::test]
async fn what_a_provider_may_choose_is_accepted(#[case] choose: fn(&mut Script)) {
    let mut script = Script::default();
    choose(&mut script);
    let identity = World::new(script).await.sign_in().await.unwrap();
    assert_eq!(identity.subject, "person-1");
    assert!(identity.verified_email().is_some());
}

#[tokio::test]
async fn what_the_token_leaves_out_is_asked_of_userinfo() {
    let script = Script {
        claims: |c| {
            c.as_object_mut().unwrap().remove("email");
        },
        connection: |c| c.mapping.groups = Some("groups".parse().unwrap()),
        ..Script::default()
    };
    let world = World::new(script).await;
    let identity = world.sign_in().await.unwrap();
    assert!(identity.verified_email().is_some());
    assert_eq!(identity.groups, ["from-userinfo"]);
    assert_eq!(world.provider.hits("userinfo"), 1);
}

#[tokio::test]
async fn what_the_token_says_goes_before_userinfo() {
    let script = Script {
        userinfo: |u| u["name"] = json!("Somebody Else"),
        connection: |c| c.mapping.groups = Some("groups".parse().unwrap()),
        ..Script::default()
    };
    let identity = World::new(script).await.sign_in().await.unwrap();
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(identity.claims["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_warm_sign_in_costs_one_call() {
    let world = World::new(Script::default()).await;
    for _ in 0..3 {
        world.sign_in().await.unwrap();
    }
    assert_eq!(world.provider.hits("document"), 1);
    assert_eq!(world.provider.hits("keys"), 1);
    assert_eq!(world.provider.hits("token"), 3);
}

#[tokio::test]
async fn a_new_key_is_found_by_its_name_once_a_minute_has_passed() {
    let world = World::new(Script::default()).await;
    world.sign_in().await.unwrap();
    world.provider.rotate("key-2");
    assert_eq!(world.sign_in().await.unwrap_err().reason(), "key_unknown");
    world.advance(Duration::from_secs(60));
    world.sign_in().await.unwrap();
    assert_eq!(world.provider.hits("keys"), 2);
}

#[tokio::test]
async fn a_new_key_without_a_name_is_found_too() {
    let script = Script {
        header: |h| {
            h.as_object_mut().unwrap().remove("kid");
        },
        ..Script::default()
    };
    let world = World::new(script).await;
    world.sign_in().await.unwrap();
    world.provider.rotate("key-2");
    world.advance(Duration::from_secs(60));
    world.sign_in().await.unwrap();
}

#[tokio::test]
async fn a_pending_sign_in_survives_storage() {
    let world = World::new(Script::default()).await;
    let begun = world.begin().await.unwrap();
    let stored = serde_json::to_vec(&begun.pending).unwrap();
    assert!(stored.len() < 1_024, "10 000 of them stay within 20 MiB");
    let pending: Pending = serde_json::from_slice(&stored).unwrap();
    let query = world.provider.authorize(&begun.url);
    let callback = vestibule_sso::callback::Callback::read(&query).unwrap();
    world.ours.finish(&pending, callback).await.unwrap();
}

#[tokio::test]
async fn the_way_out_of_the_provider_names_us_and_the_session() {
    let world = World::new(Script::default()).await;
    let request = LogoutRequest {
        id_token_hint: Some("a.b.c".to_owned()),
        post_logout_redirect_uri: Some("https://app.example/out".to_owned()),
        state: Some("s".to_owned()),
    };
    let url = world.ours.logout_url(&request).await.unwrap().unwrap();
    let rest = url.strip_prefix(&world.provider.base).unwrap();
    assert_eq!(
        rest,
        "/logout?client_id=vestibule+client&id_token_hint=a.b.c\
         &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fout&state=s"
    );
}

#[tokio::test]
async fn every_check_of_a_good_connection_passes() {
    let world = World::new(Script::default()).await;
    let checks = world.ours.preflight().await;
    assert!(checks.iter().all(|check| check.passed), "{checks:#?}");
    assert_eq!(checks.len(), 12);
}
