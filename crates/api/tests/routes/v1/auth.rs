//! `/v1/auth`

use std::time::Duration;

use http::StatusCode;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use insta::assert_json_snapshot;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fixture::{Fixture, PASSWORD};

const SIGN_IN: &str = "/v1/auth/pw/signin";
const REFRESH: &str = "/v1/auth/uat";
const SIGN_OUT: &str = "/v1/auth/signout";

#[tokio::test]
async fn a_sign_in_gives_a_token_and_the_user() {
    let fixture = Fixture::new().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = fixture.post(SIGN_IN).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_json_snapshot!(answer.json(), {
        ".access_token" => "[token]", ".id" => "[user]",
        ".current_tenant_id" => "[engines]", ".default_tenant_id" => "[engines]",
    }, @r#"
    {
      "access_token": "[token]",
      "current_tenant_id": "[engines]",
      "current_tenant_role": "OWNER",
      "default_tenant_id": "[engines]",
      "email": "ada@example.com",
      "expires_in": 3600,
      "first_name": "Ada",
      "id": "[user]",
      "idp_type": "PASSWORD",
      "join_method": "ADDED",
      "language_preference": "en",
      "last_name": "Lovelace",
      "token_type": "bearer"
    }
    "#);
    assert_eq!(
        answer.text_at("/current_tenant_id"),
        fixture.engines.id.to_string()
    );
    let token = answer.text_at("/access_token");
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    assert_eq!(me.text_at("/id"), fixture.ada.id.to_string());
}

#[tokio::test]
async fn a_sign_in_may_name_the_user_otherwise_and_the_organisation() {
    let fixture = Fixture::new().await;
    let body = json!({
        "username": "ADA@example.com",
        "password": PASSWORD,
        "tenant_id": fixture.difference.id.uuid().to_string(),
    });
    let answer = fixture.post(SIGN_IN).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.text_at("/current_tenant_id"),
        fixture.difference.id.to_string()
    );
}

#[tokio::test]
async fn whatever_is_wrong_with_a_sign_in_the_answer_is_the_same() {
    let fixture = Fixture::new().await;
    let mut answers = Vec::new();
    for body in [
        json!({ "email": "ada@example.com", "password": "wrong" }),
        json!({ "email": "nobody@example.com", "password": PASSWORD }),
        json!({ "email": "ada@example.com", "password": PASSWORD, "tenant_id": fixture.foreign.id }),
    ] {
        let answer = fixture.post(SIGN_IN).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header(WWW_AUTHENTICATE), Some("Bearer"));
        answers.push(answer);
    }
    for answer in &answers {
        assert_eq!(answer.text, answers[0].text);
    }
    assert_json_snapshot!(answers[0].json(), @r##"
    {
      "code": "unauthorized",
      "detail": "The e-mail address or the password is wrong.",
      "hint": "Check both, or ask an administrator whether the user is active.",
      "reason": "bad_credentials",
      "request_id": null,
      "status": 401,
      "title": "Unauthorized",
      "type": "/problems#bad_credentials"
    }
    "##);
}

#[rstest]
#[case(json!({ "password": "a" }), "missing_field", "email")]
#[case(json!({ "email": "ada@example.com" }), "missing_field", "password")]
#[case(json!({ "email": "ada@example.com", "username": "ada@example.com", "password": "a" }), "ambiguous_field", "username")]
#[case(json!({ "email": "ada", "password": "a" }), "invalid_email", "email")]
#[case(json!({ "username": "ada", "password": "a" }), "invalid_email", "username")]
#[case(json!({ "email": "ada@example.com", "password": "" }), "empty_password", "password")]
#[case(json!({ "email": "ada@example.com", "password": "a".repeat(1025) }), "password_too_long", "password")]
#[case(json!({ "email": "ada@example.com", "password": "a", "tenant_id": "x" }), "invalid_id", "tenant_id")]
#[tokio::test]
async fn a_malformed_sign_in_is_told_its_field(
    #[case] body: Value,
    #[case] reason: &str,
    #[case] field: &str,
) {
    let fixture = Fixture::new().await;
    let answer = fixture.post(SIGN_IN).json(&body).send().await;
    assert_eq!(answer.refusal(), (422, reason.to_owned()));
    assert_eq!(answer.text_at("/errors/0/field"), field);
    assert!(!answer.text.contains(&"a".repeat(100)));
}

