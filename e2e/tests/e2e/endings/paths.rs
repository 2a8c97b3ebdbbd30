//! Folders and documents that are created, renamed, moved and deleted, and whose grants that ends.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Fixture, Person};

use crate::support::{document, folder, grant, key, revoke_all, shared};

/// An act on `SITE/src`, or on what is called like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The folder `SITE/src` becomes `SITE/next`.
    Rename,
    /// The document `SITE/src` becomes `SITE/next`.
    RenameDocument,
    /// The folder `SITE/from/next` becomes `SITE/next`.
    Move,
    /// The folder `SITE/next` is created.
    Create,
    /// The document `SITE/next` is created.
    CreateDocument,
    /// The folder `SITE/next` is deleted.
    Delete,
    /// The folder `SITE/next` is deleted, and one of its name created.
    Recreate,
}

const WAYS: [Way; 7] = [
    Way::Rename,
    Way::RenameDocument,
    Way::Move,
    Way::Create,
    Way::CreateDocument,
    Way::Delete,
    Way::Recreate,
];

/// The caller. Their right is `READ_WRITE` where the act needs no more, and `READ_WRITE_DELETE` for a
/// deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The owner.
    Owner,
    /// An administrator.
    Admin,
    /// A member with the right on the folder or document alone.
    OnNode,
    /// A member with the right on all of `SITE`.
    OnParent,
    /// The owner's key, narrowed to the folder or document.
    KeyOnNode,
    /// The owner's key, narrowed to `SITE`.
    KeyOnParent,
    /// A member with `READ_WRITE`, which deletes nothing.
    Writer,
}

const CALLERS: [By; 7] = [
    By::Owner,
    By::Admin,
    By::OnNode,
    By::OnParent,
    By::KeyOnNode,
    By::KeyOnParent,
    By::Writer,
];

/// The holder who may lose a grant: Carol is a member, and the key is another one of the owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Carol,
    OwnersKey,
}

/// The status, and whether the grants on `SITE/next` stand afterwards.
const fn expected(way: Way, by: By, of: Of) -> (u16, bool) {
    let done = match way {
        Way::Create | Way::CreateDocument | Way::Recreate => 201,
        Way::Delete => 204,
        Way::Rename | Way::RenameDocument | Way::Move => 200,
    };
    match (way, by) {
        (Way::Delete | Way::Recreate, By::Writer) => (403, true),
        // What is deleted is gone, and its name in the folder is not the caller's.
        (Way::Recreate, By::OnNode | By::KeyOnNode) => (403, false),
        // Whoever may delete a thing may end what was granted on it, and an owner anything.
        (Way::Delete | Way::Recreate, _) | (_, By::Owner) => (done, false),
        // Whatever has a name in a folder is part of it.
        (_, By::OnNode | By::KeyOnNode) => (403, true),
        // What stands on the new path is theirs who could revoke it: an administrator cannot revoke
        // an owner's key, and a narrowed key nothing.
        (_, By::Admin) => match of {
            Of::Carol => (done, false),
            Of::OwnersKey => (409, true),
        },
        (_, By::OnParent | By::KeyOnParent | By::Writer) => (409, true),
    }
}

/// The people, in one organisation.
struct World {
    fixture: Fixture,
    shared: String,
    admin: String,
    actor: Person,
    actors_token: String,
    carol: Person,
    dave: Person,
}

/// A row of the table that has been set up.
struct Row {
    site: String,
    bearer: String,
    /// The id of the other key of the owner, and its text.
    key: (String, String),
    /// The path that Dave's grant is on, which goes along.
    along: String,
    call: Vec<(String, String, Value)>,
}

impl World {
    async fn start(backend: Backend) -> Self {
        let fixture = Fixture::start(backend).await;
        let (acme, mut people) = (fixture.acme().to_owned(), Vec::new());
        for (name, role) in [("admin", "ADMIN"), ("actor", "USER"), ("carol", "USER")] {
            let email = format!("{name}@example.com");
            people.push(fixture.newcomer(&email, &acme, role).await);
        }
        let [admin, actor, carol] = people.try_into().unwrap();
        let dave = fixture.bob();
        revoke_all(&fixture, &dave.id).await;
        Self {
            shared: shared(&fixture).await,
            admin: fixture.token_of(&admin).await,
            actors_token: fixture.token_of(&actor).await,
            fixture,
            actor,
            carol,
            dave,
        }
    }

