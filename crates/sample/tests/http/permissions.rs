//! The worked examples of path permissions, over HTTP. The numbers are those of the table that the
//! pure decision is tested with.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_layer::model::{Capability, Role};

use crate::support::{Answer, Engine, Person, RO, RW, RWD, World, held, names, text};

/// What somebody tries with a path.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Open the document at the path.
    Read(&'static str),
    /// Rewrite the document at the path.
    Write(&'static str),
    /// Open the folder at the path.
    Open(&'static str),
    /// Make something in the folder at the path.
    Create(&'static str),
    /// Rename the folder at the path.
    Rename(&'static str),
    /// Rename the document at the path.
    RenameDocument(&'static str),
    /// Delete the folder at the path.
    Delete(&'static str),
    /// Move the document `/shared/a/x` to the folder.
    MoveTo(&'static str),
}

async fn document(world: &World, owner: &Person, path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap();
    let folder = world.folder(owner, folder).await;
    world.document(owner, &folder, name).await
}

/// The grants are given once everything is there: they would not be for what is made later.
async fn act(world: &World, actor: &Person, grants: Grants, act: Act) -> Answer {
    let owner = world.owner();
    let granted = || world.grant(actor, grants);
    match act {
        Act::Read(path) => {
            let id = document(world, &owner, path).await;
            granted();
            world.get(actor, &format!("/v1/documents/{id}")).await
        }
        Act::Write(path) => {
            let id = document(world, &owner, path).await;
            granted();
            let body = json!({"content": "new"});
            world
                .call(actor, "PATCH", &format!("/v1/documents/{id}"), body)
                .await
        }
        Act::Open(path) => {
            let id = world.folder(&owner, path).await;
            granted();
            world.get(actor, &format!("/v1/folders/{id}")).await
        }
        Act::Create(path) => {
            let id = world.folder(&owner, path).await;
            granted();
            let body = json!({"name": "new", "parent_path_part_id": id});
            world.call(actor, "POST", "/v1/folders", body).await
        }
        Act::Rename(path) => {
            let id = world.folder(&owner, path).await;
            granted();
            world
                .call(
                    actor,
                    "PATCH",
                    &format!("/v1/folders/{id}"),
                    json!({"name": "n"}),
                )
                .await
        }
        Act::RenameDocument(path) => {
            let id = document(world, &owner, path).await;
            granted();
            let body = json!({"name": "n"});
            world
                .call(actor, "PATCH", &format!("/v1/documents/{id}"), body)
                .await
        }
        Act::Delete(path) => {
            let id = world.folder(&owner, path).await;
            granted();
            world
                .call(actor, "DELETE", &format!("/v1/folders/{id}"), Value::Null)
                .await
        }
        Act::MoveTo(path) => {
            let id = document(world, &owner, "/shared/a/x").await;
            let to = world.folder(&owner, path).await;
            granted();
            let body = json!({"parent_path_part_id": to});
            world
                .call(actor, "PATCH", &format!("/v1/documents/{id}"), body)
                .await
        }
    }
}

type Grants = &'static [(Capability, &'static str)];

#[rstest]
#[case::e4(&[], Act::Open("/shared"), 403)]
#[case::e5(&[(RO, "/shared")], Act::Open("/shared"), 200)]
#[case::e6(&[(RO, "/shared")], Act::Read("/shared/reports/q1"), 200)]
#[case::e7(&[(RO, "/shared")], Act::Write("/shared/reports/q1"), 403)]
#[case::e8(&[(RO, "/shared"), (RW, "/shared/output")], Act::Write("/shared/output/file"), 200)]
#[case::e9(&[(RO, "/shared"), (RW, "/shared/output")], Act::Create("/shared"), 403)]
#[case::e10(&[(RO, "/shared"), (RW, "/shared/output")], Act::Read("/private/doc"), 403)]
#[case::e11(&[(RO, "/shared/eng")], Act::Open("/shared/engineering"), 403)]
#[case::e12(&[(RW, "/shared/eng")], Act::Create("/shared/eng"), 201)]
#[case::e13(&[(RW, "/shared/eng/specs")], Act::Create("/shared/eng"), 403)]
#[case::e14(&[(RW, "/shared/eng")], Act::Delete("/shared/eng/specs"), 403)]
#[case::e15(&[(RWD, "/shared/eng")], Act::Delete("/shared/eng/specs"), 204)]
#[case::e16(&[(RWD, "/shared/eng")], Act::Delete("/shared/eng"), 204)]
#[case::e16_of_a_system_folder(&[(RWD, "/shared")], Act::Delete("/shared"), 403)]
#[case::e17(&[(RW, "/shared/a"), (RO, "/shared/b")], Act::MoveTo("/shared/b"), 403)]
#[case::e18(&[(RW, "/shared/a"), (RW, "/shared/b")], Act::MoveTo("/shared/b"), 200)]
#[case::e18_without_the_source(&[(RO, "/shared/a"), (RW, "/shared/b")], Act::MoveTo("/shared/b"), 403)]
#[case::e23_and_e24(&[(RO, "/shared/eng"), (RW, "/shared/eng")], Act::Write("/shared/eng/a"), 200)]
#[case::e25(&[(RW, "/shared"), (RO, "/shared/eng")], Act::Write("/shared/eng/a"), 200)]
#[case::e32(&[(RO, "/shared/eng/specs")], Act::Open("/shared"), 403)]
#[case::rename_is_a_write(&[(RO, "/shared/eng")], Act::Rename("/shared/eng"), 403)]
#[case::rename_is_a_write_to_the_folder_above(&[(RW, "/shared/eng")], Act::Rename("/shared/eng"), 403)]
#[case::rename_needs_no_more(&[(RW, "/shared")], Act::Rename("/shared/eng"), 200)]
#[case::rename_at_the_root(&[(RW, "/eng")], Act::Rename("/eng"), 403)]
#[case::rename_at_the_root_needs_no_more(&[(RW, "/")], Act::Rename("/eng"), 200)]
#[case::rename_of_a_document(&[(RW, "/shared/eng/a")], Act::RenameDocument("/shared/eng/a"), 403)]
#[case::rename_of_a_document_needs_no_more(&[(RW, "/shared/eng")], Act::RenameDocument("/shared/eng/a"), 200)]
#[case::move_is_a_write_to_the_folder_above(&[(RW, "/shared/a/x"), (RW, "/shared/b")], Act::MoveTo("/shared/b"), 403)]
#[tokio::test]
async fn a_user_may_what_the_grants_say(
    #[case] grants: Grants,
    #[case] tried: Act,
    #[case] status: u16,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let answer = act(&world, &user, grants, tried).await;
    let body = answer.expect(status);
    if status == 403 {
        let reason = text(&body["reason"]);
        let known = [
            "path_not_granted",
            "capability_not_granted",
            "system_managed",
        ];
        assert!(known.contains(&reason), "{body}");
        assert_eq!(body["code"], "forbidden");
    }
    world.end().await;
}

#[rstest]
#[case::e1(Role::Owner)]
#[case::e2(Role::Admin)]
#[tokio::test]
async fn owners_and_admins_may_everything(
    #[case] role: Role,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let somebody = world.person(world.organization, role, &[]);
    act(&world, &somebody, &[], Act::Write("/private/doc"))
        .await
        .expect(200);
    act(&world, &somebody, &[], Act::Delete("/private"))
        .await
        .expect(204);
    // E22: the homes of others too.
    let user = world.user(&[]);
    let home = home_of(&world, &user).await;
    world
        .get(&somebody, &format!("/v1/folders/{home}"))
        .await
        .expect(200);
    world.end().await;
}

async fn home_of(world: &World, person: &Person) -> String {
    let root = world.get(person, "/v1/folders").await.expect(200);
    let home = root["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == "Private")
        .expect("a home");
    text(&home["id"]).to_owned()
}

#[rstest]
#[tokio::test]
async fn the_own_home_needs_no_grant_and_the_home_of_another_does(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let (abc, def) = (world.user(&[]), world.user(&[]));
    let home = home_of(&world, &abc).await;
    // E19.
    let body = json!({"name": "notes", "parent_path_part_id": home});
    let notes = world
        .call(&abc, "POST", "/v1/folders", body)
        .await
        .expect(201);
    let notes = format!("/v1/folders/{}", text(&notes["id"]));
    // E21.
    world.get(&def, &notes).await.expect(403);
    let list = format!("/v1/folders?parent_path_part_id={home}");
    world.get(&def, &list).await.expect(403);
    // E20.
    world
        .call(&abc, "DELETE", &notes, Value::Null)
        .await
        .expect(204);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn taking_something_home_needs_what_deleting_it_needs(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/shared/eng").await;
    let specs = world.folder(&owner, "/shared/eng/specs").await;
    let plan = world.document(&owner, &eng, "plan").await;
    let user = world.user(&[(RW, "/shared/eng")]);
    let home = home_of(&world, &user).await;
    let into = |parent: &str| json!({"parent_path_part_id": parent});
    let paths = [
        format!("/v1/folders/{specs}"),
        format!("/v1/documents/{plan}"),
    ];
    for path in &paths {
        let taken = world.call(&user, "PATCH", path, into(&home)).await;
        assert_eq!(taken.refused(403), "capability_not_granted", "{path}");
        world.get(&owner, path).await.expect(200);
    }
    world.grant(&user, &[(RWD, "/shared/eng")]);
    for path in &paths {
        world
            .call(&user, "PATCH", path, into(&home))
            .await
            .expect(200);
    }
    // Within the home, and out of it, writing is enough.
    world.grant(&user, &[(RW, "/shared/eng")]);
    world
        .call(&user, "PATCH", &paths[1], into(&specs))
        .await
        .expect(200);
    world
        .call(&user, "PATCH", &paths[1], into(&eng))
        .await
        .expect(200);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_refusal_names_the_path_and_what_is_missing(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let grants = &[(RO, "/shared/eng")];
    let body = act(&world, &user, grants, Act::Create("/shared/eng"))
        .await
        .expect(403);
    assert_eq!(body["reason"], "capability_not_granted");
    assert_eq!(
        body["detail"],
        "This needs READ_WRITE on /shared/eng; you have READ_ONLY there."
    );
    world.end().await;
}

/// The path of what one may not read holds the names of others' folders.
#[rstest]
#[tokio::test]
async fn a_refusal_does_not_name_the_path_of_what_one_may_not_read(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let folder = world.folder(&owner, "/merger/with-globex").await;
    let document = world.document(&owner, &folder, "price").await;
    let user = world.user(&[]);
    let (in_folder, in_document) = (
        format!("/v1/folders/{folder}"),
        format!("/v1/documents/{document}"),
    );
    let inside = json!({"name": "new", "parent_path_part_id": folder});
    for (method, path, body, id) in [
        ("GET", in_folder.as_str(), Value::Null, &folder),
        ("GET", &in_document, Value::Null, &document),
        ("PATCH", &in_folder, json!({"name": "n"}), &folder),
        ("PATCH", &in_document, json!({"name": "n"}), &document),
        ("DELETE", &in_folder, Value::Null, &folder),
        ("DELETE", &in_document, Value::Null, &document),
        ("POST", "/v1/folders", inside.clone(), &folder),
        ("POST", "/v1/documents", inside, &folder),
    ] {
        let body = world.call(&user, method, path, body).await.expect(403);
        assert_eq!(body["reason"], "path_not_granted", "{method} {path}");
        assert!(text(&body["detail"]).contains(id.as_str()), "{body}");
        assert!(!body.to_string().contains("globex"), "{body}");
    }
    let list = format!("/v1/documents?parent_path_part_id={folder}");
    let body = world.get(&user, &list).await.expect(403);
    assert!(!body.to_string().contains("globex"), "{body}");
    world.end().await;
}

/// E31: a folder that leads to something readable is listed, cannot be opened, and can be walked
/// through.
#[rstest]
#[tokio::test]
async fn one_can_walk_down_to_what_one_may_read(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let specs = world.folder(&owner, "/shared/eng/specs").await;
    world.folder(&owner, "/shared/eng/secret").await;
    world.folder(&owner, "/shared/ops").await;
    let user = world.user(&[(RO, "/shared/eng/specs")]);
    let nothing = json!(
        {"can_read": false, "can_write": false, "can_delete": false, "can_approve": false}
    );
    let root = world.get(&user, "/v1/folders").await.expect(200);
    assert_eq!(
        (names(&root), &root["total"]),
        (vec!["shared", "Private"], &json!(2))
    );
    let mut list = root;
    for (name, readable) in [("shared", false), ("eng", false), ("specs", true)] {
        let items = list["items"].as_array().unwrap().clone();
        let item = items.iter().find(|item| item["name"] == name).expect(name);
        assert_eq!(item["permissions"]["can_read"], readable);
        if !readable {
            assert_eq!(item["permissions"], nothing);
            if name == "eng" {
                assert_eq!(names(&list), ["eng"]);
            }
        }
        let id = text(&item["id"]);
        let status = if readable { 200 } else { 403 };
        world
            .get(&user, &format!("/v1/folders/{id}"))
            .await
            .expect(status);
        list = world
            .get(&user, &format!("/v1/folders?parent_path_part_id={id}"))
            .await
            .expect(200);
    }
    world
        .get(&user, &format!("/v1/folders/{specs}"))
        .await
        .expect(200);
    world.end().await;
}

/// E34: what is taken away is gone for the next request.
#[rstest]
#[tokio::test]
async fn a_right_that_is_taken_away_is_gone_for_the_next_request(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let shared = world.folder(&owner, "/shared").await;
    let user = world.user(&[(RW, "/shared")]);
    let body = |name: &str| json!({"name": name, "parent_path_part_id": shared});
    world
        .call(&user, "POST", "/v1/documents", body("one"))
        .await
        .expect(201);
    world.grant(&user, &[]);
    world
        .call(&user, "POST", "/v1/documents", body("two"))
        .await
        .expect(403);
    world.end().await;
}

/// E35: a grant moves with its folder.
#[rstest]
#[tokio::test]
async fn a_grant_follows_its_folder(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let folder = world.folder(&owner, "/shared/f").await;
    let inside = world.document(&owner, &folder, "x").await;
    let private = world.folder(&owner, "/private").await;
    let user = world.user(&[(RO, "/shared/f")]);
    let inside = format!("/v1/documents/{inside}");
    world.get(&user, &inside).await.expect(200);
    let body = json!({"parent_path_part_id": private});
    world
        .call(&owner, "PATCH", &format!("/v1/folders/{folder}"), body)
        .await
        .expect(200);
    let read = world.get(&user, &inside).await.expect(200);
    assert_eq!(read["materialized_path"], "/private/f/x");
    // What is made at the old place is another folder.
    let again = world.folder(&owner, "/shared/f").await;
    world
        .get(&user, &format!("/v1/folders/{again}"))
        .await
        .expect(403);
    world.end().await;
}

/// What was granted on a folder is not granted on another that comes to its path.
#[rstest]
#[tokio::test]
async fn a_grant_ends_with_its_folder(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let folder = world.folder(&owner, "/shared/f").await;
    world.document(&owner, &folder, "x").await;
    let user = world.user(&[(RO, "/shared/f"), (RW, "/shared/f/x"), (RO, "/shared/fx")]);
    let path = format!("/v1/folders/{folder}");
    world.get(&user, &path).await.expect(200);
    world
        .call(&owner, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    let again = world.folder(&owner, "/shared/f").await;
    let inside = world.document(&owner, &again, "x").await;
    for path in [
        format!("/v1/folders/{again}"),
        format!("/v1/documents/{inside}"),
    ] {
        world.get(&user, &path).await.expect(403);
    }
    let other = world.folder(&owner, "/shared/g").await;
    world.grant(&user, &[(RO, "/shared/h"), (RO, "/shared/i")]);
    let path = format!("/v1/folders/{other}");
    let body = json!({"name": "h"});
    world.call(&owner, "PATCH", &path, body).await.expect(200);
    world.get(&user, &path).await.expect(403);
    let made = world.folder(&owner, "/shared/i").await;
    let path = format!("/v1/folders/{made}");
    world.get(&user, &path).await.expect(403);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn only_rights_on_everything_reach_the_root(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let body = json!({"name": "top"});
    let user = world.user(&[(RWD, "/shared"), (RWD, "/top")]);
    world
        .call(&user, "POST", "/v1/folders", body.clone())
        .await
        .expect(403);
    let user = world.user(&[(RW, "/")]);
    world
        .call(&user, "POST", "/v1/folders", body)
        .await
        .expect(201);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_sees_and_does_no_more_than_its_own_grants(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/shared/eng").await;
    let ops = world.folder(&owner, "/shared/ops").await;
    world.document(&owner, &eng, "in").await;
    world.document(&owner, &ops, "out").await;
    let narrowed = world.owner();
    world.alter(&narrowed, |principal| {
        principal.narrowed_to = Some(held(&[(RO, "/shared/eng")]));
    });
    let list = world.get(&narrowed, "/v1/documents").await.expect(200);
    assert_eq!((names(&list), &list["total"]), (vec!["in"], &json!(1)));
    assert_eq!(
        names(&world.get(&narrowed, "/v1/folders").await.expect(200)),
        ["shared"]
    );
    world
        .get(&narrowed, &format!("/v1/folders/{ops}"))
        .await
        .expect(403);
    let path = format!("/v1/folders/{eng}");
    let seen = world.get(&narrowed, &path).await.expect(200);
    assert_eq!(seen["permissions"]["can_write"], false);
    assert_eq!(seen["permissions"]["can_approve"], false);
    world
        .call(&narrowed, "DELETE", &path, Value::Null)
        .await
        .expect(403);
    world.end().await;
}

/// E38: approval is a right of its own, which no capability includes.
#[rstest]
#[tokio::test]
async fn approving_is_a_right_of_its_own(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let eng = world.folder(&owner, "/shared/eng").await;
    let (writer, approver) = (world.user(&[(RWD, "/shared/eng")]), world.user(&[]));
    world.alter(&approver, |principal| {
        principal.grants = held(&[(RO, "/shared/eng")]);
        Arc::make_mut(&mut principal.grants)[0].can_approve = true;
    });
    let path = format!("/v1/folders/{eng}");
    let seen = world.get(&writer, &path).await.expect(200);
    assert_eq!(
        seen["permissions"],
        json!({"can_read": true, "can_write": true, "can_delete": true, "can_approve": false})
    );
    let seen = world.get(&approver, &path).await.expect(200);
    assert_eq!(
        seen["permissions"],
        json!({"can_read": true, "can_write": false, "can_delete": false, "can_approve": true})
    );
    world.end().await;
}
