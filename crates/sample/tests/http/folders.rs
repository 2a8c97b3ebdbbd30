use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Engine, RO, RW, RWD, World, names, text};

#[rstest]
#[tokio::test]
async fn a_folder_is_made_read_renamed_moved_and_deleted(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;

    let body = json!({"name": "eng", "parent_path_part_id": shared});
    let made = world
        .call(&owner, "POST", "/v1/folders", body)
        .await
        .expect(201);
    let id = text(&made["id"]).to_owned();
    assert!(id.starts_with("folder_"), "{id}");
    assert_eq!(made["part_type"], "FOLDER");
    assert_eq!(made["path_part_id"], made["id"]);
    assert_eq!(made["parent_path_part_id"], shared);
    assert_eq!(made["materialized_path"], "/shared/eng");
    assert_eq!(made["system_managed"], false);
    assert_eq!(made["tenant_id"], world.organization.to_string());
    assert_eq!(made["created_at"], "2027-01-31T23:00:00Z");
    assert_eq!(
        made["permissions"],
        json!({"can_read": true, "can_write": true, "can_delete": true, "can_approve": true})
    );
    let path = format!("/v1/folders/{id}");
    assert_eq!(world.get(&owner, &path).await.expect(200), made);

    let below = world.folder(&owner, "/shared/eng/specs").await;
    let renamed = world
        .call(&owner, "PATCH", &path, json!({"name": "engineering"}))
        .await
        .expect(200);
    assert_eq!(renamed["materialized_path"], "/shared/engineering");
    let specs = format!("/v1/folders/{below}");
    let specs_now = world.get(&owner, &specs).await.expect(200);
    assert_eq!(specs_now["materialized_path"], "/shared/engineering/specs");

    let archive = world.folder(&owner, "/archive").await;
    let body = json!({"name": "old eng", "parent_path_part_id": archive});
    let moved = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(moved["materialized_path"], "/archive/old eng");
    // What is null is left as it is, whatever it is: clients send what they have not set as null.
    let nothing = json!({"name": null, "parent_path_part_id": null, "exclude_from_qdrant": null});
    let kept = world
        .call(&owner, "PATCH", &path, nothing)
        .await
        .expect(200);
    assert_eq!(kept["materialized_path"], "/archive/old eng");
    let body = json!({"parent_path_part_id": ""});
    let moved = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(moved["materialized_path"], "/old eng");
    assert_eq!(moved["parent_path_part_id"], Value::Null);
    assert_eq!(
        world.get(&owner, &specs).await.expect(200)["materialized_path"],
        "/old eng/specs"
    );
    let told: Vec<String> = world.moved().into_iter().map(|(_, to)| to).collect();
    assert_eq!(
        told,
        ["/shared/engineering", "/archive/old eng", "/old eng"]
    );

    world
        .call(&owner, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    world.get(&owner, &path).await.expect(404);
    world.get(&owner, &specs).await.expect(404);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn either_spelling_of_an_id_will_do(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    // The typed spelling of an organisation's id has the same digits after its prefix.
    let digits = shared.strip_prefix("folder_").unwrap();
    let uuid = format!("tenant_{digits}")
        .parse::<vestibule_layer::model::OrganizationId>()
        .unwrap()
        .uuid();
    for spelling in [uuid.to_string(), uuid.simple().to_string(), shared.clone()] {
        let found = world.get(&owner, &format!("/v1/folders/{spelling}")).await;
        assert_eq!(found.expect(200)["id"], shared);
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn lists_come_in_pages_with_a_total(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    for name in ["a", "b", "c", "d", "e"] {
        world.folder(&owner, &format!("/shared/{name}")).await;
    }
    let list = format!("/v1/folders?parent_path_part_id={shared}");
    let page = world
        .get(&owner, &format!("{list}&limit=2&offset=3"))
        .await
        .expect(200);
    assert_eq!(names(&page), ["d", "e"]);
    assert_eq!(
        (&page["total"], &page["limit"], &page["offset"]),
        (&json!(5), &json!(2), &json!(3))
    );
    let page = world
        .get(&owner, &format!("{list}&offset=9"))
        .await
        .expect(200);
    assert_eq!(
        (names(&page).len(), &page["total"], &page["limit"]),
        (0, &json!(5), &json!(20))
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn the_root_shows_the_caller_s_home_in_the_place_of_users(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let root = world.get(&owner, "/v1/folders").await.expect(200);
    assert_eq!(root["total"], 2);
    let home = &root["items"][0];
    assert_eq!(names(&root).len(), 2);
    let paths: Vec<&str> = root["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| text(&item["materialized_path"]))
        .collect();
    assert!(paths.contains(&"/shared"));
    assert!(paths.contains(&format!("/users/{}", owner.id).as_str()));
    assert_eq!(home["system_managed"], true);
    assert!(names(&root).contains(&"Private"));
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn what_every_organization_has_stays_as_it_is(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let root = world.get(&owner, "/v1/folders").await.expect(200);
    let elsewhere = world.folder(&owner, "/elsewhere").await;
    let mut users = None;
    for item in root["items"].as_array().unwrap() {
        let path = format!("/v1/folders/{}", text(&item["id"]));
        for (method, body) in [
            ("PATCH", json!({"name": "other"})),
            ("PATCH", json!({"parent_path_part_id": elsewhere})),
            ("DELETE", Value::Null),
        ] {
            let answer = world.call(&owner, method, &path, body).await;
            assert_eq!(answer.refused(403), "system_managed");
        }
        users = item["parent_path_part_id"]
            .as_str()
            .map(str::to_owned)
            .or(users);
    }
    // Nor does anybody put a folder beside the homes, where the next member's will be.
    let body = json!({"name": "user_01jhmpfn80e48s5s0q7b7cwx5e", "parent_path_part_id": users});
    let answer = world.call(&owner, "POST", "/v1/folders", body).await;
    assert_eq!(answer.refused(403), "system_managed");
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn two_things_never_share_a_path(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let one = world.folder(&owner, "/shared/one").await;
    world.document(&owner, &shared, "two").await;
    let taken = |name: &str| json!({"name": name, "parent_path_part_id": shared});
    for (method, path, body) in [
        ("POST", "/v1/folders".to_owned(), taken("one")),
        ("POST", "/v1/folders".to_owned(), taken("two")),
        ("POST", "/v1/documents".to_owned(), taken("one")),
        (
            "PATCH",
            format!("/v1/folders/{one}"),
            json!({"name": "two"}),
        ),
    ] {
        let answer = world.call(&owner, method, &path, body).await;
        assert_eq!(answer.refused(409), "name_conflict");
    }
    // The case of letters and the wildcards of queries are nothing special.
    for name in ["ONE", "o%", "on_", "öne", "'; --"] {
        world
            .call(&owner, "POST", "/v1/folders", taken(name))
            .await
            .expect(201);
    }
    assert!(world.moved().is_empty());
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_folder_cannot_go_into_itself(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/shared/eng").await;
    let specs = world.folder(&owner, "/shared/eng/specs").await;
    for to in [&eng, &specs] {
        let body = json!({"parent_path_part_id": to});
        let answer = world
            .call(&owner, "PATCH", &format!("/v1/folders/{eng}"), body)
            .await;
        assert_eq!(answer.refused(422), "cycle");
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn no_path_grows_longer_than_a_grant_can_name(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let long = "x".repeat(255);
    let deep = world
        .folder(&owner, &format!("/shared/a/{long}/{long}/{long}"))
        .await;
    let a = world.folder(&owner, "/shared/a").await;
    let b = world
        .folder(&owner, &format!("/shared/{}", "y".repeat(255)))
        .await;
    let body = json!({"name": "z".repeat(255), "parent_path_part_id": deep});
    let answer = world.call(&owner, "POST", "/v1/folders", body).await;
    assert_eq!(answer.refused(422), "path_too_long");
    // The folder itself would fit; what it holds would not.
    let body = json!({"parent_path_part_id": b});
    let answer = world
        .call(&owner, "PATCH", &format!("/v1/folders/{a}"), body)
        .await;
    assert_eq!(answer.refused(422), "path_too_long");
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn every_wrong_field_is_named(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    for (body, reason) in [
        (json!({}), "missing_field"),
        (json!({"name": ""}), "empty_name"),
        (json!({"name": "a/b"}), "slash_in_name"),
        (json!({"name": ".."}), "reserved_name"),
        (json!({"name": "a\u{0}b"}), "control_character"),
        (json!({"name": "x".repeat(256)}), "name_too_long"),
        (json!({"name": 1}), "wrong_type"),
        (json!({"name": "a", "owner": "b"}), "unknown_field"),
        (
            json!({"name": "a", "parent_path_part_id": "doc_1"}),
            "invalid_id",
        ),
    ] {
        let answer = world
            .call(&owner, "POST", "/v1/folders", body.clone())
            .await;
        let body = answer.expect(422);
        assert_eq!(body["reason"], reason, "{body}");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "offset=-1",
        "page=2",
        "parent_path_part_id=x",
    ] {
        world
            .get(&owner, &format!("/v1/folders?{query}"))
            .await
            .expect(422);
    }
    for id in ["x", "doc_01jhmpfn80e48s5s0q7b7cwx5e", "%F0%9F%9A%AA"] {
        world
            .get(&owner, &format!("/v1/folders/{id}"))
            .await
            .expect(422);
    }
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn what_is_foreign_answers_like_what_never_was(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let (owner, stranger) = (world.owner(), world.stranger());
    let ours = world.folder(&owner, "/shared/ours").await;
    let never = "folder_01jhmpfn80e48s5s0q7b7cwx5e";
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({"name": "theirs"})),
        ("DELETE", Value::Null),
    ] {
        let foreign = world
            .call(
                &stranger,
                method,
                &format!("/v1/folders/{ours}"),
                body.clone(),
            )
            .await;
        let unknown = world
            .call(&stranger, method, &format!("/v1/folders/{never}"), body)
            .await;
        assert_eq!(foreign.status, unknown.status);
        assert_eq!(foreign.expect(404), unknown.expect(404));
    }
    for parent in [ours.as_str(), never] {
        let list = format!("/v1/folders?parent_path_part_id={parent}");
        world.get(&stranger, &list).await.expect(404);
        let body = json!({"name": "in", "parent_path_part_id": parent});
        world
            .call(&stranger, "POST", "/v1/documents", body)
            .await
            .expect(404);
    }
    let root = world.get(&stranger, "/v1/folders").await.expect(200);
    assert_eq!(
        root["total"], 2,
        "the stranger's own /shared and home: {root}"
    );
    world
        .get(&owner, &format!("/v1/folders/{ours}"))
        .await
        .expect(200);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_list_is_cut_to_what_the_caller_may_see_and_so_is_its_total(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    for path in [
        "/shared/eng/specs",
        "/shared/engineering",
        "/shared/Eng",
        "/shared/e_g",
        "/private",
    ] {
        world.folder(&owner, path).await;
    }
    let shared = world.folder(&owner, "/shared").await;
    let user = world.user(&[(RO, "/shared/eng"), (RW, "/shared/e_g"), (RWD, "/nowhere")]);
    let list = world
        .get(
            &user,
            &format!("/v1/folders?parent_path_part_id={shared}&limit=1"),
        )
        .await
        .expect(200);
    assert_eq!(list["total"], 2, "{list}");
    let list = world
        .get(&user, &format!("/v1/folders?parent_path_part_id={shared}"))
        .await
        .expect(200);
    let mut seen = names(&list);
    seen.sort_unstable();
    assert_eq!(seen, ["e_g", "eng"]);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_change_whose_grants_cannot_follow_does_not_happen(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let id = world.folder(&owner, "/shared/eng").await;
    let path = format!("/v1/folders/{id}");
    world.let_changes_fail(true);
    let body = json!({"name": "moved"});
    world
        .call(&owner, "PATCH", &path, body.clone())
        .await
        .expect(503);
    world
        .call(&owner, "DELETE", &path, Value::Null)
        .await
        .expect(503);
    let new = json!({"name": "new", "parent_path_part_id": id});
    world
        .call(&owner, "POST", "/v1/folders", new.clone())
        .await
        .expect(503);
    assert_eq!(
        world.get(&owner, &path).await.expect(200)["materialized_path"],
        "/shared/eng"
    );
    world.let_changes_fail(false);
    world
        .call(&owner, "POST", "/v1/folders", new)
        .await
        .expect(201);
    world.call(&owner, "PATCH", &path, body).await.expect(200);
    world.end().await;
}

/// The database of the grants is away between the two commits, or the process ends there.
#[rstest]
#[tokio::test]
async fn a_move_whose_grants_cannot_follow_yet_lets_nobody_in_and_is_finished_later(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let reader = world.user(&[]);
    let id = world.folder(&owner, "/shared/src").await;
    world.grant(&reader, &[(RO, "/shared/src")]);
    let shared = world.folder(&owner, "/shared").await;
    let path = format!("/v1/folders/{id}");
    world.get(&reader, &path).await.expect(200);

    world.let_following_fail(true);
    let body = json!({"name": "dst"});
    let moved = world.call(&owner, "PATCH", &path, body).await.expect(200);
    assert_eq!(moved["materialized_path"], "/shared/dst");
    world.get(&reader, &path).await.expect(403);
    // Nothing comes to the old path, on which the grants stand, and nothing else moves meanwhile.
    let same = json!({"name": "src", "parent_path_part_id": shared});
    let call = world.call(&owner, "POST", "/v1/folders", same.clone());
    call.await.expect(503);
    let body = json!({"name": "src"});
    world.call(&owner, "PATCH", &path, body).await.expect(503);
    world.finish_outbox().await;
    world.get(&reader, &path).await.expect(403);

    world.let_following_fail(false);
    world.finish_outbox().await;
    world.get(&reader, &path).await.expect(200);
    let made = world.call(&owner, "POST", "/v1/folders", same).await;
    let made = format!("/v1/folders/{}", text(&made.expect(201)["id"]));
    world.get(&reader, &made).await.expect(403);
    // There is nothing left to follow, so that what is granted on the old path now stays there.
    world.grant(&reader, &[(RO, "/shared/src")]);
    world.finish_outbox().await;
    world.get(&reader, &made).await.expect(200);
    world.get(&reader, &path).await.expect(403);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn whoever_changes_the_tree_finishes_what_was_left(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let reader = world.user(&[]);
    let gone = world.folder(&owner, "/shared/gone").await;
    world.grant(&reader, &[(RO, "/shared/gone")]);
    let shared = world.folder(&owner, "/shared").await;
    world.let_following_fail(true);
    let path = format!("/v1/folders/{gone}");
    let call = world.call(&owner, "DELETE", &path, Value::Null);
    call.await.expect(204);
    world.let_following_fail(false);
    // Whoever is first creates it anew, and the grant of the one before is none on it.
    let same = json!({"name": "gone", "parent_path_part_id": shared});
    let made = world.call(&owner, "POST", "/v1/folders", same).await;
    let made = format!("/v1/folders/{}", text(&made.expect(201)["id"]));
    world.get(&reader, &made).await.expect(403);
    world.grant(&reader, &[(RO, "/shared/gone")]);
    world.finish_outbox().await;
    world.get(&reader, &made).await.expect(200);
    world.end().await;
}

/// The grants' keeper decides last, when the sample's own half is written and not yet stored.
#[rstest]
#[tokio::test]
async fn a_change_that_the_grants_refuse_leaves_nothing_half_done(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let eng = world.folder(&owner, "/shared/eng").await;
    let plan = world.document(&owner, &eng, "plan").await;
    let reader = world.user(&[(RO, "/shared/eng")]);
    world.keep_grant("/shared/next/year");
    let (folder, document) = (
        format!("/v1/folders/{eng}"),
        format!("/v1/documents/{plan}"),
    );
    let next = json!({"name": "next"});
    let moved = json!({"name": "next", "parent_path_part_id": shared, "content": "new"});
    let made = json!({"name": "next", "parent_path_part_id": shared});
    for (method, path, body) in [
        ("PATCH", folder.as_str(), &next),
        ("PATCH", document.as_str(), &moved),
        ("POST", "/v1/folders", &made),
        ("POST", "/v1/documents", &made),
    ] {
        let refused = world.call(&owner, method, path, body.clone()).await;
        assert_eq!(refused.refused(409), "path_has_grants", "{method} {path}");
    }
    assert!(world.moved().is_empty());
    let list = format!("/v1/folders?parent_path_part_id={shared}");
    assert_eq!(names(&world.get(&owner, &list).await.expect(200)), ["eng"]);
    let read = world.get(&reader, &document).await.expect(200);
    assert_eq!(read["materialized_path"], "/shared/eng/plan");
    assert_eq!(read["content"], "text");
    // What is beside them is free.
    let body = json!({"name": "nextt"});
    world.call(&owner, "PATCH", &folder, body).await.expect(200);
    world.get(&reader, &document).await.expect(200);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn of_many_who_want_one_name_one_gets_it(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let tries = (0..8).map(|_| world.call(&owner, "POST", "/v1/folders", json!({"name": "one"})));
    let answers = futures_util::future::join_all(tries).await;
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_folder_is_left_out_of_search_when_its_client_says_so(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/eng").await;
    let path = format!("/v1/folders/{eng}?with_tags=true");
    assert_eq!(
        world.get(&owner, &path).await.expect(200)["exclude_from_qdrant"],
        false
    );
    let body = json!({"exclude_from_qdrant": true});
    let patched = format!("/v1/folders/{eng}");
    world
        .call(&owner, "PATCH", &patched, body.clone())
        .await
        .expect(200);
    let found = world.get(&owner, &path).await.expect(200);
    assert_eq!(found["exclude_from_qdrant"], true);
    assert_eq!(found["tags"], json!([]));
    let shared = world.folder(&owner, "/shared").await;
    let patched = format!("/v1/folders/{shared}");
    let answer = world.call(&owner, "PATCH", &patched, body).await;
    assert_eq!(answer.refused(403), "system_managed");
    world.end().await;
}
