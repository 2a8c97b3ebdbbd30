//! `/v1/user-permissions`

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use insta::assert_json_snapshot;
use rstest::rstest;
use serde_json::{Value, json};
use vestibule_http::Problem;
use vestibule_layer::{PathParts, Permit};
use vestibule_model::ResourcePath;

use crate::fixture::{Answer, Fixture};

const PATH: &str = "/v1/user-permissions";

async fn grant(fixture: &Fixture, key: &str, body: &Value) -> Answer {
    fixture.post(PATH).bearer(key).json(body).send().await
}

#[tokio::test]
async fn a_permission_is_given_listed_changed_and_taken_back() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let body = json!({
        "tenant_id": fixture.engines.id,
        "user_id": fixture.grace.id,
        "path": "/shared/eng",
        "capability": "READ_ONLY",
    });
    let made = grant(&fixture, &key, &body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_json_snapshot!(made.json(), {
        ".id" => "[grant]", ".tenant_id" => "[engines]", ".user_id" => "[grace]",
    }, @r#"
    {
      "can_approve": false,
      "capability": "READ_ONLY",
      "created_at": "2027-01-15T08:00:01Z",
      "id": "[grant]",
      "materialized_path": "/shared/eng",
      "path": "/shared/eng",
      "path_part_id": null,
      "tenant_id": "[engines]",
      "updated_at": "2027-01-15T08:00:01Z",
      "user_id": "[grace]"
    }
    "#);

    let query = format!(
        "{PATH}?user_id={}&capability=READ_ONLY&limit=5",
        fixture.grace.id
    );
    let list = fixture.get(&query).bearer(&key).send().await;
    assert_eq!(
        list.json(),
        json!({
            "items": [made.json()],
            "total": 1,
            "total_is_exact": true,
            "limit": 5,
            "offset": 0,
        })
    );
    let query = format!("{PATH}?user_id={}&capability=READ_WRITE", fixture.grace.id);
    let none = fixture.get(&query).bearer(&key).send().await;
    assert_eq!(none.json()["total"], 0);

    let path = format!("{PATH}/{}", made.text_at("/id"));
    let patch = json!({ "capability": "READ_WRITE", "can_approve": true });
    let changed = fixture
        .call("PATCH", &path)
        .bearer(&key)
        .json(&patch)
        .send()
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.text_at("/capability"), "READ_WRITE");
    assert_eq!(changed.json()["can_approve"], true);
    assert_eq!(changed.text_at("/path"), "/shared/eng");

    let gone = fixture.call("DELETE", &path).bearer(&key).send().await;
    assert_eq!((gone.status, &*gone.text), (StatusCode::NO_CONTENT, ""));
    let again = fixture.call("DELETE", &path).bearer(&key).send().await;
    assert_eq!(again.refusal(), (404, "not_found".to_owned()));
}

/// A service with one folder.
#[derive(Debug)]
struct OneFolder;

impl PathParts for OneFolder {
    fn path_of<'a>(
        &'a self,
        _: &'a Permit,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<ResourcePath>, Problem>> {
        let found = (id == "folder_eng").then(|| "/shared/eng".parse().unwrap());
        Box::pin(async move { Ok(found) })
    }

    fn ids_of<'a>(
        &'a self,
        _: &'a Permit,
        paths: &'a [ResourcePath],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>, Problem>> {
        let id =
            |path: &ResourcePath| (path.as_str() == "/shared/eng").then(|| "folder_eng".to_owned());
        Box::pin(async move { Ok(paths.iter().map(id).collect()) })
    }
}

#[tokio::test]
async fn a_resource_may_be_named_by_its_id_and_answers_say_which_stands_there() {
    let fixture = Fixture::with_path_parts(Arc::new(OneFolder)).await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let by = |name: &str, place: &str| json!({ "user_id": fixture.grace.id, name: place, "capability": "READ_ONLY" });
    let made = grant(&fixture, &key, &by("path_part_id", "folder_eng")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.text_at("/path"), "/shared/eng");
    assert_eq!(made.text_at("/path_part_id"), "folder_eng");
    fixture.clock.advance(Duration::from_secs(1));
    let elsewhere = grant(&fixture, &key, &by("path", "/elsewhere")).await;
    assert_eq!(elsewhere.json()["path_part_id"], Value::Null);
    let unknown = grant(&fixture, &key, &by("path_part_id", "folder_ops")).await;
    assert_eq!(unknown.refusal(), (404, "not_found".to_owned()));

    let query = format!("{PATH}?user_id={}", fixture.grace.id);
    let list = fixture.get(&query).bearer(&key).send().await;
    assert_eq!(list.text_at("/items/0/path_part_id"), "folder_eng");
    assert_eq!(list.json()["items"][1]["path_part_id"], Value::Null);

    let path = format!("{PATH}/{}", elsewhere.text_at("/id"));
    let patch = json!({ "path_part_id": "folder_eng", "capability": "READ_WRITE" });
    let moved = fixture.call("PATCH", &path).bearer(&key).json(&patch);
    let moved = moved.send().await;
    assert_eq!(moved.text_at("/materialized_path"), "/shared/eng");
    assert_eq!(moved.text_at("/path_part_id"), "folder_eng");
}

