use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use vestibule_model::clock::ManualClock;
use vestibule_model::{OrganizationId, SessionId, UserId};

use super::*;
use crate::testing::Predictable;
use crate::token::{MAX_BYTES, TokenId};
use crate::{MasterKey, SealError};

const START: i64 = 1_800_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

fn start() -> Timestamp {
    Timestamp::from_seconds(START)
}

fn issuer() -> Issuer {
    Issuer {
        issuer: "https://auth.example.com".to_owned(),
        audience: "https://api.example.com".to_owned(),
    }
}

fn key(seed: u64) -> SigningKey {
    let clock = ManualClock::new(start().after(Duration::from_secs(seed)));
    SigningKey::generate(&clock, &Predictable::from(seed * 100))
}

fn keyring() -> Keyring {
    Keyring::new(issuer(), vec![key(1)]).unwrap()
}

fn claims() -> Claims {
    let clock = ManualClock::new(start());
    let entropy = Predictable::from(5);
    Claims {
        subject: UserId::mint(&clock, &entropy),
        organization: OrganizationId::mint(&clock, &entropy),
        session: SessionId::mint(&clock, &entropy),
        id: TokenId::mint(&clock, &entropy),
        issued_at: start(),
        expires_at: start().after(HOUR),
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs any two texts with the keyring's own key: what an attacker cannot do, so that each rule
/// of the strict reading is tested by itself.
fn signed(header: &str, payload: &str) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(key(1).seed.as_slice()).unwrap();
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(pair.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn header() -> serde_json::Value {
    json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": key(1).id.to_string() })
}

fn payload() -> serde_json::Value {
    let claims = claims();
    json!({
        "iss": issuer().issuer,
        "aud": issuer().audience,
        "sub": claims.subject,
        "org": claims.organization,
        "sid": claims.session,
        "iat": START,
        "exp": START + 3_600,
        "jti": claims.id,
    })
}

fn with(mut object: serde_json::Value, name: &str, value: serde_json::Value) -> String {
    object[name] = value;
    object.to_string()
}

fn without(mut object: serde_json::Value, name: &str) -> String {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object.to_string()
}

/// The object with more text inside its braces, as a JSON value could not hold it.
fn raw(object: &serde_json::Value, more: &str) -> String {
    let text = object.to_string();
    format!("{},{more}}}", text.strip_suffix('}').unwrap())
}

fn refusal(token: &str) -> TokenError {
    keyring().verify(token, start()).unwrap_err()
}

#[test]
fn a_signed_token_is_verified_and_states_what_was_signed() {
    let keyring = keyring();
    let token = keyring.sign(&claims()).unwrap();
    assert!(crate::token::looks_like_token(&token));
    assert_eq!(keyring.verify(&token, start()).unwrap().claims, claims());
}

#[test]
fn the_same_claims_give_the_same_text() {
    assert_eq!(
        keyring().sign(&claims()).unwrap(),
        keyring().sign(&claims()).unwrap()
    );
}

#[test]
fn a_token_written_by_hand_in_the_one_spelling_passes() {
    let token = signed(&header().to_string(), &payload().to_string());
    assert_eq!(keyring().verify(&token, start()).unwrap().claims, claims());
}

#[test]
fn a_token_s_parts_are_those_of_rfc_9068() {
    let token = keyring().sign(&claims()).unwrap();
    let mut parts = token
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let read = |part: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&part).unwrap();
    assert_eq!(read(parts.next().unwrap()), header());
    assert_eq!(read(parts.next().unwrap()), payload());
}

#[rstest]
#[case::alg_none("alg", json!("none"), TokenError::Algorithm)]
#[case::alg_none_in_capitals("alg", json!("NONE"), TokenError::Algorithm)]
#[case::alg_hs256("alg", json!("HS256"), TokenError::Algorithm)]
#[case::alg_es256("alg", json!("ES256"), TokenError::Algorithm)]
#[case::alg_rs256("alg", json!("RS256"), TokenError::Algorithm)]
#[case::alg_in_other_case("alg", json!("eddsa"), TokenError::Algorithm)]
#[case::alg_of_the_curve("alg", json!("Ed25519"), TokenError::Algorithm)]
#[case::alg_null("alg", json!(null), TokenError::Malformed)]
#[case::alg_list("alg", json!(["EdDSA"]), TokenError::Malformed)]
#[case::typ_jwt("typ", json!("JWT"), TokenError::Malformed)]
#[case::typ_of_an_id_token("typ", json!("id+jwt"), TokenError::Malformed)]
#[case::typ_in_capitals("typ", json!("AT+JWT"), TokenError::Malformed)]
#[case::typ_as_media_type("typ", json!("application/at+jwt"), TokenError::Malformed)]
#[case::typ_null("typ", json!(null), TokenError::Malformed)]
#[case::kid_unknown("kid", json!("jwk_01h455vb4pex5vsknk084sn02q"), TokenError::UnknownKey)]
#[case::kid_no_id("kid", json!("../../etc/passwd"), TokenError::UnknownKey)]
#[case::kid_empty("kid", json!(""), TokenError::UnknownKey)]
#[case::kid_as_uuid("kid", json!(key(1).id.uuid().to_string()), TokenError::UnknownKey)]
#[case::kid_number("kid", json!(1), TokenError::Malformed)]
#[case::kid_null("kid", json!(null), TokenError::Malformed)]
#[case::crit("crit", json!(["exp"]), TokenError::Malformed)]
#[case::crit_empty("crit", json!([]), TokenError::Malformed)]
#[case::b64("b64", json!(false), TokenError::Malformed)]
#[case::jku("jku", json!("https://evil.example"), TokenError::Malformed)]
#[case::jwk("jwk", json!({"kty": "OKP"}), TokenError::Malformed)]
#[case::x5u("x5u", json!("https://evil.example"), TokenError::Malformed)]
#[case::x5c("x5c", json!([]), TokenError::Malformed)]
#[case::cty("cty", json!("JWT"), TokenError::Malformed)]
#[case::zip("zip", json!("DEF"), TokenError::Malformed)]
fn a_header_with_another_value_is_refused(
    #[case] name: &str,
    #[case] value: serde_json::Value,
    #[case] because: TokenError,
) {
    let token = signed(&with(header(), name, value), &payload().to_string());
    assert_eq!(refusal(&token), because);
}

#[rstest]
#[case::alg("alg")]
#[case::typ("typ")]
#[case::kid("kid")]
fn a_header_without_one_of_its_three_names_is_refused(#[case] name: &str) {
    let token = signed(&without(header(), name), &payload().to_string());
    assert_eq!(refusal(&token), TokenError::Malformed);
}

#[rstest]
#[case::issuer("iss", json!("https://evil.example"), TokenError::Issuer)]
#[case::issuer_with_slash("iss", json!("https://auth.example.com/"), TokenError::Issuer)]
#[case::issuer_list("iss", json!(["https://auth.example.com"]), TokenError::Claims)]
#[case::issuer_null("iss", json!(null), TokenError::Claims)]
#[case::audience("aud", json!("https://other.example.com"), TokenError::Audience)]
#[case::audience_list("aud", json!(["https://api.example.com"]), TokenError::Claims)]
#[case::audience_empty("aud", json!(""), TokenError::Audience)]
#[case::subject_of_another_kind("sub", json!("key_01h455vb4pex5vsknk084sn02q"), TokenError::Claims)]
#[case::subject_as_uuid("sub", json!(claims().subject.uuid().to_string()), TokenError::Claims)]
#[case::subject_number("sub", json!(1), TokenError::Claims)]
#[case::organization_of_another_kind("org", json!(claims().subject), TokenError::Claims)]
#[case::organization_null("org", json!(null), TokenError::Claims)]
#[case::session_empty("sid", json!(""), TokenError::Claims)]
#[case::id_not_a_uuid("jti", json!("1"), TokenError::Claims)]
#[case::id_in_capitals("jti", json!(claims().id.to_string().to_uppercase()), TokenError::Claims)]
#[case::id_without_hyphens("jti", json!(claims().id.uuid().simple().to_string()), TokenError::Claims)]
#[case::exp_float("exp", json!(1_800_003_600.5), TokenError::Claims)]
#[case::exp_whole_float("exp", json!(1_800_003_600.0), TokenError::Claims)]
#[case::exp_text("exp", json!("1800003600"), TokenError::Claims)]
#[case::exp_null("exp", json!(null), TokenError::Claims)]
#[case::exp_true("exp", json!(true), TokenError::Claims)]
#[case::exp_negative("exp", json!(-1), TokenError::Claims)]
#[case::exp_after_the_calendar("exp", json!(253_402_300_800_i64), TokenError::Claims)]
#[case::exp_beyond_64_bits("exp", json!(u64::MAX), TokenError::Claims)]
#[case::exp_before_iat("exp", json!(START), TokenError::Claims)]
#[case::iat_text("iat", json!("1800000000"), TokenError::Claims)]
#[case::iat_float("iat", json!(1_800_000_000.25), TokenError::Claims)]
#[case::iat_far_ahead("iat", json!(START + 61), TokenError::NotYetValid)]
#[case::nbf("nbf", json!(START), TokenError::Claims)]
#[case::scope("scope", json!("admin"), TokenError::Claims)]
#[case::role("role", json!("OWNER"), TokenError::Claims)]
#[case::empty_name("", json!(1), TokenError::Claims)]
fn a_claim_with_another_value_is_refused(
    #[case] name: &str,
    #[case] value: serde_json::Value,
    #[case] because: TokenError,
) {
    let token = signed(&header().to_string(), &with(payload(), name, value));
    assert_eq!(refusal(&token), because);
}

#[rstest]
fn a_token_without_one_of_its_claims_is_refused(
    #[values("iss", "aud", "sub", "org", "sid", "iat", "exp", "jti")] name: &str,
) {
    let token = signed(&header().to_string(), &without(payload(), name));
    assert_eq!(refusal(&token), TokenError::Claims);
}

#[rstest]
#[case::of_1e400(r#""exp":1e400"#)]
#[case::of_1e9(r#""exp":2e9"#)]
#[case::minus_zero(r#""exp":-0"#)]
#[case::leading_zero(r#""exp":01800003600"#)]
#[case::plus(r#""exp":+1800003600"#)]
#[case::hexadecimal(r#""exp":0x6b49d200"#)]
#[case::not_a_number(r#""exp":NaN"#)]
fn a_time_is_a_plain_integer(#[case] exp: &str) {
    let mut rest = payload();
    rest.as_object_mut().unwrap().remove("exp");
    let token = signed(&header().to_string(), &raw(&rest, exp));
    assert!(matches!(
        refusal(&token),
        TokenError::Claims | TokenError::Malformed
    ));
}

#[rstest]
#[case::same(r#""alg":"EdDSA""#)]
#[case::other(r#""alg":"none""#)]
#[case::hidden_by_an_escape(r#""\u0061lg":"none""#)]
#[case::kid(r#""kid":"jwk_01h455vb4pex5vsknk084sn02q""#)]
fn a_name_twice_in_the_header_is_refused(#[case] more: &str) {
    let token = signed(&raw(&header(), more), &payload().to_string());
    assert_eq!(refusal(&token), TokenError::Malformed);
}

#[rstest]
#[case::same(&format!(r#""exp":{}"#, START + 3_600))]
#[case::later(r#""exp":9999999999"#)]
#[case::hidden_by_an_escape(r#""e\u0078p":9999999999"#)]
#[case::subject(r#""sub":"user_01h455vb4pex5vsknk084sn02q""#)]
fn a_name_twice_in_the_claims_is_refused(#[case] more: &str) {
    let token = signed(&header().to_string(), &raw(&payload(), more));
    assert_eq!(refusal(&token), TokenError::Claims);
}

#[rstest]
#[case::empty("")]
#[case::null("null")]
#[case::text("\"\"")]
#[case::list_in_the_order_of_the_names(r#"["EdDSA","at+jwt","jwk_01h455vb4pex5vsknk084sn02q"]"#)]
#[case::open("{")]
#[case::two_objects("{}{}")]
#[case::byte_order_mark("\u{feff}{}")]
#[case::white_space_around(" {} ")]
#[case::comment("{/**/}")]
fn a_part_that_is_not_one_object_is_refused(#[case] part: &str) {
    let header_wrong = signed(part, &payload().to_string());
    assert_eq!(refusal(&header_wrong), TokenError::Malformed);
    let payload_wrong = signed(&header().to_string(), part);
    // Of two faults, a missing claim and what follows the object, the first is named.
    assert!(matches!(
        refusal(&payload_wrong),
        TokenError::Malformed | TokenError::Claims
    ));
}

#[test]
fn claims_as_a_list_in_the_order_of_the_names_are_refused() {
    let values: Vec<_> = ["iss", "aud", "sub", "org", "sid", "iat", "exp", "jti"]
        .iter()
        .map(|name| payload()[name].clone())
        .collect();
    let token = signed(&header().to_string(), &json!(values).to_string());
    assert_eq!(refusal(&token), TokenError::Malformed);
}

#[test]
fn an_escape_in_the_header_s_values_is_refused() {
    let escaped = header().to_string().replace("EdDSA", "Ed\\u0044SA");
    let token = signed(&escaped, &payload().to_string());
    assert_eq!(refusal(&token), TokenError::Malformed);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    let header = encode(header().to_string());
    let token = format!("{header}.{}.AAAA", encode(b"{\"iss\":\"\xff\"}"));
    assert_eq!(refusal(&token), TokenError::Malformed);
}

#[rstest]
#[case::empty(|_: &str| String::new())]
#[case::dots(|_: &str| "..".to_owned())]
#[case::two_segments(|t: &str| t.rsplit_once('.').unwrap().0.to_owned())]
#[case::four_segments(|t: &str| format!("{t}.AAAA"))]
#[case::four_segments_the_last_empty(|t: &str| format!("{t}."))]
#[case::five_segments_as_a_jwe(|t: &str| format!("{t}.AAAA.AAAA"))]
#[case::no_signature(|t: &str| format!("{}.", t.rsplit_once('.').unwrap().0))]
#[case::padding(|t: &str| format!("{t}=="))]
#[case::padding_of_the_header(|t: &str| t.replacen('.', "=.", 1))]
#[case::space_before(|t: &str| format!(" {t}"))]
#[case::space_after(|t: &str| format!("{t} "))]
#[case::line_break_after(|t: &str| format!("{t}\n"))]
#[case::line_break_inside(|t: &str| t.replacen('.', "\n.", 1))]
#[case::nul(|t: &str| format!("{t}\0"))]
#[case::standard_alphabet(|t: &str| format!("{}+/", &t[..t.len() - 2]))]
#[case::percent_encoded(|t: &str| t.replacen('.', "%2e", 1))]
#[case::not_ascii(|t: &str| t.replacen('.', "é.", 1))]
#[case::json_serialisation(|t: &str| format!("{{\"payload\":\"{t}\"}}"))]
#[case::two_tokens(|t: &str| format!("{t},{t}"))]
fn another_outer_form_is_refused(#[case] change: fn(&str) -> String) {
    let token = keyring().sign(&claims()).unwrap();
    let refused = refusal(&change(&token));
    assert!(
        matches!(refused, TokenError::Malformed | TokenError::Signature),
        "{refused:?}"
    );
}

#[test]
fn unused_bits_that_are_not_zero_are_refused() {
    // 64 bytes end in a character of which four bits are unused: 16 spellings of one signature.
    let token = keyring().sign(&claims()).unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let place = alphabet.find(last).unwrap();
    assert_eq!(place % 16, 0);
    for offset in 1..16 {
        let other = &alphabet[place + offset..=place + offset];
        assert_eq!(refusal(&format!("{rest}{other}")), TokenError::Malformed);
    }
}

#[test]
fn a_token_longer_than_8_kib_is_not_read() {
    let long = "A".repeat(MAX_BYTES + 1);
    assert_eq!(refusal(&long), TokenError::TooLong);
    let real = signed(
        &header().to_string(),
        &with(payload(), "iss", json!("x".repeat(MAX_BYTES))),
    );
    assert_eq!(refusal(&real), TokenError::TooLong);
    assert_eq!(refusal(&"A".repeat(MAX_BYTES)), TokenError::Malformed);
}

#[test]
fn a_signature_by_another_key_under_our_id_is_refused() {
    let mut stranger = key(2);
    stranger.id = key(1).id;
    let token = Keyring::new(issuer(), vec![stranger])
        .unwrap()
        .sign(&claims())
        .unwrap();
    assert_eq!(refusal(&token), TokenError::Signature);
}

#[test]
fn a_signature_moved_to_other_claims_is_refused() {
    let token = keyring().sign(&claims()).unwrap();
    let signature = token.rsplit_once('.').unwrap().1;
    let longer = with(payload(), "exp", json!(START + 7_200));
    let forged = format!(
        "{}.{}.{signature}",
        encode(header().to_string()),
        encode(longer)
    );
    assert_eq!(refusal(&forged), TokenError::Signature);
}

#[test]
fn a_signature_of_the_wrong_length_is_refused() {
    let token = keyring().sign(&claims()).unwrap();
    let message = token.rsplit_once('.').unwrap().0;
    for length in [1, 32, 63, 65, 96] {
        let forged = format!("{message}.{}", encode(vec![0; length]));
        assert_eq!(refusal(&forged), TokenError::Signature);
    }
}

#[test]
fn the_public_key_used_as_an_hmac_secret_opens_nothing() {
    let mut hs256 = Header::new(Algorithm::HS256);
    hs256.typ = Some(TYPE.to_owned());
    hs256.kid = Some(key(1).id.to_string());
    let secret = EncodingKey::from_secret(&keyring().active.public);
    let token = jsonwebtoken::encode(&hs256, &payload(), &secret).unwrap();
    assert_eq!(refusal(&token), TokenError::Algorithm);
}

#[test]
fn a_token_is_refused_from_its_last_second_on() {
    let keyring = keyring();
    let token = keyring.sign(&claims()).unwrap();
    let end = claims().expires_at;
    let before = end.before(Duration::from_micros(1));
    assert!(keyring.verify(&token, before).is_ok());
    assert_eq!(keyring.verify(&token, end), Err(TokenError::Expired));
    // Whose it was is known as long as its key is.
    assert!(keyring.verify_signature(&token, end).is_ok());
    let decade = Duration::from_secs(10 * 365 * 24 * 3_600);
    assert_eq!(
        keyring.verify(&token, end.after(decade)),
        Err(TokenError::Expired)
    );
}

#[test]
fn a_token_of_a_clock_a_minute_ahead_passes_and_no_more() {
    let keyring = keyring();
    let token = keyring.sign(&claims()).unwrap();
    assert!(keyring.verify(&token, start().before(LAG)).is_ok());
    assert_eq!(
        keyring.verify(&token, start().before(LAG * 2)),
        Err(TokenError::NotYetValid)
    );
}

#[test]
fn the_newest_key_signs_and_a_retired_one_verifies_until_its_tokens_are_dead() {
    let token = keyring().sign(&claims()).unwrap();
    let mut old = key(1);
    let retired_at = start().after(Duration::from_secs(60));
    old.retired_at = Some(retired_at);
    let ring = Keyring::new(issuer(), vec![old, key(2)]).unwrap();
    assert_eq!(ring.active_key(), key(2).id);
    assert_eq!(ring.verify(&token, retired_at).unwrap().claims, claims());
    let last = retired_at.after(HOUR + LAG);
    let before = last.before(Duration::from_micros(1));
    assert_eq!(ring.verify(&token, before), Err(TokenError::Expired));
    assert_eq!(ring.verify(&token, last), Err(TokenError::UnknownKey));
    let kids = |now| ring.jwks(now)["keys"].as_array().unwrap().len();
    assert_eq!((kids(before), kids(last)), (2, 1));
}

#[test]
fn what_a_retired_key_signs_after_its_retirement_is_refused() {
    let ring_of_the_thief = keyring();
    let mut old = key(1);
    old.retired_at = Some(start());
    let ring = Keyring::new(issuer(), vec![old, key(2)]).unwrap();
    let made = |at: Timestamp| {
        let claims = Claims {
            issued_at: at,
            expires_at: at.after(HOUR),
            ..claims()
        };
        ring.verify(&ring_of_the_thief.sign(&claims).unwrap(), at)
    };
    // A server may not have heard of the rotation yet.
    assert!(made(start().after(LAG)).is_ok());
    let late = start().after(LAG + Duration::from_secs(1));
    assert_eq!(made(late), Err(TokenError::UnknownKey));
}

#[test]
fn a_token_of_a_retired_key_lives_no_longer_than_tokens_do() {
    let long = Claims {
        expires_at: start().after(HOUR + Duration::from_secs(1)),
        ..claims()
    };
    let token = keyring().sign(&long).unwrap();
    let retired = || {
        let mut old = key(1);
        old.retired_at = Some(start());
        Keyring::new(issuer(), vec![old, key(2)]).unwrap()
    };
    let refused = retired().verify(&token, start());
    assert_eq!(refused, Err(TokenError::UnknownKey));
    // Times are cut to seconds: what is left of a life is one.
    let life = HOUR + Duration::from_millis(1);
    let longer = retired().with_token_life(life);
    assert!(longer.verify(&token, start()).is_ok());
}

#[test]
fn a_shorter_life_of_tokens_ends_none_that_the_active_key_has_signed() {
    let token = keyring().sign(&claims()).unwrap();
    let shorter = keyring().with_token_life(HOUR / 4);
    let last = start().after(HOUR).before(Duration::from_secs(1));
    assert_eq!(shorter.verify(&token, last).unwrap().claims, claims());
    let over = shorter.verify(&token, start().after(HOUR));
    assert_eq!(over, Err(TokenError::Expired));
}

#[test]
fn two_active_keys_verify_and_the_newer_signs() {
    let ring = Keyring::new(issuer(), vec![key(2), key(1)]).unwrap();
    assert_eq!(ring.active_key(), key(2).id);
    let token = keyring().sign(&claims()).unwrap();
    assert!(ring.verify(&token, start()).is_ok());
}

#[test]
fn a_keyring_without_an_active_key_is_an_error() {
    assert_eq!(
        Keyring::new(issuer(), vec![]).unwrap_err(),
        KeyringError::NoActiveKey
    );
    let mut retired = key(1);
    retired.retired_at = Some(start());
    assert_eq!(
        Keyring::new(issuer(), vec![retired]).unwrap_err(),
        KeyringError::NoActiveKey
    );
}

#[test]
fn claims_that_make_no_token_are_not_signed() {
    let backwards = Claims {
        expires_at: start(),
        ..claims()
    };
    assert_eq!(keyring().sign(&backwards), Err(KeyringError::BadClaims));
    let ancient = Claims {
        issued_at: Timestamp::from_seconds(-1),
        ..claims()
    };
    assert_eq!(keyring().sign(&ancient), Err(KeyringError::BadClaims));
}

#[test]
fn a_key_survives_its_seal_and_only_under_its_own_id() {
    let master = MasterKey::from_bytes([9; 32]);
    let key = key(1);
    let sealed = key.to_sealed(&master, &Predictable::from(9)).unwrap();
    let opened =
        SigningKey::from_sealed(&master, key.id, key.created_at, key.retired_at, &sealed).unwrap();
    let token = keyring().sign(&claims()).unwrap();
    let ring = Keyring::new(issuer(), vec![opened]).unwrap();
    assert_eq!(ring.verify(&token, start()).unwrap().claims, claims());
    let other = super::SigningKey::from_sealed(
        &master,
        self::key(2).id,
        key.created_at,
        key.retired_at,
        &sealed,
    );
    assert_eq!(other.unwrap_err(), SealError::Refused);
}

#[test]
fn the_jwks_holds_the_public_keys_that_verify_and_nothing_private() {
    let ring = Keyring::new(issuer(), vec![key(1), key(2)]).unwrap();
    let jwks = ring.jwks(start());
    let published = jwks["keys"].as_array().unwrap();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0]["kid"], key(2).id.to_string());
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let kid = key(2).id.to_string();
    let verifying = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let token = ring.sign(&claims()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&[issuer().audience]);
    assert!(jsonwebtoken::decode::<serde_json::Value>(&token, &verifying, &validation).is_ok());
    for key in published {
        assert_eq!(key.as_object().unwrap().len(), 6);
        assert!(key.get("d").is_none());
    }
}

