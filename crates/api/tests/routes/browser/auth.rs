//! `/api/auth`

use http::StatusCode;
use http::header::{CACHE_CONTROL, COOKIE, ORIGIN, SET_COOKIE};
use insta::assert_json_snapshot;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fixture::{Fixture, OUR_ORIGIN, PASSWORD};

const SIGN_IN: &str = "/api/auth/sign-in";
const SIGN_OUT: &str = "/api/auth/sign-out";
const SESSION: &str = "/api/auth/session";
const SWITCH: &str = "/api/auth/switch-org";

fn ada() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD })
}

#[tokio::test]
async fn a_sign_in_sets_the_cookie() {
    let fixture = Fixture::new().await;
    let call = fixture.post(SIGN_IN).header(ORIGIN, OUR_ORIGIN);
    let answer = call.json(&ada()).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_json_snapshot!(answer.json(), { ".**.id" => "[id]" }, @r#"
    {
      "ok": true,
      "organization": {
        "id": "[id]",
        "name": "Analytical Engines",
        "role": "OWNER"
      },
      "user": {
        "email": "ada@example.com",
        "firstName": "Ada",
        "id": "[id]",
        "lastName": "Lovelace"
      }
    }
    "#);
    let (value, attributes) = answer.header(SET_COOKIE).unwrap().split_once(';').unwrap();
    assert!(value.starts_with("__Host-vestibule=ks_sess_"), "{value}");
    assert_eq!(
        attributes,
        " Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"
    );
    let session = fixture.get(SESSION).header(COOKIE, value).send().await;
    assert_eq!(session.status, StatusCode::OK);
}

#[rstest]
#[case(String::new(), "empty_password", "must not be empty")]
#[case("x".repeat(1_025), "password_too_long", "must have at most 1024 bytes")]
#[tokio::test]
async fn a_password_that_no_one_can_have_is_refused_in_the_same_words_at_both_doors(
    #[case] password: String,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let fixture = Fixture::new().await;
    let at = async |path, email| {
        let body = json!({ "email": email, "password": password });
        let call = fixture.post(path).header(ORIGIN, OUR_ORIGIN);
        call.json(&body).send().await
    };
    let detail = format!("password: {message}");
    let answer = at(SIGN_IN, "ada@example.com").await;
    assert_eq!(answer.refusal(), (400, reason.to_owned()));
    assert_eq!(answer.text_at("/error"), detail);
    let answer = at("/v1/auth/pw/signin", "ada@example.com").await;
    assert_eq!(answer.refusal(), (422, reason.to_owned()));
    assert_eq!(answer.text_at("/detail"), detail);
    let error = json!({ "field": "password", "reason": reason, "message": message });
    assert_eq!(answer.json()["errors"], json!([error]));
    // It is named together with whatever else is wrong.
    let answer = at("/v1/auth/pw/signin", "ada").await;
    assert_eq!(answer.refusal(), (422, "invalid_email".to_owned()));
    assert_eq!(answer.json()["errors"][1], error);
}

#[tokio::test]
async fn a_sign_in_may_name_the_organisation() {
    let fixture = Fixture::new().await;
    let mut body = ada();
    body["organizationId"] = json!(fixture.difference.id);
    let call = fixture.post(SIGN_IN).header(ORIGIN, OUR_ORIGIN);
    let answer = call.json(&body).send().await;
    assert_eq!(answer.text_at("/organization/name"), "Difference");
}

#[tokio::test]
async fn a_program_signs_out_with_its_token_and_no_origin() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    let cookie = fixture.cookie("ada@example.com").await;
    let beside = fixture
        .post(SIGN_OUT)
        .bearer(&token)
        .header(COOKIE, &cookie);
    let refused = beside.send().await;
    assert_eq!(refused.refusal(), (403, "csrf_origin_mismatch".to_owned()));
    let hint = refused.text_at("/hint");
    assert!(hint.contains("in place of the cookie"), "{hint}");
    // The second time the token is dead already.
    for _ in 0..2 {
        let out = fixture.post(SIGN_OUT).bearer(&token).send().await;
        assert_eq!(out.status, StatusCode::OK);
    }
    let gone = fixture.get(SESSION).bearer(&token).send().await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    // At sign-in nothing stands for the Origin, and the hint does not say that a key does.
    let refused = fixture.post(SIGN_IN).json(&ada()).send().await;
    assert_eq!(
        refused.text_at("/hint"),
        "Send the request from our own page."
    );
}

