//! A provider that misbehaves in one way at a time.
//!
//! Every case takes the provider of `honest.rs`, which signs people in, and changes one thing. Were
//! the check of that thing missing, the sign-in would succeed and the case fail.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_sso::oidc::{Algorithm, OidcConnection, OidcProvider};
use vestibule_sso::{Provider as _, SsoRefusal};

use crate::world::keys::{Key, encode};
use crate::world::{CLIENT, NOW, RETURN, Reply, Script, World};

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

/// The token with its segments changed.
fn segments(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

async fn refusal(misbehave: fn(&mut Script)) -> SsoRefusal {
    let mut script = Script::default();
    misbehave(&mut script);
    World::new(script).await.sign_in().await.unwrap_err()
}

#[rstest]
#[case::another_issuer(|s: &mut Script| s.document = |d, _| d["issuer"] = json!("https://accounts.example.com"), "discovery_issuer")]
#[case::an_issuer_with_a_slash(|s: &mut Script| s.document = |d, b| d["issuer"] = json!(format!("{b}/")), "discovery_issuer")]
#[case::no_issuer(|s: &mut Script| s.document = |d, _| remove(d, "issuer"), "missing")]
#[case::a_list_of_issuers(|s: &mut Script| s.document = |d, b| d["issuer"] = json!([b]), "mistyped")]
#[case::no_authorization_endpoint(|s: &mut Script| s.document = |d, _| remove(d, "authorization_endpoint"), "missing")]
#[case::no_token_endpoint(|s: &mut Script| s.document = |d, _| remove(d, "token_endpoint"), "missing")]
#[case::no_key_set(|s: &mut Script| s.document = |d, _| remove(d, "jwks_uri"), "missing")]
#[case::a_token_endpoint_without_tls(|s: &mut Script| s.document = |d, _| d["token_endpoint"] = json!("http://id.example.com/token"), "endpoint_insecure")]
#[case::a_sign_in_page_without_tls(|s: &mut Script| s.document = |d, _| d["authorization_endpoint"] = json!("http://id.example.com/authorize"), "endpoint_insecure")]
#[case::a_key_set_without_tls(|s: &mut Script| s.document = |d, _| d["jwks_uri"] = json!("http://id.example.com/keys"), "endpoint_insecure")]
#[case::a_userinfo_without_tls(|s: &mut Script| s.document = |d, _| d["userinfo_endpoint"] = json!("http://id.example.com/userinfo"), "endpoint_insecure")]
#[case::a_script_as_sign_in_page(|s: &mut Script| s.document = |d, _| d["authorization_endpoint"] = json!("javascript:alert(1)//"), "endpoint")]
#[case::a_user_in_an_endpoint(|s: &mut Script| s.document = |d, b| d["token_endpoint"] = json!(b.replace("http://", "http://x@") + "/token"), "endpoint")]
#[case::a_fragment_in_an_endpoint(|s: &mut Script| s.document = |d, b| d["authorization_endpoint"] = json!(format!("{b}/authorize#x")), "endpoint")]
#[case::a_redirect_uri_of_its_own(|s: &mut Script| s.document = |d, b| d["authorization_endpoint"] = json!(format!("{b}/authorize?redirect_uri=https://evil.example")), "endpoint_query")]
#[case::a_state_of_its_own(|s: &mut Script| s.document = |d, b| d["authorization_endpoint"] = json!(format!("{b}/authorize?st%61te=x")), "endpoint_query")]
#[case::no_response_types(|s: &mut Script| s.document = |d, _| remove(d, "response_types_supported"), "missing")]
#[case::implicit_flow_only(|s: &mut Script| s.document = |d, _| d["response_types_supported"] = json!(["id_token", "code id_token"]), "code_flow")]
#[case::implicit_grant_only(|s: &mut Script| s.document = |d, _| d["grant_types_supported"] = json!(["implicit"]), "code_flow")]
#[case::fragment_only(|s: &mut Script| s.document = |d, _| d["response_modes_supported"] = json!(["fragment"]), "query_mode")]
#[case::plain_pkce_only(|s: &mut Script| s.document = |d, _| d["code_challenge_methods_supported"] = json!(["plain"]), "s256")]
#[case::pushed_requests_demanded(|s: &mut Script| s.document = |d, _| d["require_pushed_authorization_requests"] = json!(true), "pushed_required")]
#[case::another_algorithm_offered(|s: &mut Script| s.document = |d, _| d["id_token_signing_alg_values_supported"] = json!(["HS256", "none"]), "algorithm_not_offered")]
#[case::a_promise_as_text(|s: &mut Script| s.document = |d, _| d["authorization_response_iss_parameter_supported"] = json!("true"), "mistyped")]
#[case::one_name_twice(|s: &mut Script| s.reply("document", Reply::Body(r#"{"issuer":"a","issuer":"b"}"#)), "json")]
#[case::no_object(|s: &mut Script| s.reply("document", Reply::Body("[]")), "json")]
#[case::a_page(|s: &mut Script| s.reply("document", Reply::Media("text/html")), "content_type")]
#[case::a_failure(|s: &mut Script| s.reply("document", Reply::Status(500)), "status")]
#[case::a_redirect(|s: &mut Script| s.reply("document", Reply::Redirect), "redirect")]
#[case::silence(|s: &mut Script| s.reply("document", Reply::Silence), "timeout")]
#[case::drops(|s: &mut Script| s.reply("document", Reply::Drip), "timeout")]
#[case::two_megabytes(|s: &mut Script| s.reply("document", Reply::Oversized), "too_large")]
#[tokio::test]
async fn a_document_that_misleads_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

#[rstest]
#[case::a_private_token_endpoint(|s: &mut Script| s.document = |d, _| d["token_endpoint"] = json!("https://10.0.0.1/token"), "address_blocked")]
#[case::the_clouds_metadata_as_key_set(|s: &mut Script| s.document = |d, _| d["jwks_uri"] = json!("https://169.254.169.254/latest"), "address_blocked")]
#[case::a_mapped_address(|s: &mut Script| s.document = |d, _| d["jwks_uri"] = json!("https://[::ffff:10.0.0.1]/keys"), "address_blocked")]
#[case::a_private_userinfo(|s: &mut Script| {
    s.document = |d, _| d["userinfo_endpoint"] = json!("https://192.168.0.1/userinfo");
    s.claims = |c| remove(c, "email");
}, "address_blocked")]
#[tokio::test]
async fn an_endpoint_that_leads_inside_is_not_called(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

#[rstest]
#[case::no_keys(|s: &mut Script| s.keys = |k| *k = json!({}), "missing")]
#[case::keys_that_are_no_list(|s: &mut Script| s.keys = |k| k["keys"] = k["keys"][0].clone(), "mistyped")]
#[case::keys_that_are_no_objects(|s: &mut Script| s.keys = |k| k["keys"] = json!([k["keys"][0], "x"]), "mistyped")]
#[case::an_empty_set(|s: &mut Script| s.keys = |k| k["keys"] = json!([]), "key_unknown")]
#[case::a_flood_of_keys(|s: &mut Script| s.keys = |k| {
    let key = k["keys"][0].clone();
    let flood = (0..101).map(|n| { let mut key = key.clone(); key["kid"] = json!(n.to_string()); key });
    k["keys"].as_array_mut().unwrap().extend(flood);
}, "too_many_keys")]
#[case::a_flood_of_values(|s: &mut Script| s.keys = |k| k["keys"][0]["x5c"] = json!(vec![0; 30_000]), "json")]
#[case::two_keys_of_one_name(|s: &mut Script| s.keys = |k| {
    let twin = Key::generate(Algorithm::Es256, "key-1").jwk;
    k["keys"].as_array_mut().unwrap().push(twin);
}, "key_ambiguous")]
#[case::a_key_for_encryption(|s: &mut Script| s.keys = |k| k["keys"][0]["use"] = json!("enc"), "key_unknown")]
#[case::a_key_that_does_not_verify(|s: &mut Script| s.keys = |k| k["keys"][0]["key_ops"] = json!(["sign"]), "key_unknown")]
#[case::a_key_of_another_algorithm(|s: &mut Script| s.keys = |k| k["keys"][0]["alg"] = json!("ES384"), "key_unknown")]
#[case::a_key_of_another_curve(|s: &mut Script| s.keys = |k| k["keys"][0]["crv"] = json!("secp256k1"), "key_unknown")]
#[case::a_key_off_its_curve(|s: &mut Script| s.keys = |k| k["keys"][0]["y"] = k["keys"][0]["x"].clone(), "signature")]
#[case::a_short_coordinate(|s: &mut Script| s.keys = |k| k["keys"][0]["x"] = json!("AAAA"), "key_unknown")]
#[case::a_published_private_key(|s: &mut Script| s.keys = |k| k["keys"][0]["d"] = json!("AAAA"), "key_unknown")]
#[case::a_symmetric_key(|s: &mut Script| s.keys = |k| k["keys"][0]["kty"] = json!("oct"), "key_unknown")]
#[case::a_short_rsa_key(|s: &mut Script| {
    s.algorithm = Algorithm::Rs256;
    s.keys = |k| k["keys"][0]["n"] = json!(encode([0xff; 128]));
}, "key_unknown")]
#[case::an_rsa_exponent_of_one(|s: &mut Script| {
    s.algorithm = Algorithm::Rs256;
    s.keys = |k| k["keys"][0]["e"] = json!("AQ");
}, "key_unknown")]
#[case::one_name_twice(|s: &mut Script| s.reply("keys", Reply::Body(r#"{"keys":[],"keys":[]}"#)), "json")]
#[case::a_page(|s: &mut Script| s.reply("keys", Reply::Media("text/plain")), "content_type")]
#[case::a_failure(|s: &mut Script| s.reply("keys", Reply::Status(404)), "status")]
#[case::a_redirect(|s: &mut Script| s.reply("keys", Reply::Redirect), "redirect")]
#[case::silence(|s: &mut Script| s.reply("keys", Reply::Silence), "timeout")]
#[case::two_megabytes(|s: &mut Script| s.reply("keys", Reply::Oversized), "too_large")]
#[tokio::test]
async fn a_key_set_that_misleads_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

