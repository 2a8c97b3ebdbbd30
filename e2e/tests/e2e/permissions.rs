//! What grants allow, over HTTP, and from when on: the next request. The numbers are those of the
//! worked examples that the pure decision is tested with.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture};

use crate::support::{document, folder, grant, key, paths, revoke, revoke_all, shared, soon};

/// The folders and documents of the examples, and the user of whom they speak.
struct World {
    fixture: Fixture,
    token: String,
    shared: String,
    eng: String,
    specs: String,
    engineering: String,
    output: String,
    private: String,
    /// `/shared/eng/specs/doc`.
    doc: String,
}

impl World {
    async fn start(backend: Backend) -> Self {
        let fixture = Fixture::start(backend).await;
        let shared = shared(&fixture).await;
        let eng = folder(&fixture, Some(&shared), "eng").await;
        let specs = folder(&fixture, Some(&eng), "specs").await;
        let engineering = folder(&fixture, Some(&shared), "engineering").await;
        let output = folder(&fixture, Some(&shared), "output").await;
        let private = folder(&fixture, None, "hidden").await;
        let doc = document(&fixture, &specs, "doc").await;
        revoke_all(&fixture, &fixture.bob().id).await;
        let token = fixture.token_of(&fixture.bob()).await;
        Self {
            fixture,
            token,
            shared,
            eng,
            specs,
            engineering,
            output,
            private,
            doc,
        }
    }

    async fn grant(&self, capability: &str, path: &str) -> String {
        grant(&self.fixture, &self.fixture.bob().id, path, capability).await
    }

    async fn open(&self, folder: &str) -> u16 {
        let call = self.fixture.get(&format!("/v1/folders/{folder}"));
        call.bearer(&self.token).send().await.status
    }

    async fn read(&self, document: &str) -> u16 {
        let call = self.fixture.get(&format!("/v1/documents/{document}"));
        call.bearer(&self.token).send().await.status
    }

    async fn write(&self, document: &str) -> u16 {
        let call = self.fixture.patch(&format!("/v1/documents/{document}"));
        let call = call.bearer(&self.token).json(json!({ "content": "new" }));
        call.send().await.status
    }

    async fn create(&self, parent: &str, name: &str) -> Answer {
        let body = json!({ "name": name, "parent_path_part_id": parent });
        let call = self.fixture.post("/v1/folders").bearer(&self.token);
        call.json(body).send().await
    }

    async fn relocate(&self, folder: &str, to: &str) -> u16 {
        let call = self.fixture.patch(&format!("/v1/folders/{folder}"));
        let body = json!({ "parent_path_part_id": to });
        call.bearer(&self.token).json(body).send().await.status
    }

    async fn delete(&self, folder: &str) -> u16 {
        let call = self.fixture.delete(&format!("/v1/folders/{folder}"));
        call.bearer(&self.token).send().await.status
    }

    async fn documents(&self) -> (Vec<String>, u64) {
        let call = self.fixture.get("/v1/documents").bearer(&self.token);
        paths(&call.send().await.expect(200))
    }
}