    async fn granted(&self, person: &Person) -> Vec<String> {
        let query = format!("limit=100&user_id={}", person.id);
        let path = format!("/v1/user-permissions?{query}");
        let list = self
            .fixture
            .get(&path)
            .bearer(self.fixture.key())
            .send()
            .await;
        let list = list.expect(200).json();
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|item| item["path"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn narrowed_to(&self, key: &str) -> Vec<String> {
        let call = self.fixture.get(&format!("/v1/api-keys/{key}"));
        let shown = call.bearer(self.fixture.key()).send().await.expect(200);
        let shown = shown.json();
        let grants = shown["grants"].as_array().unwrap();
        grants
            .iter()
            .map(|grant| grant["path"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sets a row up below a folder of its own.
    async fn row(&self, number: usize, way: Way, by: By, of: Of) -> Row {
        let fixture = &self.fixture;
        let name = format!("site-{number}");
        let site = format!("/shared/{name}");
        let parent = folder(fixture, Some(&self.shared), &name).await;
        let created = |kind: &str| {
            let body = json!({ "name": "next", "parent_path_part_id": parent });
            ("POST".to_owned(), format!("/v1/{kind}"), body)
        };
        let renamed = |kind: &str, id: &str| {
            let body = json!({ "name": "next" });
            ("PATCH".to_owned(), format!("/v1/{kind}/{id}"), body)
        };
        let deleted = |id: &str| {
            (
                "DELETE".to_owned(),
                format!("/v1/folders/{id}"),
                Value::Null,
            )
        };
        let (node, call) = match way {
            Way::Rename => {
                let id = folder(fixture, Some(&parent), "src").await;
                ("src", vec![renamed("folders", &id)])
            }
            Way::RenameDocument => {
                let id = document(fixture, &parent, "src").await;
                ("src", vec![renamed("documents", &id)])
            }
            Way::Move => {
                let from = folder(fixture, Some(&parent), "from").await;
                let id = folder(fixture, Some(&from), "next").await;
                let body = json!({ "parent_path_part_id": parent });
                let call = ("PATCH".to_owned(), format!("/v1/folders/{id}"), body);
                ("from/next", vec![call])
            }
            Way::Create => ("next", vec![created("folders")]),
            Way::CreateDocument => ("next", vec![created("documents")]),
            Way::Delete => {
                let id = folder(fixture, Some(&parent), "next").await;
                ("next", vec![deleted(&id)])
            }
            Way::Recreate => {
                let id = folder(fixture, Some(&parent), "next").await;
                ("next", vec![deleted(&id), created("folders")])
            }
        };
        let (along, next) = (format!("{site}/{node}"), format!("{site}/next"));
        if along != next {
            grant(fixture, &self.dave.id, &along, "READ_ONLY").await;
        }
        let key = match of {
            Of::Carol => {
                grant(fixture, &self.carol.id, &next, "READ_ONLY").await;
                (String::new(), String::new())
            }
            Of::OwnersKey => {
                let grants = json!([{ "path": next, "capability": "READ_WRITE" }]);
                key(fixture, Some(grants)).await
            }
        };
        let capability = match (way, by) {
            (_, By::Writer) => "READ_WRITE",
            (Way::Delete | Way::Recreate, _) => "READ_WRITE_DELETE",
            _ => "READ_WRITE",
        };
        let bearer = match by {
            By::Owner => fixture.key().to_owned(),
            By::Admin => self.admin.clone(),
            By::OnNode => {
                grant(fixture, &self.actor.id, &along, capability).await;
                self.actors_token.clone()
            }
            By::OnParent | By::Writer => {
                grant(fixture, &self.actor.id, &site, capability).await;
                self.actors_token.clone()
            }
            By::KeyOnNode => narrowed(fixture, &along, capability).await,
            By::KeyOnParent => narrowed(fixture, &site, capability).await,
        };
        Row {
            site,
            bearer,
            key,
            along,
            call,
        }
    }

    /// Holds a row to what is expected.
    async fn hold(&self, row: &Row, way: Way, by: By, of: Of) {
        let line = format!("{way:?} by {by:?}, of {of:?}");
        let next = format!("{}/next", row.site);
        let answer = self.send(row).await;
        let (status, stands) = expected(way, by, of);
        assert_eq!(answer.status, status, "{line}: {}", answer.text);

        let held = match of {
            Of::Carol => self.granted(&self.carol).await,
            Of::OwnersKey => self.narrowed_to(&row.key.0).await,
        };
        assert_eq!(held.contains(&next), stands, "{line}: {held:?}");
        if row.along != next {
            let carried = status == 200;
            let held = self.granted(&self.dave).await;
            assert_eq!(held.contains(&row.along), !carried, "{line}: {held:?}");
            assert_eq!(held.contains(&next), carried, "{line}: {held:?}");
        }
        if of == Of::OwnersKey && !stands {
            // A key that was narrowed to it may nothing now, not everything.
            let call = self.fixture.get(&format!("/v1/folders/{}", self.shared));
            let refused = call.bearer(&row.key.1).send().await.expect(403);
            assert_eq!(refused.reason(), "path_not_granted", "{line}");
        }
        if status == 409 {
            assert_eq!(answer.reason(), "path_has_grants", "{line}");
            assert_eq!(answer.text_at("/code"), "conflict", "{line}");
            assert!(!answer.text_at("/hint").is_empty(), "{line}");
            for secret in [&*self.carol.id, "carol", &row.key.0] {
                let told = !secret.is_empty() && answer.text.contains(secret);
                assert!(!told, "{line}: {}", answer.text);
            }
        }
    }

    /// Sends the requests of a row, as long as they succeed; the last answer.
    async fn send(&self, row: &Row) -> Answer {
        let mut last = None;
        for (method, path, body) in &row.call {
            let call = self.fixture.call(method, path).bearer(&row.bearer);
            let call = if body.is_null() {
                call
            } else {
                call.json(body.clone())
            };
            let answer = call.send().await;
            let failed = answer.status >= 400;
            last = Some(answer);
            if failed {
                break;
            }
        }
        last.unwrap()
    }
}

async fn narrowed(fixture: &Fixture, path: &str, capability: &str) -> String {
    let grants = json!([{ "path": path, "capability": capability }]);
    key(fixture, Some(grants)).await.1
}

#[rstest]
#[tokio::test]
async fn nothing_that_happens_to_a_folder_ends_grants_that_its_caller_could_not_revoke(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let mut number = 0;
    for way in WAYS {
        for by in CALLERS {
            for of in [Of::Carol, Of::OwnersKey] {
                number += 1;
                let row = world.row(number, way, by, of).await;
                world.hold(&row, way, by, of).await;
            }
        }
        // There is a limit.
        for person in [&world.actor, &world.carol, &world.dave] {
            revoke_all(&world.fixture, &person.id).await;
        }
    }
}

/// The case that was reported: the right on a folder is no right on the names beside it.
#[rstest]
#[tokio::test]
async fn a_rename_needs_write_on_the_folder_above_as_a_move_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let fixture = &world.fixture;
    let src = folder(fixture, Some(&world.shared), "src").await;
    grant(fixture, &world.actor.id, "/shared/src", "READ_WRITE").await;
    let key = narrowed(fixture, "/shared/src", "READ_WRITE").await;
    let rename = async |bearer: &str| {
        let call = fixture.patch(&format!("/v1/folders/{src}")).bearer(bearer);
        call.json(json!({ "name": "next-year" })).send().await
    };
    for bearer in [&world.actors_token, &key] {
        let refused = rename(bearer).await.expect(403);
        let detail = refused.text_at("/detail");
        assert!(detail.contains("READ_WRITE on /shared;"), "{detail}");
        // What is no change of name or place needs no more than before.
        let call = fixture.patch(&format!("/v1/folders/{src}")).bearer(bearer);
        let same = json!({ "name": "src", "exclude_from_qdrant": true });
        call.json(same).send().await.expect(200);
    }
    grant(fixture, &world.actor.id, "/shared", "READ_WRITE").await;
    let renamed = rename(&world.actors_token).await.expect(200);
    assert_eq!(renamed.text_at("/materialized_path"), "/shared/next-year");
}

#[rstest]
#[tokio::test]
async fn the_record_says_whose_grants_a_rename_has_ended_and_carried_along(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let fixture = &world.fixture;
    let src = folder(fixture, Some(&world.shared), "src").await;
    grant(fixture, &world.dave.id, "/shared/src", "READ_WRITE").await;
    grant(fixture, &world.carol.id, "/shared/next/deep", "READ_ONLY").await;
    let group = fixture.cli_json(&["group", "add", "Acme", "readers"]).await;
    let group = group["id"].as_str().unwrap();
    let to_group = [
        "grant",
        "add",
        "Acme",
        "--group",
        "readers",
        "READ_WRITE",
        "/shared/next",
    ];
    fixture.cli_json(&to_group).await;
    let grants = json!([{ "path": "/shared/next", "capability": "READ_ONLY" }]);
    let (narrowed, _) = key(fixture, Some(grants)).await;

    let call = fixture.patch(&format!("/v1/folders/{src}"));
    let call = call.bearer(fixture.key()).json(json!({ "name": "next" }));
    let renamed = call.send().await.expect(200);
    let records = fixture.audit(fixture.acme()).await;
    let record = |kind: &str| {
        let mut found = records.iter().filter(|record| record["kind"] == kind);
        let record = found.next().expect(kind);
        assert_eq!(record["request_id"], renamed.header("x-request-id"));
        record["details"].clone()
    };
    let removed = record("grant.removed");
    assert_eq!(
        (&removed["before"], &removed["count"]),
        (&json!("/shared/next"), &json!(3))
    );
    for (kind, holder, path, capability) in [
        (
            "user",
            world.carol.id.as_str(),
            "/shared/next/deep",
            "READ_ONLY",
        ),
        ("group", group, "/shared/next", "READ_WRITE"),
        ("api_key", narrowed.as_str(), "/shared/next", "READ_ONLY"),
    ] {
        let mut listed = removed["grants"].as_array().unwrap().iter();
        let found = listed.find(|grant| grant["holder"] == holder).expect(kind);
        assert_eq!(found["holder_kind"], kind);
        assert_eq!(
            (&found["path"], &found["capability"]),
            (&json!(path), &json!(capability))
        );
    }
    let moved = record("grant.moved");
    assert_eq!(
        (&moved["before"], &moved["after"]),
        (&json!("/shared/src"), &json!("/shared/next"))
    );
    assert_eq!(moved["count"], 1);
    assert_eq!(moved["grants"][0]["holder"], world.dave.id);
    assert_eq!(moved["grants"][0]["path"], "/shared/next");
}

/// Whichever comes first, the grant stands in the end.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_given_during_a_rename_to_its_path_is_not_lost(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let fixture = &world.fixture;
    let src = folder(fixture, Some(&world.shared), "src-0").await;
    grant(fixture, &world.actor.id, "/shared", "READ_WRITE").await;
    for round in 0..vestibule_e2e::rounds(5, 40) {
        let name = format!("src-{}", round + 1);
        let path = format!("/shared/{name}");
        let rename = async {
            let call = fixture.patch(&format!("/v1/folders/{src}"));
            let call = call.bearer(&world.actors_token);
            call.json(json!({ "name": name })).send().await
        };
        let (renamed, _) =
            tokio::join!(rename, grant(fixture, &world.carol.id, &path, "READ_ONLY"));
        match renamed.status {
            200 => {}
            409 => assert_eq!(renamed.reason(), "path_has_grants"),
            _ => panic!("{}", renamed.text),
        }
        assert_eq!(world.granted(&world.carol).await, [path], "round {round}");
        revoke_all(fixture, &world.carol.id).await;
    }
}