#[rstest]
#[case(None)]
#[case(Some("null"))]
#[case(Some("https://evil.example"))]
#[tokio::test]
async fn nobody_is_signed_in_or_out_from_elsewhere(#[case] origin: Option<&'static str>) {
    let fixture = Fixture::new().await;
    let cookie = fixture.cookie("ada@example.com").await;
    for (path, body) in [(SIGN_IN, Some(ada())), (SIGN_OUT, None)] {
        let mut call = fixture.post(path).header(COOKIE, &cookie);
        if let Some(origin) = origin {
            call = call.header(ORIGIN, origin);
        }
        if let Some(body) = &body {
            call = call.json(body);
        }
        let answer = call.send().await;
        assert_eq!(answer.refusal(), (403, "csrf_origin_mismatch".to_owned()));
        assert_eq!(answer.header(SET_COOKIE), None);
    }
    // A bearer that is not good does not switch the guard off.
    let mut call = fixture.post(SIGN_OUT).bearer("junk");
    if let Some(origin) = origin {
        call = call.header(ORIGIN, origin);
    }
    let answer = call.send().await;
    assert_eq!(answer.refusal(), (403, "csrf_origin_mismatch".to_owned()));
}

#[rstest]
#[case(json!({ "email": "ada@example.com", "password": "wrong" }), 401, "bad_credentials")]
#[case(json!({ "email": "nobody@example.com", "password": PASSWORD }), 401, "bad_credentials")]
#[case(json!({ "email": "ada", "password": "wrong" }), 400, "invalid_email")]
#[case(json!({ "email": "ada@example.com" }), 400, "missing_field")]
#[case(json!({ "email": "ada@example.com", "password": "a", "organizationId": 7 }), 400, "wrong_type")]
#[case(json!({ "email": "ada@example.com", "password": "a", "organizationId": "7" }), 400, "invalid_id")]
#[tokio::test]
async fn a_failed_sign_in_sets_nothing(
    #[case] body: Value,
    #[case] status: u16,
    #[case] reason: &str,
) {
    let fixture = Fixture::new().await;
    let call = fixture.post(SIGN_IN).header(ORIGIN, OUR_ORIGIN);
    let answer = call.json(&body).send().await;
    assert_eq!(answer.refusal(), (status, reason.to_owned()));
    assert!(!answer.text_at("/error").is_empty());
    assert_eq!(answer.header(SET_COOKIE), None);
}

