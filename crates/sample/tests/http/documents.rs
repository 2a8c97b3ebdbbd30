use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Engine, RO, World, names, text};

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