#[rstest]
#[tokio::test]
async fn a_user_may_what_the_grants_say_from_the_next_request_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    // 4
    assert_eq!(world.open(&world.shared).await, 403);
    assert_eq!(world.documents().await, (vec![], 0));

    // 5, 6, 7, 9, 10
    let read = world.grant("READ_ONLY", "/shared").await;
    assert_eq!(world.open(&world.shared).await, 200);
    assert_eq!(world.read(&world.doc).await, 200);
    assert_eq!(world.write(&world.doc).await, 403);
    assert_eq!(world.create(&world.shared, "new").await.status, 403);
    assert_eq!(world.open(&world.private).await, 403);
    let (seen, total) = world.documents().await;
    assert_eq!((seen.len() as u64, total), (3, 3), "{seen:?}");
    // 8
    let output = world.grant("READ_WRITE", "/shared/output").await;
    world.create(&world.output, "file").await.expect(201);
    assert_eq!(world.create(&world.shared, "new").await.status, 403);
    revoke(&world.fixture, &read).await;
    assert_eq!(world.open(&world.shared).await, 403);
    assert_eq!(world.documents().await, (vec![], 0));

    // 11, 12, 14, 17
    let eng = world.grant("READ_WRITE", "/shared/eng").await;
    assert_eq!(world.open(&world.engineering).await, 403);
    let new = world
        .create(&world.eng, "new")
        .await
        .expect(201)
        .text_at("/id");
    assert_eq!(world.delete(&world.specs).await, 403);
    assert_eq!(world.relocate(&new, &world.engineering).await, 403);
    // 18: write on both ends, and no more.
    assert_eq!(world.relocate(&new, &world.output).await, 200);
    revoke(&world.fixture, &output).await;
    assert_eq!(world.open(&new).await, 403);
    // 15, 16
    let path = format!(
        "/v1/user-permissions/{eng}?tenant_id={}",
        world.fixture.acme()
    );
    let raise = world.fixture.patch(&path).bearer(world.fixture.key());
    let raised = raise.json(json!({ "capability": "READ_WRITE_DELETE" }));
    raised.send().await.expect(200);
    assert_eq!(world.delete(&world.specs).await, 204);
    assert_eq!(world.read(&world.doc).await, 404);
    assert_eq!(world.delete(&world.eng).await, 204);
    // 19, 20, 21
    let home = |bearer: &str| {
        let call = world.fixture.get("/v1/folders").bearer(bearer);
        async move {
            let list = call.send().await.expect(200).json();
            let mut items = list["items"].as_array().unwrap().iter();
            let home = items.find(|item| item["name"] == "Private").unwrap();
            home["id"].as_str().unwrap().to_owned()
        }
    };
    let own = home(&world.token).await;
    let notes = world.create(&own, "notes").await.expect(201).text_at("/id");
    assert_eq!(world.delete(&notes).await, 204);
    let other = home(world.fixture.key()).await;
    assert_eq!(world.open(&other).await, 403);
    assert_eq!(world.create(&other, "notes").await.status, 403);
}

/// 31, 32 and 35: folders that lead to something are listed and not opened; grants move with
/// their folder.
#[rstest]
#[tokio::test]
async fn one_walks_down_to_what_one_may_read_wherever_it_moves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let fixture = &world.fixture;
    world.grant("READ_ONLY", "/shared/eng/specs").await;
    let list = |parent: Option<&str>| {
        let query = parent.map_or(String::new(), |id| format!("?parent_path_part_id={id}"));
        let call = fixture
            .get(&format!("/v1/folders{query}"))
            .bearer(&world.token);
        async move { call.send().await.expect(200) }
    };
    let root = list(None).await;
    assert_eq!(paths(&root).0[0], "/shared");
    assert_eq!(root.json()["items"][0]["permissions"]["can_read"], false);
    assert_eq!(
        paths(&list(Some(&world.shared)).await),
        (vec!["/shared/eng".into()], 1)
    );
    assert_eq!(
        paths(&list(Some(&world.eng)).await),
        (vec!["/shared/eng/specs".into()], 1)
    );
    assert_eq!(world.open(&world.shared).await, 403);
    assert_eq!(world.open(&world.eng).await, 403);
    assert_eq!(world.open(&world.specs).await, 200);

    let call = fixture
        .patch(&format!("/v1/folders/{}", world.specs))
        .bearer(fixture.key());
    let body = json!({ "parent_path_part_id": world.private, "name": "kept" });
    call.json(body).send().await.expect(200);
    assert_eq!(world.open(&world.specs).await, 200);
    assert_eq!(
        world.documents().await,
        (vec!["/hidden/kept/doc".to_owned()], 1)
    );
    assert_eq!(
        list(None).await.json()["items"][0]["materialized_path"],
        "/hidden"
    );
    // What takes the old place is not covered.
    let specs = folder(fixture, Some(&world.eng), "specs").await;
    assert_eq!(world.open(&specs).await, 403);
    // So does a move of the folder above.
    let call = fixture
        .patch(&format!("/v1/folders/{}", world.private))
        .bearer(fixture.key());
    call.json(json!({ "name": "seen" }))
        .send()
        .await
        .expect(200);
    assert_eq!(
        world.documents().await,
        (vec!["/seen/kept/doc".to_owned()], 1)
    );
}