fn set(callback: &mut [(String, String)], name: &str, value: &str) {
    for (_, old) in callback.iter_mut().filter(|(other, _)| other == name) {
        value.clone_into(old);
    }
}

#[rstest]
#[case::no_state(|s: &mut Script| s.callback = |c| c.retain(|(name, _)| name != "state"), "state_missing")]
#[case::the_state_of_another(|s: &mut Script| s.callback = |c| set(c, "state", &"A".repeat(43)), "state_mismatch")]
#[case::an_empty_state(|s: &mut Script| s.callback = |c| set(c, "state", ""), "state_mismatch")]
#[case::two_states(|s: &mut Script| s.callback = |c| c.push(("state".into(), "x".into())), "callback_repeats")]
#[case::two_codes(|s: &mut Script| s.callback = |c| c.push(("code".into(), "code-2".into())), "callback_repeats")]
#[case::two_issuers(|s: &mut Script| s.callback = |c| c.push(("iss".into(), "x".into())), "callback_repeats")]
#[case::mixed_up_with_another_provider(|s: &mut Script| s.callback = |c| set(c, "iss", "https://accounts.example.com"), "callback_issuer")]
#[case::mixed_up_without_a_promise(|s: &mut Script| {
    s.document = |d, _| remove(d, "authorization_response_iss_parameter_supported");
    s.callback = |c| set(c, "iss", "https://accounts.example.com");
}, "callback_issuer")]
#[case::a_promised_issuer_left_out(|s: &mut Script| s.callback = |c| c.retain(|(name, _)| name != "iss"), "callback_issuer_missing")]
#[case::another_providers_error(|s: &mut Script| s.callback = |c| {
    set(c, "iss", "https://accounts.example.com");
    c.push(("error".into(), "access_denied".into()));
}, "callback_issuer")]
#[case::an_error_beside_the_code(|s: &mut Script| s.callback = |c| c.push(("error".into(), "access_denied".into())), "provider_error")]
#[case::no_code(|s: &mut Script| s.callback = |c| c.retain(|(name, _)| name != "code"), "code_missing")]
#[case::an_empty_code(|s: &mut Script| s.callback = |c| set(c, "code", ""), "code_missing")]
#[case::a_code_of_nobody(|s: &mut Script| s.callback = |c| set(c, "code", "code-77"), "token_refused")]
#[case::an_endless_query(|s: &mut Script| s.callback = |c| c.push(("x".into(), "x".repeat(9_000))), "callback_too_long")]
#[tokio::test]
async fn a_callback_that_is_not_the_answer_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

