//! `/v1/api-keys`

use http::StatusCode;
use insta::assert_json_snapshot;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const PATH: &str = "/v1/api-keys";

#[tokio::test]
async fn a_key_is_made_shown_once_listed_and_deleted() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;

    let body = json!({ "name": "my-service-key" });
    let made = fixture.post(PATH).bearer(&token).json(&body).send().await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_json_snapshot!(made.json(), {
        ".id" => "[key]", ".key" => "[secret]", ".key_suffix" => "[suffix]",
    }, @r#"
    {
      "created_at": "2027-01-15T08:00:01Z",
      "expires_at": null,
      "id": "[key]",
      "key": "[secret]",
      "key_suffix": "[suffix]",
      "name": "my-service-key"
    }
    "#);
    let (id, key) = (made.text_at("/id"), made.text_at("/key"));
    assert!(id.starts_with("key_") && key.starts_with("ks_live_"));
    assert!(key.ends_with(&made.text_at("/key_suffix")));

    let list = fixture.get(PATH).bearer(&key).send().await;
    assert_eq!(list.status, StatusCode::OK);
    assert_json_snapshot!(list.json(), { "[].id" => "[key]", "[].key_suffix" => "[suffix]" }, @r#"
    [
      {
        "created_at": "2027-01-15T08:00:01Z",
        "expires_at": null,
        "id": "[key]",
        "key_suffix": "[suffix]",
        "last_used_at": null,
        "name": "my-service-key"
      }
    ]
    "#);
    assert!(!list.text.contains(&key));
    let path = format!("{PATH}/{id}");
    let one = fixture.get(&path).bearer(&key).send().await;
    assert_eq!(one.json(), list.json()[0]);

    let deleted = fixture.call("DELETE", &path).bearer(&token).send().await;
    assert_eq!(
        (deleted.status, &*deleted.text),
        (StatusCode::NO_CONTENT, "")
    );
    let refused = fixture.get(PATH).bearer(&key).send().await;
    assert_eq!(refused.refusal(), (401, "credential_revoked".to_owned()));
    let again = fixture.call("DELETE", &path).bearer(&token).send().await;
    assert_eq!(again.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_narrowed_key_says_so_and_manages_nothing() {
    let fixture = Fixture::new().await;
    let token = fixture.token("ada@example.com").await;
    let body = json!({
        "name": "narrow",
        "expires_at": "2027-02-01T00:00:00+01:00",
        "grants": [{ "path": "/shared/eng", "capability": "READ_ONLY" }],
    });
    let made = fixture.post(PATH).bearer(&token).json(&body).send().await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_json_snapshot!(made.json()["grants"], @r#"
    [
      {
        "can_approve": false,
        "capability": "READ_ONLY",
        "path": "/shared/eng"
      }
    ]
    "#);
    assert_eq!(made.json()["expires_at"], "2027-01-31T23:00:00Z");
    let key = made.text_at("/key");
    for call in [fixture.get(PATH), fixture.post(PATH).json(&body)] {
        let refused = call.bearer(&key).send().await;
        assert_eq!(refused.refusal(), (403, "key_is_narrowed".to_owned()));
    }
    let me = fixture.get("/v1/users/me").bearer(&key).send().await;
    assert_eq!(me.status, StatusCode::OK);
}

#[tokio::test]
async fn the_keys_of_others_do_not_exist() {
    let fixture = Fixture::new().await;
    let grace = fixture.key(&fixture.engines, &fixture.grace).await;
    let list = fixture.get(PATH).bearer(&grace).send().await;
    let id = list.text_at("/0/id");
    let elsewhere = fixture.key(&fixture.difference, &fixture.ada).await;
    let unknown = format!("{PATH}/key_01h455vb4pex5vsknk084sn02q");
    let not_there = fixture.get(&unknown).bearer(&elsewhere).send().await;
    for owner in [fixture.key(&fixture.engines, &fixture.ada).await, elsewhere] {
        for method in ["GET", "DELETE"] {
            let path = format!("{PATH}/{id}");
            let answer = fixture.call(method, &path).bearer(&owner).send().await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.text, not_there.text);
        }
    }
}

#[rstest]
#[case(json!({}), 422, "missing_field", "name")]
#[case(json!({ "name": " " }), 422, "empty_name", "name")]
#[case(json!({ "name": "a".repeat(101) }), 422, "name_too_long", "name")]
#[case(json!({ "name": 7 }), 422, "wrong_type", "name")]
#[case(json!({ "name": "a", "scope": "all" }), 422, "unknown_field", "scope")]
#[case(json!({ "name": "a", "expires_at": "tomorrow" }), 422, "invalid_time", "expires_at")]
#[case(json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" }), 422, "not_in_future", "expires_at")]
#[case(json!({ "name": "a", "grants": [] }), 422, "empty_grants", "grants")]
#[case(json!({ "name": "a", "grants": [{ "path": "shared", "capability": "READ_ONLY" }] }), 422, "invalid_path", "grants[0].path")]
#[case(json!({ "name": "a", "grants": [{ "path": "/a", "capability": "read" }] }), 422, "invalid_capability", "grants[0].capability")]
#[case(json!([]), 422, "wrong_type", "body")]
#[tokio::test]
async fn what_is_wrong_is_named(
    #[case] body: Value,
    #[case] status: u16,
    #[case] reason: &str,
    #[case] field: &str,
) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture.post(PATH).bearer(&key).json(&body).send().await;
    assert_eq!(
        answer.refusal(),
        (status, reason.to_owned()),
        "{}",
        answer.text
    );
    assert_eq!(answer.text_at("/code"), "unprocessable_entity");
    assert_eq!(answer.text_at("/errors/0/field"), field);
}

#[tokio::test]
async fn all_that_is_wrong_is_named_at_once() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let body = json!({
        "name": "",
        "expires_at": "never",
        "grants": [{ "path": "/a", "capability": "READ_ONLY" }, { "path": "/../a", "capability": "all" }],
    });
    let answer = fixture.post(PATH).bearer(&key).json(&body).send().await;
    assert_json_snapshot!(answer.json(), @r##"
    {
      "code": "unprocessable_entity",
      "detail": "name: must not be empty (3 more fields were refused)",
      "errors": [
        {
          "field": "name",
          "message": "must not be empty",
          "reason": "empty_name"
        },
        {
          "field": "expires_at",
          "message": "must be a time as in RFC 3339, such as 2027-01-31T12:00:00Z",
          "reason": "invalid_time"
        },
        {
          "field": "grants[1].path",
          "message": "must be a path such as /shared/eng: starting with a slash, not ending with one, without empty, '.' or '..' segments, backslashes or control characters",
          "reason": "invalid_path"
        },
        {
          "field": "grants[1].capability",
          "message": "must be READ_ONLY, READ_WRITE or READ_WRITE_DELETE",
          "reason": "invalid_capability"
        }
      ],
      "reason": "empty_name",
      "request_id": null,
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "/problems#empty_name"
    }
    "##);
}

#[tokio::test]
async fn an_id_of_another_kind_is_refused() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let path = format!("{PATH}/{}", fixture.ada.id);
    let answer = fixture.get(&path).bearer(&key).send().await;
    assert_eq!(answer.refusal(), (422, "invalid_id".to_owned()));
    assert_eq!(answer.text_at("/errors/0/field"), "id");
}