#[test]
fn an_issuer_that_needs_an_escape_works_too() {
    let odd = Issuer {
        issuer: "https://auth.example.com/\"a\"\\b".to_owned(),
        audience: "zoë".to_owned(),
    };
    let ring = Keyring::new(odd, vec![key(1)]).unwrap();
    let token = ring.sign(&claims()).unwrap();
    assert_eq!(ring.verify(&token, start()).unwrap().claims, claims());
}

#[test]
fn debug_prints_no_private_key() {
    let shown = format!("{:?} {:?}", key(1), keyring());
    let seed = key(1).seed;
    assert!(!shown.contains(&format!("{:?}", seed.as_slice())));
    assert!(!shown.contains("seed"));
    assert!(!shown.contains("signing:"));
}

proptest! {
    #[test]
    fn any_one_changed_byte_is_refused(at: prop::sample::Index, to in 33_u8..127) {
        let token = keyring().sign(&claims()).unwrap();
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assume!(changed != token);
        prop_assert!(keyring().verify(&changed, start()).is_err());
    }

    #[test]
    fn any_part_cut_off_is_refused(length: prop::sample::Index) {
        let token = keyring().sign(&claims()).unwrap();
        let cut = &token[..length.index(token.len())];
        prop_assert!(keyring().verify(cut, start()).is_err());
    }

    #[test]
    fn any_claims_survive_the_round_trip(
        user: u128, organization: u128, session: u128, id: u128,
        issued in 0_i64..4_000_000_000, life in 1_u64..100_000,
    ) {
        use uuid::Uuid;
        let issued_at = Timestamp::from_seconds(issued);
        let claims = Claims {
            subject: UserId::from_uuid(Uuid::from_u128(user)),
            organization: OrganizationId::from_uuid(Uuid::from_u128(organization)),
            session: SessionId::from_uuid(Uuid::from_u128(session)),
            id: TokenId::from_uuid(Uuid::from_u128(id)),
            issued_at,
            expires_at: issued_at.after(Duration::from_secs(life)),
        };
        let keyring = keyring();
        let token = keyring.sign(&claims).unwrap();
        let life = Duration::from_secs(life);
        let verified = keyring.with_token_life(life).verify(&token, issued_at).unwrap();
        prop_assert_eq!(verified, Verified { key: key(1).id, claims });
    }
}