#[rstest]
#[case::an_error_with_success(|s: &mut Script| s.answer = |a| a["error"] = json!("invalid_grant"), "token_refused")]
#[case::no_id_token(|s: &mut Script| s.answer = |a| remove(a, "id_token"), "missing")]
#[case::an_id_token_that_is_no_text(|s: &mut Script| s.answer = |a| a["id_token"] = json!([a["id_token"]]), "mistyped")]
#[case::no_access_token(|s: &mut Script| s.answer = |a| remove(a, "access_token"), "missing")]
#[case::an_access_token_that_is_no_text(|s: &mut Script| s.answer = |a| a["access_token"] = json!(7), "mistyped")]
#[case::another_token_type(|s: &mut Script| s.answer = |a| a["token_type"] = json!("DPoP"), "token_type")]
#[case::no_token_type(|s: &mut Script| s.answer = |a| remove(a, "token_type"), "missing")]
#[case::one_name_twice(|s: &mut Script| s.reply("token", Reply::Body(r#"{"id_token":"a","id_token":"b"}"#)), "json")]
#[case::a_page(|s: &mut Script| s.reply("token", Reply::Media("text/html")), "content_type")]
#[case::a_failure(|s: &mut Script| s.reply("token", Reply::Status(500)), "status")]
#[case::a_redirect(|s: &mut Script| s.reply("token", Reply::Redirect), "redirect")]
#[case::silence(|s: &mut Script| s.reply("token", Reply::Silence), "timeout")]
#[case::drops(|s: &mut Script| s.reply("token", Reply::Drip), "timeout")]
#[case::two_megabytes(|s: &mut Script| s.reply("token", Reply::Oversized), "too_large")]
#[tokio::test]
async fn an_exchange_that_misleads_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

