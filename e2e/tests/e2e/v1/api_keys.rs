//! `/v1/api-keys`

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture};

use crate::support::{key, members, paths, unknown};

#[rstest]
#[tokio::test]
async fn a_key_is_shown_once_listed_and_dead_once_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let body = json!({ "name": "robot", "expires_at": "2099-01-01T00:00:00Z" });
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    let created = call.json(body).send().await.expect(201);
    let (id, secret) = (created.text_at("/id"), created.text_at("/key"));
    let shape = [
        "created_at",
        "expires_at",
        "id",
        "key",
        "key_suffix",
        "name",
    ];
    assert_eq!(members(&created.json()), shape);
    assert!(secret.ends_with(&created.text_at("/key_suffix")));

    let path = format!("/v1/api-keys/{id}");
    let got = fixture.get(&path).bearer(&secret).send().await.expect(200);
    let shape = [
        "created_at",
        "expires_at",
        "id",
        "key_suffix",
        "last_used_at",
        "name",
    ];
    assert_eq!(members(&got.json()), shape);
    assert_eq!(got.json()["expires_at"], "2099-01-01T00:00:00Z");
    let list = fixture
        .get("/v1/api-keys")
        .bearer(&secret)
        .send()
        .await
        .expect(200)
        .json();
    let ids: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(ids, ["quickstart", "robot"]);

    // An access token of its owner is enough: no other key is needed.
    let claims = fixture.token_of(&fixture.ada()).await;
    let twice = fixture.delete(&path).bearer(&claims);
    assert_eq!(twice.send().await.expect(204).text, "");
    let refused = fixture
        .get("/v1/users/me")
        .bearer(&secret)
        .send()
        .await
        .expect(401);
    assert_eq!(refused.reason(), "credential_revoked");
    fixture
        .get(&path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(404);
    fixture
        .delete(&path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(404);
}

#[rstest]
#[tokio::test]
async fn keys_are_their_owners_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (id, _) = key(&fixture, None).await;
    let bob = fixture.token_of(&fixture.bob()).await;
    let list = fixture
        .get("/v1/api-keys")
        .bearer(&bob)
        .send()
        .await
        .expect(200);
    assert_eq!(list.json(), json!([]));
    for id in [id, unknown("key")] {
        let path = format!("/v1/api-keys/{id}");
        fixture.get(&path).bearer(&bob).send().await.expect(404);
        fixture.delete(&path).bearer(&bob).send().await.expect(404);
    }
    // A plain user's key has a plain user's rights.
    let call = fixture.post("/v1/api-keys").bearer(&bob);
    let made = call
        .json(json!({ "name": "mine" }))
        .send()
        .await
        .expect(201);
    let his = made.text_at("/key");
    let seen = |bearer: String| {
        let call = fixture.get("/v1/documents").bearer(&bearer);
        async move { paths(&call.send().await.expect(200)) }
    };
    assert_eq!(seen(his.clone()).await, seen(bob).await);
    let path = format!("/v1/user-permissions?user_id={}", fixture.bob().id);
    let refused = fixture.get(&path).bearer(&his).send().await.expect(403);
    assert_eq!(refused.reason(), "role_required");
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_has_its_paths_and_no_powers(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let grants = json!([{ "path": "/shared/reports", "capability": "READ_ONLY" }]);
    let (_, narrowed) = key(&fixture, Some(grants)).await;
    let list = fixture
        .get("/v1/documents")
        .bearer(&narrowed)
        .send()
        .await
        .expect(200);
    assert_eq!(paths(&list), (vec!["/shared/reports/q1".to_owned()], 1));
    let document = list.text_at("/items/0/id");
    let path = format!("/v1/documents/{document}");
    fixture
        .get(&path)
        .bearer(&narrowed)
        .send()
        .await
        .expect(200);
    let call = fixture.patch(&path).bearer(&narrowed);
    let refused = call.json(json!({ "name": "x" })).send().await.expect(403);
    assert_eq!(refused.reason(), "capability_not_granted");
    let call = fixture.post("/v1/api-keys").bearer(&narrowed);
    let refused = call.json(json!({ "name": "x" })).send().await.expect(403);
    assert_eq!(refused.reason(), "key_is_narrowed");
}

#[rstest]
#[tokio::test]
async fn a_key_that_may_not_be_made_is_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let long = "x".repeat(101);
    let many: Vec<_> = (0..51)
        .map(|n| json!({ "path": format!("/a{n}"), "capability": "READ_ONLY" }))
        .collect();
    let cases: [(Value, &str, &str); 9] = [
        (json!({ "name": "" }), "name", "empty_name"),
        (json!({ "name": long }), "name", "name_too_long"),
        (json!({ "name": "a\nb" }), "name", "control_character"),
        (
            json!({ "name": "a", "expires_at": "tomorrow" }),
            "expires_at",
            "invalid_time",
        ),
        (
            json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" }),
            "expires_at",
            "not_in_future",
        ),
        (
            json!({ "name": "a", "grants": [] }),
            "grants",
            "empty_grants",
        ),
        (
            json!({ "name": "a", "grants": many }),
            "grants",
            "too_many_grants",
        ),
        (
            json!({ "name": "a", "grants": [{ "path": "shared", "capability": "READ_ONLY" }] }),
            "grants[0].path",
            "invalid_path",
        ),
        (
            json!({ "name": "a", "grants": [{ "path": "/shared", "capability": "ALL" }] }),
            "grants[0].capability",
            "invalid_capability",
        ),
    ];
    for (body, field, reason) in cases {
        let call = fixture.post("/v1/api-keys").bearer(fixture.key());
        let refused = call.json(body.clone()).send().await.expect(422).json();
        let error = &refused["errors"][0];
        assert_eq!(
            (&error["field"], &error["reason"]),
            (&field.into(), &reason.into()),
            "{body}"
        );
    }
    let list = fixture
        .get("/v1/api-keys")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(list.json().as_array().unwrap().len(), 1);
}