#[tokio::test]
async fn the_session_shows_who_is_signed_in_and_for_what() {
    let fixture = Fixture::new().await;
    let cookie = fixture.cookie("ada@example.com").await;
    let answer = fixture.get(SESSION).header(COOKIE, &cookie).send().await;
    assert_json_snapshot!(answer.json(), { ".**.id" => "[id]" }, @r#"
    {
      "organization": {
        "id": "[id]",
        "name": "Analytical Engines",
        "role": "OWNER"
      },
      "organizations": [
        {
          "id": "[id]",
          "name": "Analytical Engines",
          "role": "OWNER"
        },
        {
          "id": "[id]",
          "name": "Difference",
          "role": "OWNER"
        }
      ],
      "plan": {
        "features": [
          "agents"
        ],
        "limits": {
          "requests_per_minute": 6000
        },
        "name": "team"
      },
      "user": {
        "email": "ada@example.com",
        "firstName": "Ada",
        "id": "[id]",
        "lastName": "Lovelace"
      }
    }
    "#);
    let key = fixture.key(&fixture.engines, &fixture.grace).await;
    let by_key = fixture.get(SESSION).bearer(&key).send().await;
    assert_eq!(by_key.text_at("/organization/role"), "USER");
    let stranger = fixture.get(SESSION).send().await;
    assert_eq!(stranger.refusal(), (401, "no_credential".to_owned()));
}

#[tokio::test]
async fn a_switch_changes_the_organisation_and_the_cookie() {
    let fixture = Fixture::new().await;
    let old = fixture.cookie("ada@example.com").await;
    let body = json!({ "organizationId": fixture.difference.id });
    let answer = fixture.post(SWITCH).cookie(&old).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_json_snapshot!(answer.json(), { ".**.id" => "[id]" }, @r#"
    {
      "ok": true,
      "organization": {
        "id": "[id]",
        "name": "Difference",
        "role": "OWNER"
      }
    }
    "#);
    let new = answer.cookie();
    assert_ne!(new, old);
    let session = fixture.get(SESSION).header(COOKIE, &new).send().await;
    assert_eq!(session.text_at("/organization/name"), "Difference");
    assert_eq!(session.text_at("/plan/name"), "free");
    let dead = fixture.get(SESSION).header(COOKIE, &old).send().await;
    assert_eq!(dead.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_switch_is_for_members_and_for_cookies() {
    let fixture = Fixture::new().await;
    let cookie = fixture.cookie("ada@example.com").await;
    let mut answers = Vec::new();
    for id in [
        fixture.foreign.id.to_string(),
        "tenant_01h455vb4pex5vsknk084sn02q".to_owned(),
    ] {
        let body = json!({ "organizationId": id });
        let answer = fixture
            .post(SWITCH)
            .cookie(&cookie)
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()));
        answers.push(answer.text);
    }
    assert_eq!(answers[0], answers[1]);

    let body = json!({ "organizationId": fixture.difference.id });
    for credential in [
        fixture.key(&fixture.engines, &fixture.ada).await,
        fixture.token("ada@example.com").await,
    ] {
        let call = fixture.post(SWITCH).bearer(&credential).json(&body);
        assert_eq!(
            call.send().await.refusal(),
            (403, "credential_kind_not_accepted".to_owned())
        );
    }
    let without_origin = fixture.post(SWITCH).header(COOKIE, &cookie).json(&body);
    assert_eq!(
        without_origin.send().await.refusal(),
        (403, "csrf_origin_mismatch".to_owned())
    );
}

#[tokio::test]
async fn a_sign_out_ends_the_session_and_clears_the_cookie() {
    let fixture = Fixture::new().await;
    let cookie = fixture.cookie("ada@example.com").await;
    for call in [
        fixture.post(SIGN_OUT).cookie(&cookie),
        fixture.post(SIGN_OUT).cookie(&cookie),
        fixture.post(SIGN_OUT).header(ORIGIN, OUR_ORIGIN),
    ] {
        let answer = call.send().await;
        assert_eq!(
            (answer.status, &*answer.text),
            (StatusCode::OK, r#"{"ok":true}"#)
        );
        assert_eq!(
            answer.header(SET_COOKIE),
            Some("__Host-vestibule=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
        );
    }
    let dead = fixture.get(SESSION).header(COOKIE, &cookie).send().await;
    assert_eq!(dead.refusal(), (401, "credential_revoked".to_owned()));
}

#[tokio::test]
async fn a_sign_out_ends_the_cookie_s_session_whatever_else_is_sent() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    for bearer in [token.as_str(), &key, "junk"] {
        let cookie = fixture.cookie("grace@example.com").await;
        let call = fixture.post(SIGN_OUT).cookie(&cookie).bearer(bearer);
        assert_eq!(call.send().await.status, StatusCode::OK);
        let dead = fixture.get(SESSION).header(COOKIE, &cookie).send().await;
        assert_eq!(dead.refusal(), (401, "credential_revoked".to_owned()));
    }
    // The token's session has ended with the first of them.
    let dead = fixture.get(SESSION).bearer(&token).send().await;
    assert_eq!(dead.refusal(), (401, "credential_revoked".to_owned()));
}

#[tokio::test]
async fn a_good_bearer_does_not_open_the_sign_out_to_pages_of_others() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    let call = fixture.post(SIGN_OUT).bearer(&token);
    let answer = call.header(ORIGIN, "https://evil.example").send().await;
    assert_eq!(answer.refusal(), (403, "csrf_origin_mismatch".to_owned()));
    let session = fixture.get(SESSION).bearer(&token).send().await;
    assert_eq!(session.status, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_ends_the_session_of_the_cookie_that_it_replaces() {
    let fixture = Fixture::new().await;
    let old = fixture.cookie("grace@example.com").await;
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    let answer = fixture.post(SIGN_IN).cookie(&old).json(&wrong).send().await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let session = fixture.get(SESSION).header(COOKIE, &old).send().await;
    assert_eq!(session.status, StatusCode::OK);
    let answer = fixture.post(SIGN_IN).cookie(&old).json(&ada()).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let new = answer.cookie();
    let dead = fixture.get(SESSION).header(COOKIE, &old).send().await;
    assert_eq!(dead.refusal(), (401, "credential_revoked".to_owned()));
    let session = fixture.get(SESSION).header(COOKIE, &new).send().await;
    assert_eq!(session.text_at("/user/email"), "ada@example.com");
}