/// A token signed with HMAC under the public key, which everybody knows.
fn with_hmac(token: &str) -> String {
    use aws_lc_rs::hmac;
    let [_, claims, _] = segments(token);
    let header = encode(r#"{"alg":"HS256","typ":"JWT","kid":"key-1"}"#);
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"public key");
    format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes())))
}

#[rstest]
#[case::no_signature_by_name(|s: &mut Script| s.token = |t| { let [_, c, _] = segments(&t); format!("{}.{c}.", encode(r#"{"alg":"none"}"#)) }, "algorithm")]
#[case::none_in_capitals(|s: &mut Script| s.token = |t| { let [_, c, _] = segments(&t); format!("{}.{c}.", encode(r#"{"alg":"NONE"}"#)) }, "algorithm")]
#[case::the_public_key_as_hmac_secret(|s: &mut Script| s.token = |t| with_hmac(&t), "algorithm")]
#[case::another_algorithm_of_its_own_key(|s: &mut Script| {
    s.algorithm = Algorithm::Rs256;
    s.connection = |c| c.algorithm = Algorithm::Ps256;
    s.document = |d, _| remove(d, "id_token_signing_alg_values_supported");
}, "algorithm")]
#[case::a_padding_that_the_connection_does_not_say(|s: &mut Script| {
    s.algorithm = Algorithm::Rs256;
    s.header = |h| h["alg"] = json!("PS256");
    s.keys = |k| remove(&mut k["keys"][0], "alg");
    s.connection = |c| c.algorithm = Algorithm::Ps256;
    s.document = |d, _| remove(d, "id_token_signing_alg_values_supported");
}, "signature")]
#[case::no_algorithm(|s: &mut Script| s.header = |h| remove(h, "alg"), "algorithm")]
#[case::an_algorithm_that_is_no_text(|s: &mut Script| s.header = |h| h["alg"] = json!(["ES256"]), "header")]
#[case::an_algorithm_in_lower_case(|s: &mut Script| s.header = |h| h["alg"] = json!("es256"), "algorithm")]
#[case::a_critical_extension(|s: &mut Script| s.header = |h| { h["crit"] = json!(["exp"]); h["exp"] = json!(1); }, "header")]
#[case::a_payload_that_is_not_encoded(|s: &mut Script| s.header = |h| h["b64"] = json!(false), "header")]
#[case::a_compressed_payload(|s: &mut Script| s.header = |h| h["zip"] = json!("DEF"), "header")]
#[case::an_access_token(|s: &mut Script| s.header = |h| h["typ"] = json!("at+jwt"), "token_kind")]
#[case::a_logout_token(|s: &mut Script| s.header = |h| h["typ"] = json!("logout+jwt"), "token_kind")]
#[case::a_type_that_is_no_text(|s: &mut Script| s.header = |h| h["typ"] = json!(1), "header")]
#[case::a_key_of_no_set(|s: &mut Script| s.header = |h| h["kid"] = json!("key-9"), "key_unknown")]
#[case::a_key_name_that_is_no_text(|s: &mut Script| s.header = |h| h["kid"] = json!(1), "header")]
#[case::no_key_name_and_several_keys(|s: &mut Script| {
    s.header = |h| remove(h, "kid");
    s.keys = |k| k["keys"].as_array_mut().unwrap().push(Key::generate(Algorithm::Es256, "key-2").jwk);
}, "key_unnamed")]
#[case::another_signer(|s: &mut Script| s.forge = true, "signature")]
#[case::another_signer_with_his_key_beside(|s: &mut Script| {
    s.token = |t| {
        let key = Key::generate(Algorithm::Es256, "key-1");
        let [_, claims, _] = segments(&t);
        let header = json!({"alg": "ES256", "kid": "key-1", "jwk": key.jwk}).to_string();
        let message = format!("{}.{claims}", encode(header));
        format!("{message}.{}", encode(key.sign(&message)))
    };
}, "signature")]
#[case::claims_changed_afterwards(|s: &mut Script| s.token = |t| {
    use base64::Engine as _;
    let [header, claims, signature] = segments(&t);
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = String::from_utf8(engine.decode(claims).unwrap()).unwrap();
    let claims = claims.replace("person-1", "person-2");
    format!("{header}.{}.{signature}", encode(claims))
}, "signature")]
#[case::an_empty_signature(|s: &mut Script| s.token = |t| { let [h, c, _] = segments(&t); format!("{h}.{c}.") }, "signature")]
#[case::a_signature_of_zeros(|s: &mut Script| s.token = |t| { let [h, c, _] = segments(&t); format!("{h}.{c}.{}", encode([0; 64])) }, "signature")]
#[case::a_signature_with_more_behind(|s: &mut Script| s.token = |t| t + "AAAA", "signature")]
#[case::two_segments(|s: &mut Script| s.token = |t| { let [h, c, _] = segments(&t); format!("{h}.{c}") }, "token_malformed")]
#[case::four_segments(|s: &mut Script| s.token = |t| t + ".AAAA", "token_malformed")]
#[case::five_segments_of_encryption(|s: &mut Script| s.token = |t| t + ".AAAA.AAAA", "token_malformed")]
#[case::padding(|s: &mut Script| s.token = |t| t + "==", "token_malformed")]
#[case::another_alphabet(|s: &mut Script| s.token = |t| { let [h, c, _] = segments(&t); format!("{h}.{c}.++//") }, "token_malformed")]
#[case::white_space(|s: &mut Script| s.token = |t| t + "\n", "token_malformed")]
#[case::sixty_five_kilobytes(|s: &mut Script| s.claims = |c| c["padding"] = json!("x".repeat(50_000)), "token_too_long")]
#[case::a_header_name_twice(|s: &mut Script| s.header_text = |t| t.replacen('{', r#"{"alg":"none","#, 1), "header_json")]
#[case::a_header_that_is_no_object(|s: &mut Script| s.header_text = |t| format!("[{t}]"), "header_json")]
#[case::a_claim_twice(|s: &mut Script| s.claims_text = |t| t.replacen('{', r#"{"sub":"person-0","#, 1), "claims_json")]
#[case::a_claim_twice_by_escape(|s: &mut Script| s.claims_text = |t| t.replacen('{', r#"{"s\u0075b":"person-0","#, 1), "claims_json")]
#[case::a_name_twice_inside(|s: &mut Script| s.claims_text = |t| t.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1), "claims_json")]
#[case::claims_that_are_no_object(|s: &mut Script| s.claims_text = |t| format!("[{t}]"), "claims_json")]
#[case::claims_and_more(|s: &mut Script| s.claims_text = |t| t + "{}", "claims_json")]
#[tokio::test]
async fn a_token_of_another_form_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