#[tokio::test]
async fn too_many_sign_ins_are_told_when_to_try_again() {
    let fixture = Fixture::new().await;
    let body = json!({ "email": "nobody@example.com", "password": "wrong" });
    for _ in 0..5 {
        let answer = fixture.post(SIGN_IN).json(&body).send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = fixture.post(SIGN_IN).json(&body).send().await;
    assert_eq!(answer.refusal(), (429, "too_many_requests".to_owned()));
    assert!(answer.header(RETRY_AFTER).is_some());
}

#[tokio::test]
async fn a_refresh_gives_a_token_with_a_fresh_end() {
    let fixture = Fixture::new().await;
    let first = fixture.token("ada@example.com").await;
    fixture.clock.advance(Duration::from_secs(1_800));
    let answer = fixture.post(REFRESH).bearer(&first).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["expires_in"], 3600);
    assert_eq!(answer.text_at("/id"), fixture.ada.id.to_string());
    let second = answer.text_at("/access_token");
    assert_ne!(first, second);
    let parallel = fixture.post(REFRESH).bearer(&first).send().await;
    assert_eq!(parallel.text_at("/access_token"), second);

    fixture.clock.advance(Duration::from_secs(1_801));
    let expired = fixture.post(REFRESH).bearer(&first).send().await;
    assert_eq!(expired.refusal(), (401, "token_expired".to_owned()));
    let me = fixture.get("/v1/users/me").bearer(&second).send().await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_may_switch_the_organisation_by_body_or_by_query() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    let wanted = fixture.difference.id.to_string();
    let body = json!({ "tenant_id": wanted });
    let by_body = fixture
        .post(REFRESH)
        .bearer(&token)
        .json(&body)
        .send()
        .await;
    let path = format!("{REFRESH}?tenant_id={wanted}");
    let by_query = fixture.post(&path).bearer(&token).send().await;
    for answer in [by_body, by_query] {
        assert_eq!(answer.text_at("/current_tenant_id"), wanted);
    }
    let body = json!({ "tenant_id": fixture.engines.id });
    let both = fixture.post(&path).bearer(&token).json(&body).send().await;
    assert_eq!(both.refusal(), (422, "ambiguous_field".to_owned()));
    let path = format!("{REFRESH}?tenant_id={}", fixture.foreign.id);
    let foreign = fixture.post(&path).bearer(&token).send().await;
    assert_eq!(foreign.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_key_cannot_be_refreshed() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture.post(REFRESH).bearer(&key).send().await;
    assert_eq!(
        answer.refusal(),
        (403, "credential_kind_not_accepted".to_owned())
    );
}

#[tokio::test]
async fn a_sign_out_ends_the_token_and_needs_none() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    for _ in 0..2 {
        let answer = fixture.post(SIGN_OUT).bearer(&token).send().await;
        assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "{}"));
    }
    let refused = fixture.post(REFRESH).bearer(&token).send().await;
    assert_eq!(refused.refusal(), (401, "credential_revoked".to_owned()));
    for call in [
        fixture.post(SIGN_OUT),
        fixture.post(SIGN_OUT).bearer("junk"),
        fixture
            .post(SIGN_OUT)
            .bearer(&fixture.key(&fixture.engines, &fixture.ada).await),
    ] {
        let answer = call.send().await;
        assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "{}"));
    }
}

#[tokio::test]
async fn a_user_renews_tokens_sixty_times_a_minute_whatever_the_session() {
    let fixture = Fixture::new().await;
    let [one, other] = [
        fixture.token("ada@example.com").await,
        fixture.token("ada@example.com").await,
    ];
    let mut passed = 0;
    let answer = loop {
        let token = if passed % 2 == 0 { &one } else { &other };
        let answer = fixture.post(REFRESH).bearer(token).send().await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        passed += 1;
    };
    // One more for each second that this has taken.
    assert!((60..120).contains(&passed), "{passed}");
    assert_eq!(answer.refusal(), (429, "too_many_requests".to_owned()));
    assert!(answer.header(RETRY_AFTER).is_some());
    // Another user's allowance is another, and other requests are not held up.
    let hers = fixture.token("grace@example.com").await;
    let answer = fixture.post(REFRESH).bearer(&hers).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = fixture.get("/v1/users/me").bearer(&one).send().await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_out_ends_the_session_of_an_expired_token() {
    let fixture = Fixture::new().await;
    let first = fixture.token("ada@example.com").await;
    fixture.clock.advance(Duration::from_secs(1_800));
    let answer = fixture.post(REFRESH).bearer(&first).send().await;
    let second = answer.text_at("/access_token");
    fixture.clock.advance(Duration::from_secs(1_801));
    let answer = fixture.post(SIGN_OUT).bearer(&first).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let dead = fixture.get("/v1/users/me").bearer(&second).send().await;
    assert_eq!(dead.refusal(), (401, "credential_revoked".to_owned()));
}