/// 1, 2, 22 to 26, 34 and 37, and what the command line changes beside the running server.
#[rstest]
#[tokio::test]
async fn roles_groups_keys_and_suspensions_hold_from_the_next_request_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let (fixture, bob, acme) = (&world.fixture, world.fixture.bob(), world.fixture.acme());
    let get = |bearer: &str, path: String| {
        let call = fixture.get(&path).bearer(bearer);
        async move { call.send().await }
    };
    let doc = || format!("/v1/documents/{}", world.doc);
    let read = || get(&world.token, doc());

    // 34: a key has its owner's live rights.
    let permission = world.grant("READ_WRITE", "/shared").await;
    let call = fixture.post("/v1/api-keys").bearer(&world.token);
    let his_key = call
        .json(json!({ "name": "his" }))
        .send()
        .await
        .expect(201)
        .text_at("/key");
    get(&his_key, doc()).await.expect(200);
    revoke(fixture, &permission).await;
    get(&his_key, doc()).await.expect(403);

    // 23 and 37: through a group, until the membership is deactivated, and not again after.
    fixture.cli_json(&["group", "add", acme, "readers"]).await;
    fixture
        .cli_json(&["group", "add-member", acme, "readers", &bob.email])
        .await;
    fixture
        .cli_json(&[
            "grant",
            "add",
            acme,
            "--group",
            "readers",
            "READ_ONLY",
            "/shared",
        ])
        .await;
    soon(200, read).await;
    // 24: the highest of both counts.
    world.grant("READ_WRITE", "/shared/eng").await;
    assert_eq!(world.write(&world.doc).await, 200);
    fixture
        .cli_json(&["member", "deactivate", acme, &bob.email, "--yes"])
        .await;
    // The sessions are over, for good, and the keys wait.
    soon(401, read).await;
    let refused = soon(403, || get(&his_key, doc())).await;
    assert_eq!(refused.reason(), "membership_ended");
    fixture
        .cli_json(&["member", "activate", acme, &bob.email])
        .await;
    soon(200, || get(&his_key, doc())).await; // by his own grant
    read().await.expect(401);
    let token = fixture.token_of(&bob).await;
    let read = || get(&token, doc());
    read().await.expect(200);
    get(&token, format!("/v1/folders/{}", world.output))
        .await
        .expect(403);

    // 1 and 2: another role.
    fixture
        .cli_json(&["member", "role", acme, &bob.email, "ADMIN"])
        .await;
    soon(200, || {
        get(&token, format!("/v1/folders/{}", world.private))
    })
    .await;
    fixture
        .cli_json(&["member", "role", acme, &bob.email, "USER"])
        .await;
    soon(403, || {
        get(&token, format!("/v1/folders/{}", world.private))
    })
    .await;

    // A narrowed key never has more than its owner.
    let grants = json!([{ "path": "/shared", "capability": "READ_WRITE" }]);
    let call = fixture.post("/v1/api-keys").bearer(&token);
    let body = json!({ "name": "narrow", "grants": grants });
    let narrowed = call.json(body).send().await.expect(201).text_at("/key");
    get(&narrowed, doc()).await.expect(200);
    get(&narrowed, format!("/v1/folders/{}", world.output))
        .await
        .expect(403);

    // Nothing of a suspended user's passes: key, token, cookie. The sessions are over.
    let cookie = fixture.cookie_of(&bob).await;
    let session = || {
        let call = fixture.get("/api/auth/session").cookie(&cookie);
        async move { call.send().await }
    };
    session().await.expect(200);
    fixture
        .cli_json(&["user", "suspend", &bob.email, "--yes"])
        .await;
    soon(401, read).await;
    session().await.expect(401);
    let refused = soon(403, || get(&his_key, doc())).await;
    assert_eq!(refused.reason(), "user_suspended");
    fixture.cli_json(&["user", "unsuspend", &bob.email]).await;
    soon(200, || get(&his_key, doc())).await;
    session().await.expect(401);

    // A key that is revoked, and an organisation that is deactivated.
    let (id, text) = key(fixture, None).await;
    get(&text, doc()).await.expect(200);
    fixture
        .cli_json(&["key", "revoke", acme, &id, "--yes"])
        .await;
    soon(401, || get(&text, doc())).await;
    fixture
        .cli_json(&["org", "deactivate", acme, "--yes"])
        .await;
    let refused = soon(403, || get(fixture.key(), doc())).await;
    assert_eq!(refused.reason(), "organization_deactivated");
    assert_eq!(refused.json()["code"], "tenant_deactivated");
    fixture.cli_json(&["org", "activate", acme]).await;
    soon(200, || get(fixture.key(), doc())).await;
}