#[rstest]
#[case::no_issuer(|s: &mut Script| s.claims = |c| remove(c, "iss"), "claim_missing")]
#[case::another_issuer(|s: &mut Script| s.claims = |c| c["iss"] = json!("https://accounts.example.com"), "issuer")]
#[case::an_issuer_with_a_slash(|s: &mut Script| s.claims = |c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap())), "issuer")]
#[case::an_issuer_in_capitals(|s: &mut Script| s.claims = |c| c["iss"] = json!(c["iss"].as_str().unwrap().to_uppercase()), "issuer")]
#[case::a_list_of_issuers(|s: &mut Script| s.claims = |c| c["iss"] = json!([c["iss"]]), "claim_type")]
#[case::no_audience(|s: &mut Script| s.claims = |c| remove(c, "aud"), "claim_missing")]
#[case::another_audience(|s: &mut Script| s.claims = |c| c["aud"] = json!("another client"), "audience")]
#[case::an_audience_that_begins_like_us(|s: &mut Script| s.claims = |c| c["aud"] = json!(format!("{CLIENT} 2")), "audience")]
#[case::an_empty_list_of_audiences(|s: &mut Script| s.claims = |c| c["aud"] = json!([]), "claim_type")]
#[case::an_audience_that_is_no_text(|s: &mut Script| s.claims = |c| c["aud"] = json!([CLIENT, 7]), "claim_type")]
#[case::a_stranger_in_the_audience(|s: &mut Script| s.claims = |c| { c["aud"] = json!([CLIENT, "stranger"]); c["azp"] = json!(CLIENT); }, "audience_untrusted")]
#[case::several_audiences_and_no_azp(|s: &mut Script| {
    s.claims = |c| c["aud"] = json!([CLIENT, "api"]);
    s.connection = |c| c.trusted_audiences = vec!["api".to_owned()];
}, "authorized_party")]
#[case::issued_to_another(|s: &mut Script| s.claims = |c| c["azp"] = json!("another client"), "authorized_party")]
#[case::azp_in_a_list(|s: &mut Script| s.claims = |c| c["azp"] = json!([CLIENT]), "claim_type")]
#[case::no_expiry(|s: &mut Script| s.claims = |c| remove(c, "exp"), "claim_missing")]
#[case::expired(|s: &mut Script| s.claims = |c| { c["iat"] = json!(NOW - 400); c["exp"] = json!(NOW - 60); }, "expired")]
#[case::an_expiry_as_text(|s: &mut Script| s.claims = |c| c["exp"] = json!((NOW + 300).to_string()), "claim_type")]
#[case::an_expiry_of_1e400(|s: &mut Script| s.claims_text = |t| t.replace(&format!("\"exp\":{}", NOW + 300), "\"exp\":1e400"), "claims_json")]
#[case::an_expiry_of_1e300(|s: &mut Script| s.claims = |c| c["exp"] = json!(1e300), "claim_type")]
#[case::a_negative_expiry(|s: &mut Script| s.claims = |c| c["exp"] = json!(-1), "claim_type")]
#[case::an_expiry_of_null(|s: &mut Script| s.claims = |c| c["exp"] = json!(null), "claim_type")]
#[case::an_expiry_of_true(|s: &mut Script| s.claims = |c| c["exp"] = json!(true), "claim_type")]
#[case::no_time_of_issue(|s: &mut Script| s.claims = |c| remove(c, "iat"), "claim_missing")]
#[case::issued_in_the_future(|s: &mut Script| s.claims = |c| c["iat"] = json!(NOW + 61), "issued_in_future")]
#[case::a_time_of_issue_as_text(|s: &mut Script| s.claims = |c| c["iat"] = json!("now"), "claim_type")]
#[case::an_end_before_the_beginning(|s: &mut Script| s.claims = |c| { c["iat"] = json!(NOW + 30); c["exp"] = json!(NOW + 30); }, "times")]
#[case::valid_in_the_future(|s: &mut Script| s.claims = |c| c["nbf"] = json!(NOW + 61), "not_yet_valid")]
#[case::a_beginning_as_text(|s: &mut Script| s.claims = |c| c["nbf"] = json!("0"), "claim_type")]
#[case::no_nonce(|s: &mut Script| s.claims = |c| remove(c, "nonce"), "claim_missing")]
#[case::the_nonce_of_another_sign_in(|s: &mut Script| s.claims = |c| c["nonce"] = json!("A".repeat(43)), "nonce")]
#[case::a_list_of_nonces(|s: &mut Script| s.claims = |c| c["nonce"] = json!([c["nonce"]]), "claim_type")]
#[case::no_subject(|s: &mut Script| s.claims = |c| remove(c, "sub"), "claim_missing")]
#[case::an_empty_subject(|s: &mut Script| s.claims = |c| c["sub"] = json!(""), "subject")]
#[case::a_long_subject(|s: &mut Script| s.claims = |c| c["sub"] = json!("x".repeat(256)), "subject")]
#[case::a_subject_that_is_a_number(|s: &mut Script| s.claims = |c| c["sub"] = json!(1), "claim_type")]
#[case::a_subject_with_a_null_character(|s: &mut Script| s.claims = |c| c["sub"] = json!("person-1\0"), "subject")]
#[case::a_subject_with_white_space_around(|s: &mut Script| s.claims = |c| c["sub"] = json!("person-1 "), "subject")]
#[case::another_access_token(|s: &mut Script| s.claims = |c| c["at_hash"] = json!(encode([0; 16])), "access_token_hash")]
#[case::an_access_token_hash_that_is_no_text(|s: &mut Script| s.claims = |c| c["at_hash"] = json!(null), "claim_type")]
#[case::another_code(|s: &mut Script| s.claims = |c| c["c_hash"] = json!(encode([0; 16])), "code_hash")]
#[case::no_auth_time_though_asked(|s: &mut Script| { s.request = |r| r.max_age = Some(60); s.claims = |c| remove(c, "auth_time"); }, "claim_missing")]
#[case::signed_in_too_long_ago(|s: &mut Script| { s.request = |r| r.max_age = Some(60); s.claims = |c| c["auth_time"] = json!(NOW - 121); }, "auth_time")]
#[case::signed_in_in_the_future(|s: &mut Script| s.claims = |c| c["auth_time"] = json!(NOW + 61), "auth_time")]
#[case::an_auth_time_as_text(|s: &mut Script| { s.request = |r| r.max_age = Some(60); s.claims = |c| c["auth_time"] = json!(NOW.to_string()); }, "claim_type")]
#[case::no_acr_though_demanded(|s: &mut Script| s.request = |r| r.acr_values = vec!["urn:mfa".into()], "claim_missing")]
#[case::a_lower_acr(|s: &mut Script| { s.request = |r| r.acr_values = vec!["urn:mfa".into()]; s.claims = |c| c["acr"] = json!("0"); }, "acr")]
#[case::a_list_of_addresses(|s: &mut Script| s.claims = |c| c["email"] = json!(["ada@example.com", "eve@example.com"]), "claim_type")]
#[case::an_address_with_two_parts(|s: &mut Script| s.claims = |c| c["email"] = json!("ada@example.com@evil.example"), "claim_type")]
#[case::a_name_that_is_no_text(|s: &mut Script| s.claims = |c| c["name"] = json!({"first": "Ada"}), "claim_type")]
#[case::an_endless_name(|s: &mut Script| s.claims = |c| c["name"] = json!("x".repeat(257)), "claim_type")]
#[case::a_group_that_is_no_list(|s: &mut Script| { s.connection = |c| c.mapping.groups = Some("groups".parse().unwrap()); s.claims = |c| c["groups"] = json!("admins"); }, "claim_type")]
#[case::a_session_that_is_no_text(|s: &mut Script| s.claims = |c| c["sid"] = json!(1), "claim_type")]
#[tokio::test]
async fn a_claim_that_is_not_as_it_must_be_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let refusal = refusal(misbehave).await;
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

