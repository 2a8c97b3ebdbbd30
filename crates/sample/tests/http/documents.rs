use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Engine, RO, RW, World, names, text};

#[rstest]
#[tokio::test]
async fn a_document_is_made_read_changed_moved_and_deleted(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let body = json!({"name": "q1", "parent_path_part_id": shared, "content": "up\n"});
    let made = world
        .call(&owner, "POST", "/v1/documents", body)
        .await
        .expect(201);
    assert!(text(&made["id"]).starts_with("doc_"));
    assert_eq!(made["part_type"], "DOCUMENT");
    assert_eq!(made["content"], "up\n");
    assert_eq!(made["materialized_path"], "/shared/q1");
    let path = format!("/v1/documents/{}", text(&made["id"]));
    assert_eq!(world.get(&owner, &path).await.expect(200), made);

    world.clock.advance(std::time::Duration::from_secs(60));
    let changed = world
        .call(&owner, "PATCH", &path, json!({"content": "down"}))
        .await
        .expect(200);
    assert_eq!(changed["content"], "down");
    assert_eq!(changed["updated_at"], "2027-01-31T23:01:00Z");
    assert!(world.moved().is_empty());

    let eng = world.folder(&owner, "/shared/eng").await;
    let body = json!({"name": "q2", "parent_path_part_id": eng});
    let moved = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(moved["materialized_path"], "/shared/eng/q2");
    assert_eq!(moved["content"], "down");
    assert_eq!(
        world.moved(),
        [("/shared/q1".to_owned(), "/shared/eng/q2".to_owned())]
    );
    world
        .call(&owner, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    world
        .call(&owner, "DELETE", &path, Value::Null)
        .await
        .expect(404);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn the_list_holds_what_the_caller_may_read_anywhere_or_in_one_folder(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    world
        .sample
        .seed(world.organization, owner.id, "Acme")
        .await
        .unwrap();
    world
        .sample
        .seed(world.organization, owner.id, "Acme")
        .await
        .unwrap();
    let all = world.get(&owner, "/v1/documents").await.expect(200);
    assert_eq!(names(&all), ["notes", "plans", "q1", "welcome-to-acme"]);
    assert_eq!(
        all["items"][0]["content"],
        Value::Null,
        "lists carry no text"
    );

    let user = world.user(&[(RO, "/shared")]);
    let mine = world.get(&user, "/v1/documents").await.expect(200);
    assert_eq!(
        (names(&mine), &mine["total"]),
        (vec!["q1", "welcome-to-acme"], &json!(2))
    );
    let shared = world.folder(&owner, "/shared").await;
    let there = world
        .get(
            &user,
            &format!("/v1/documents?parent_path_part_id={shared}"),
        )
        .await
        .expect(200);
    assert_eq!(names(&there), ["welcome-to-acme"]);

    let single = world.user(&[(RO, "/shared/welcome-to-acme")]);
    let there = world
        .get(
            &single,
            &format!("/v1/documents?parent_path_part_id={shared}"),
        )
        .await
        .expect(200);
    assert_eq!(
        (names(&there), &there["total"]),
        (vec!["welcome-to-acme"], &json!(1))
    );
    let stranger = world.stranger();
    assert_eq!(
        world.get(&stranger, "/v1/documents").await.expect(200)["total"],
        0
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_text_has_a_bound(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let with = |content: String| json!({"name": "big", "content": content});
    for (content, reason) in [
        ("x".repeat(65_537), "content_too_large"),
        ("\u{0}".to_owned(), "control_character"),
    ] {
        let answer = world
            .call(&owner, "POST", "/v1/documents", with(content))
            .await;
        assert_eq!(answer.refused(422), reason);
    }
    let body = with("x".repeat(65_536));
    world
        .call(&owner, "POST", "/v1/documents", body)
        .await
        .expect(201);
    let body = with("x".repeat(1_100_000));
    world
        .call(&owner, "POST", "/v1/documents", body)
        .await
        .expect(413);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_document_is_not_a_folder(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let document = world.document(&owner, &shared, "one").await;
    let as_folder = document.replace("doc_", "folder_");
    world
        .get(&owner, &format!("/v1/folders/{as_folder}"))
        .await
        .expect(404);
    let body = json!({"name": "below", "parent_path_part_id": as_folder});
    world
        .call(&owner, "POST", "/v1/documents", body)
        .await
        .expect(404);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_document_says_what_it_is_and_each_rewrite_is_another_version(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let body = json!({
        "name": "q1", "parent_path_part_id": shared, "content": "up",
        "document_type": "PLAINTEXT", "document_origin": "GENERATED",
    });
    let made = world.call(&owner, "POST", "/v1/documents", body).await;
    let made = made.expect(201);
    assert_eq!(made["document_type"], "PLAINTEXT");
    assert_eq!(made["document_origin"], "GENERATED");
    assert_eq!(made["exclude_from_qdrant"], false);
    assert_eq!(made["tags"], json!([]));
    let version = &made["active_version"];
    assert!(text(&version["id"]).starts_with("version_"));
    assert_eq!(
        *version,
        json!({
            "id": made["active_version_id"],
            "path_part_id": made["active_version_id"],
            "version": 1,
            "name": "v1",
            "parent_path_id": made["id"],
            "materialized_path": "/shared/q1/v1",
            "system_managed": false,
            "tenant_id": world.organization.to_string(),
            "uploader": {"user_id": owner.id.to_string(), "first_name": null, "last_name": null},
            "created_at": "2027-01-31T23:00:00Z",
            "updated_at": "2027-01-31T23:00:00Z",
        })
    );

    let path = format!("/v1/documents/{}", text(&made["id"]));
    let writer = world.user(&[(RW, "/shared")]);
    world.clock.advance(std::time::Duration::from_secs(60));
    let body = json!({"content": "down", "active_version_id": made["active_version_id"]});
    let changed = world.call(&writer, "PATCH", &path, body).await.expect(200);
    let version = &changed["active_version"];
    assert_ne!(version["id"], made["active_version_id"]);
    assert_eq!(version["version"], 2);
    assert_eq!(version["uploader"]["user_id"], writer.id.to_string());
    assert_eq!(version["created_at"], "2027-01-31T23:01:00Z");
    assert_eq!(changed["document_type"], "PLAINTEXT");
    assert_eq!(world.get(&writer, &path).await.expect(200), changed);

    // The same text, another name, another place: the version stays. The one before is gone.
    let body = json!({"content": "down", "name": "q2", "exclude_from_qdrant": true});
    let renamed = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(renamed["active_version_id"], changed["active_version_id"]);
    assert_eq!(renamed["exclude_from_qdrant"], true);
    for (id, status) in [
        (&changed["active_version_id"], 200),
        (&made["active_version_id"], 404),
        (&json!("version"), 422),
    ] {
        let body = json!({"active_version_id": id});
        world
            .call(&owner, "PATCH", &path, body)
            .await
            .expect(status);
    }
    let listed = world.get(&owner, "/v1/documents").await.expect(200);
    assert_eq!(
        listed["items"][0]["active_version"],
        renamed["active_version"]
    );
    assert_eq!(listed["items"][0]["exclude_from_qdrant"], true);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_document_of_which_nothing_is_said_was_brought_in(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let body = json!({"name": "plain"});
    let made = world.call(&owner, "POST", "/v1/documents", body).await;
    let made = made.expect(201);
    assert_eq!(made["document_type"], "UNKNOWN");
    assert_eq!(made["document_origin"], "SOURCE");
    for (field, value, reason) in [
        ("document_type", "plain text", "invalid_document_type"),
        ("document_origin", "source", "invalid_document_origin"),
    ] {
        let body = json!({"name": "wrong", field: value});
        let answer = world.call(&owner, "POST", "/v1/documents", body).await;
        assert_eq!(answer.body["errors"][0]["field"], field);
        assert_eq!(answer.refused(422), reason);
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn lists_are_sorted_and_cut_as_the_query_says(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/eng").await;
    for name in ["b", "c", "a"] {
        world.document(&owner, &eng, name).await;
        world.clock.advance(std::time::Duration::from_secs(60));
    }
    let all = world.get(&owner, "/v1/documents").await.expect(200);
    let b = format!("/v1/documents/{}", text(&all["items"][1]["id"]));
    let body = json!({"content": "new"});
    world.call(&owner, "PATCH", &b, body).await.expect(200);
    for (query, expected) in [
        ("sort_order=NAME&with_tags=true", ["a", "b", "c"].as_slice()),
        ("sort_order=LOGICAL&sort_dir=DESC", &["c", "b", "a"]),
        ("sort_order=CREATED_AT", &["b", "c", "a"]),
        ("sort_order=UPDATED_AT&sort_dir=DESC", &["b", "a", "c"]),
        ("created_after=2027-01-31T23:01:00Z", &["a", "c"]),
        ("created_before=2027-01-31T23:01:00Z", &["b"]),
        ("created_before=2027-02-01T00:01:00.000000%2B0100", &["b"]),
        (
            "updated_after=2027-02-01T00:01:00%2B01:00&updated_before=2027-01-31T23:03:00Z",
            &["a", "c"],
        ),
    ] {
        let list = world.get(&owner, &format!("/v1/documents?{query}")).await;
        let list = list.expect(200);
        assert_eq!(names(&list), expected, "{query}");
        assert_eq!(list["total"], expected.len(), "{query}");
    }
    for (query, reason) in [
        ("sort_order=SIZE", "invalid_sort"),
        ("sort_dir=asc", "invalid_sort"),
        ("with_tags=perhaps", "invalid_value"),
        ("created_after=yesterday", "invalid_time"),
        ("limit=-1", "out_of_range"),
        ("limit=", "out_of_range"),
        ("offset=9223372036854775807", "out_of_range"),
        ("page=1", "unknown_field"),
    ] {
        for list in ["documents", "folders"] {
            let answer = world.get(&owner, &format!("/v1/{list}?{query}")).await;
            assert_eq!(answer.refused(422), reason, "{query}");
        }
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn what_a_server_of_an_earlier_version_wrote_is_a_first_version(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    world.get(&owner, "/v1/documents").await.expect(200);
    let id = "01946967-d500-7123-8000-000000000001";
    let organization = world.organization.uuid();
    let statement = format!(
        "INSERT INTO sample_node (id, organization_id, kind, parent_id, name, path, \
         system_managed, content, created_at, updated_at) VALUES ('{id}', '{organization}', \
         'DOCUMENT', NULL, 'old', '/old', 0, 'text', 1000000, 2000000)"
    );
    world.beside(&statement).await;
    let path = format!("/v1/documents/{id}");
    let found = world.get(&owner, &path).await.expect(200);
    assert_eq!(found["document_type"], "UNKNOWN");
    assert_eq!(found["document_origin"], "SOURCE");
    let version = &found["active_version"];
    assert_eq!(version["version"], 1);
    assert_eq!(version["uploader"], Value::Null);
    assert_eq!(version["created_at"], "1970-01-01T00:00:01Z");
    let digits = text(&found["id"]).strip_prefix("doc_").unwrap();
    assert_eq!(version["id"], format!("version_{digits}"));
    let body = json!({"content": "new"});
    let changed = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(changed["active_version"]["version"], 2);
    world.end().await;
}