#[tokio::test]
async fn a_place_is_named_once_and_by_id_only_where_resources_have_ids() {
    let fixture = Fixture::with_path_parts(Arc::new(OneFolder)).await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let user = fixture.grace.id;
    let neither = json!({ "user_id": user, "capability": "READ_ONLY" });
    let answer = grant(&fixture, &key, &neither).await;
    assert_eq!(answer.refusal(), (422, "missing_field".to_owned()));
    let both = json!({ "user_id": user, "capability": "READ_ONLY", "path": "/shared/eng", "path_part_id": "folder_eng" });
    let answer = grant(&fixture, &key, &both).await;
    assert_eq!(answer.refusal(), (422, "ambiguous_field".to_owned()));

    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let body = json!({ "user_id": fixture.grace.id, "capability": "READ_ONLY", "path_part_id": "folder_eng" });
    let answer = grant(&fixture, &key, &body).await;
    assert_eq!(answer.refusal(), (422, "no_path_parts".to_owned()));
    assert_eq!(answer.text_at("/errors/0/field"), "path_part_id");
}

#[rstest]
#[case("", ["/a", "/b", "/c"])]
#[case("&sort_dir=DESC", ["/c", "/b", "/a"])]
#[case("&sort_by=CAPABILITY", ["/b", "/c", "/a"])]
#[case("&sort_by=CAPABILITY&sort_dir=DESC", ["/a", "/c", "/b"])]
#[tokio::test]
async fn permissions_are_sorted_as_the_query_says(
    #[case] order: &str,
    #[case] expected: [&str; 3],
) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    for (path, capability) in [
        ("/a", "READ_WRITE_DELETE"),
        ("/b", "READ_ONLY"),
        ("/c", "READ_WRITE"),
    ] {
        let body = json!({ "user_id": fixture.grace.id, "path": path, "capability": capability });
        grant(&fixture, &key, &body).await;
        fixture.clock.advance(Duration::from_secs(1));
    }
    for (number, path) in expected.into_iter().enumerate() {
        let query = format!(
            "{PATH}?user_id={}{order}&limit=1&offset={number}",
            fixture.grace.id
        );
        let list = fixture.get(&query).bearer(&key).send().await;
        assert_eq!(list.json()["total"], 3);
        assert_eq!(list.text_at("/items/0/path"), path);
    }
}

#[tokio::test]
async fn one_that_adds_nothing_conflicts_and_the_fifty_first_is_too_many() {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let body = |path: String| json!({ "user_id": fixture.grace.id, "path": path, "capability": "READ_WRITE" });
    for number in 0..50 {
        let made = grant(&fixture, &key, &body(format!("/shared/{number}"))).await;
        assert_eq!(made.status, StatusCode::CREATED);
    }
    let below = grant(&fixture, &key, &body("/shared/7/deeper".to_owned())).await;
    assert_eq!(below.refusal(), (409, "subsumed".to_owned()));
    assert_eq!(below.text_at("/code"), "conflict");
    let more = grant(&fixture, &key, &body("/shared/50".to_owned())).await;
    assert_eq!(more.refusal(), (400, "permission_limit".to_owned()));
    assert_eq!(more.text_at("/code"), "permission_limit");
}

#[tokio::test]
async fn only_administrators_of_the_organisation_may() {
    let fixture = Fixture::new().await;
    let grace = fixture.key(&fixture.engines, &fixture.grace).await;
    let body = json!({ "user_id": fixture.grace.id, "path": "/", "capability": "READ_ONLY" });
    let refused = grant(&fixture, &grace, &body).await;
    assert_eq!(refused.refusal(), (403, "role_required".to_owned()));

    // Grace is nobody in the other organisation, and Ada's key for it does not reach this one.
    let elsewhere = fixture.key(&fixture.difference, &fixture.ada).await;
    let stranger = grant(&fixture, &elsewhere, &body).await;
    assert_eq!(stranger.refusal(), (404, "not_found".to_owned()));
    for organization in [&fixture.engines, &fixture.foreign] {
        let query = format!(
            "{PATH}?user_id={}&tenant_id={}",
            fixture.ada.id, organization.id
        );
        let other = fixture.get(&query).bearer(&elsewhere).send().await;
        assert_eq!(other.refusal(), (404, "not_found".to_owned()));
    }
    let here = fixture.key(&fixture.engines, &fixture.ada).await;
    let made = grant(&fixture, &here, &body).await;
    let path = format!("{PATH}/{}", made.text_at("/id"));
    let patch = json!({ "capability": "READ_WRITE" });
    let foreign = fixture
        .call("PATCH", &path)
        .bearer(&elsewhere)
        .json(&patch)
        .send()
        .await;
    assert_eq!(foreign.refusal(), (404, "not_found".to_owned()));
}

#[rstest]
#[case("", "missing_field", "user_id")]
#[case("user_id=ada", "invalid_id", "user_id")]
#[case(
    "user_id=user_01h455vb4pex5vsknk084sn02q&sort_by=PATH",
    "invalid_sort",
    "sort_by"
)]
#[case(
    "user_id=user_01h455vb4pex5vsknk084sn02q&sort_dir=up",
    "invalid_sort",
    "sort_dir"
)]
#[case(
    "user_id=user_01h455vb4pex5vsknk084sn02q&capability=read",
    "invalid_capability",
    "capability"
)]
#[case(
    "user_id=user_01h455vb4pex5vsknk084sn02q&user_id=user_01h455vb4pex5vsknk084sn02q",
    "duplicate_field",
    "user_id"
)]
#[tokio::test]
async fn a_malformed_query_is_told_its_parameter(
    #[case] query: &str,
    #[case] reason: &str,
    #[case] field: &str,
) {
    let fixture = Fixture::new().await;
    let key = fixture.key(&fixture.engines, &fixture.ada).await;
    let answer = fixture
        .get(&format!("{PATH}?{query}"))
        .bearer(&key)
        .send()
        .await;
    assert_eq!(
        answer.refusal(),
        (422, reason.to_owned()),
        "{}",
        answer.text
    );
    assert_eq!(answer.text_at("/errors/0/field"), field);
}