/// The token says nothing of an address, so that userinfo is asked.
fn silent(script: &mut Script) {
    script.claims = |c| remove(c, "email");
}

#[rstest]
#[case::somebody_else(|s: &mut Script| s.userinfo = |u| u["sub"] = json!("person-2"), "userinfo_subject")]
#[case::nobody(|s: &mut Script| s.userinfo = |u| remove(u, "sub"), "missing")]
#[case::a_subject_that_is_no_text(|s: &mut Script| s.userinfo = |u| u["sub"] = json!(["person-1"]), "mistyped")]
#[case::a_list_of_addresses(|s: &mut Script| s.userinfo = |u| u["email"] = json!(["ada@example.com"]), "claim_type")]
#[case::one_name_twice(|s: &mut Script| s.reply("userinfo", Reply::Body(r#"{"sub":"person-1","email":"a@x.example","email":"ada@example.com"}"#)), "json")]
#[case::a_token_instead(|s: &mut Script| s.reply("userinfo", Reply::Media("application/jwt")), "content_type")]
#[case::refused(|s: &mut Script| s.reply("userinfo", Reply::Status(401)), "status")]
#[case::a_redirect(|s: &mut Script| s.reply("userinfo", Reply::Redirect), "redirect")]
#[case::silence(|s: &mut Script| s.reply("userinfo", Reply::Silence), "timeout")]
#[case::two_megabytes(|s: &mut Script| s.reply("userinfo", Reply::Oversized), "too_large")]
#[tokio::test]
async fn userinfo_that_misleads_is_refused(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let mut script = Script::default();
    silent(&mut script);
    misbehave(&mut script);
    let refusal = World::new(script).await.sign_in().await.unwrap_err();
    assert_eq!(refusal.cause(), expected, "{refusal}");
}

#[rstest]
#[case::said_no(|s: &mut Script| s.claims = |c| c["email_verified"] = json!(false))]
#[case::a_text(|s: &mut Script| s.claims = |c| c["email_verified"] = json!("true"))]
#[case::a_number(|s: &mut Script| s.claims = |c| c["email_verified"] = json!(1))]
#[case::a_list(|s: &mut Script| s.claims = |c| c["email_verified"] = json!([true]))]
#[case::another_spelling(|s: &mut Script| { s.claims = |c| { remove(c, "email_verified"); c["emailVerified"] = json!(true); }; s.userinfo = |u| remove(u, "email_verified"); })]
#[case::the_word_on_another_address(|s: &mut Script| { s.claims = |c| remove(c, "email_verified"); s.userinfo = |u| u["email"] = json!("eve@example.com"); })]
#[case::a_word_without_an_address(|s: &mut Script| { s.claims = |c| remove(c, "email_verified"); s.userinfo = |u| remove(u, "email"); })]
#[case::an_address_without_a_word(|s: &mut Script| { s.claims = |c| remove(c, "email"); s.userinfo = |u| remove(u, "email_verified"); })]
#[tokio::test]
async fn an_address_that_was_not_proved_leads_to_no_account(#[case] misbehave: fn(&mut Script)) {
    let mut script = Script::default();
    misbehave(&mut script);
    let identity = World::new(script).await.sign_in().await.unwrap();
    assert_eq!(
        identity.email.as_ref().unwrap().address.as_str(),
        "ada@example.com"
    );
    assert_eq!(identity.verified_email(), None);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_no_flood_to_the_provider() {
    let script = Script {
        header: |h| h["kid"] = json!("key-9"),
        ..Script::default()
    };
    let world = World::new(script).await;
    for _ in 0..30 {
        assert_eq!(world.sign_in().await.unwrap_err().reason(), "key_unknown");
    }
    assert_eq!(world.provider.hits("keys"), 1);
    world.advance(Duration::from_secs(60));
    for _ in 0..30 {
        assert_eq!(world.sign_in().await.unwrap_err().reason(), "key_unknown");
    }
    assert_eq!(world.provider.hits("keys"), 2);
    assert_eq!(world.provider.hits("document"), 1);
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_asked_again_at_once() {
    let mut script = Script::default();
    script.reply("document", Reply::Status(503));
    let world = World::new(script).await;
    for _ in 0..10 {
        assert_eq!(world.begin().await.unwrap_err().cause(), "status");
    }
    assert_eq!(world.provider.hits("document"), 1);
}

#[tokio::test]
async fn the_answer_of_one_sign_in_is_none_to_another() {
    let world = World::new(Script::default()).await;
    let (one, other) = (world.begin().await.unwrap(), world.begin().await.unwrap());
    let query = world.provider.authorize(&one.url);
    let callback = vestibule_sso::callback::Callback::read(&query).unwrap();
    let refusal = world
        .ours
        .finish(&other.pending, callback)
        .await
        .unwrap_err();
    assert_eq!(refusal.reason(), "state_mismatch");
}

#[tokio::test]
async fn a_code_that_was_slipped_in_fails_by_its_verifier() {
    let world = World::new(Script::default()).await;
    let (one, other) = (world.begin().await.unwrap(), world.begin().await.unwrap());
    let stolen = world.provider.authorize(&other.url);
    let code = form_urlencoded::parse(stolen.as_bytes())
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", one.pending.state.expose())
        .append_pair("iss", &world.provider.base)
        .finish();
    let callback = vestibule_sso::callback::Callback::read(&query).unwrap();
    let refusal = world.ours.finish(&one.pending, callback).await.unwrap_err();
    assert_eq!(refusal.reason(), "token_refused");
}

#[tokio::test]
async fn a_connection_that_changed_meanwhile_does_not_finish_an_old_sign_in() {
    let world = World::new(Script::default()).await;
    let begun = world.begin().await.unwrap();
    let query = world.provider.authorize(&begun.url);
    let changed = OidcConnection {
        issuer: "https://new.example.com".to_owned(),
        ..world.connection.clone()
    };
    let changed = OidcProvider::new(world.party.clone(), changed);
    let callback = vestibule_sso::callback::Callback::read(&query).unwrap();
    let refusal = changed.finish(&begun.pending, callback).await.unwrap_err();
    assert_eq!(refusal.reason(), "connection_changed");
}

#[tokio::test]
async fn what_the_provider_says_is_quoted_without_its_control_characters() {
    let script = Script {
        callback: |c| {
            c.push(("error".into(), "access_denied".into()));
            c.push((
                "error_description".into(),
                format!("no\r\n\u{1b}[31m{}", "x".repeat(500)),
            ));
        },
        ..Script::default()
    };
    let text = World::new(script)
        .await
        .sign_in()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("access_denied") && !text.contains(char::is_control),
        "{text}"
    );
    assert!(text.chars().count() < 300);
    assert!(!text.contains(RETURN));
}

#[rstest]
#[case::scheme(|s: &mut Script| s.connection = |c| c.issuer = "http://id.example.com".into(), "scheme")]
#[case::no_url(|s: &mut Script| s.connection = |c| c.issuer = "id.example.com".into(), "scheme")]
#[case::address(|s: &mut Script| s.connection = |c| c.issuer = "https://10.0.0.1".into(), "address_guard")]
#[case::unknown_name(|s: &mut Script| s.connection = |c| c.issuer = "https://nowhere.example".into(), "address_guard")]
#[case::no_document(|s: &mut Script| s.connection = |c| c.issuer += "/realms/none", "discovery")]
#[case::issuer(|s: &mut Script| s.document = |d, _| d["issuer"] = json!("https://x.example"), "issuer")]
#[case::endpoints(|s: &mut Script| s.document = |d, _| remove(d, "token_endpoint"), "endpoints")]
#[case::code_flow(|s: &mut Script| s.document = |d, _| d["response_types_supported"] = json!(["token"]), "code_flow")]
#[case::s256(|s: &mut Script| s.document = |d, _| d["code_challenge_methods_supported"] = json!([]), "s256")]
#[case::algorithm(|s: &mut Script| s.document = |d, _| d["id_token_signing_alg_values_supported"] = json!(["RS256"]), "algorithm")]
#[case::client_auth(|s: &mut Script| s.document = |d, _| d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]), "client_auth")]
#[case::keys(|s: &mut Script| s.keys = |k| k["keys"] = json!([]), "keys")]
#[tokio::test]
async fn a_wrong_value_is_answered_with_which_one_and_why(
    #[case] misbehave: fn(&mut Script),
    #[case] expected: &str,
) {
    let mut script = Script::default();
    misbehave(&mut script);
    let checks = World::new(script).await.ours.preflight().await;
    assert_eq!(checks.len(), 12);
    let first = checks.iter().find(|check| !check.passed).unwrap();
    assert_eq!(first.name, expected, "{checks:#?}");
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let world = World::new(Script::default()).await;
    world.provider.clock.advance(Duration::from_secs(61));
    let checks = world.ours.preflight().await;
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
    assert_eq!(failed.len(), 1, "{checks:#?}");
    assert_eq!(failed[0].name, "clock");
    assert_eq!(failed[0].detail, "the clocks are 61 s apart");
}
