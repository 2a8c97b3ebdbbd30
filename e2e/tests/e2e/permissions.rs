//! What grants allow, over HTTP, and from when on: the next request. The numbers are those of the
//! worked examples that the pure decision is tested with.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, House};

use crate::support::{document, folder, grant, key, paths, revoke, revoke_all, shared, soon};

/// The folders and documents of the examples, and the user of whom they speak.
struct World {
    house: House,
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
        let house = House::start(backend).await;
        let shared = shared(&house).await;
        let eng = folder(&house, Some(&shared), "eng").await;
        let specs = folder(&house, Some(&eng), "specs").await;
        let engineering = folder(&house, Some(&shared), "engineering").await;
        let output = folder(&house, Some(&shared), "output").await;
        let private = folder(&house, None, "hidden").await;
        let doc = document(&house, &specs, "doc").await;
        revoke_all(&house, &house.bob().id).await;
        let token = house.token_of(&house.bob()).await;
        Self {
            house,
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
        grant(&self.house, &self.house.bob().id, path, capability).await
    }

    async fn open(&self, folder: &str) -> u16 {
        let call = self.house.get(&format!("/v1/folders/{folder}"));
        call.bearer(&self.token).send().await.status
    }

    async fn read(&self, document: &str) -> u16 {
        let call = self.house.get(&format!("/v1/documents/{document}"));
        call.bearer(&self.token).send().await.status
    }

    async fn write(&self, document: &str) -> u16 {
        let call = self.house.patch(&format!("/v1/documents/{document}"));
        let call = call.bearer(&self.token).json(json!({ "content": "new" }));
        call.send().await.status
    }

    async fn create(&self, parent: &str, name: &str) -> Answer {
        let body = json!({ "name": name, "parent_path_part_id": parent });
        let call = self.house.post("/v1/folders").bearer(&self.token);
        call.json(body).send().await
    }

    async fn relocate(&self, folder: &str, to: &str) -> u16 {
        let call = self.house.patch(&format!("/v1/folders/{folder}"));
        let body = json!({ "parent_path_part_id": to });
        call.bearer(&self.token).json(body).send().await.status
    }

    async fn delete(&self, folder: &str) -> u16 {
        let call = self.house.delete(&format!("/v1/folders/{folder}"));
        call.bearer(&self.token).send().await.status
    }

    async fn documents(&self) -> (Vec<String>, u64) {
        let call = self.house.get("/v1/documents").bearer(&self.token);
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
    revoke(&world.house, &read).await;
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
    revoke(&world.house, &output).await;
    assert_eq!(world.open(&new).await, 403);
    // 15, 16
    let path = format!(
        "/v1/user-permissions/{eng}?tenant_id={}",
        world.house.acme()
    );
    let raise = world.house.patch(&path).bearer(world.house.key());
    let raised = raise.json(json!({ "capability": "READ_WRITE_DELETE" }));
    raised.send().await.expect(200);
    assert_eq!(world.delete(&world.specs).await, 204);
    assert_eq!(world.read(&world.doc).await, 404);
    assert_eq!(world.delete(&world.eng).await, 204);
    // 19, 20, 21
    let home = |bearer: &str| {
        let call = world.house.get("/v1/folders").bearer(bearer);
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
    let other = home(world.house.key()).await;
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
    let house = &world.house;
    world.grant("READ_ONLY", "/shared/eng/specs").await;
    let list = |parent: Option<&str>| {
        let query = parent.map_or(String::new(), |id| format!("?parent_path_part_id={id}"));
        let call = house
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

    let call = house
        .patch(&format!("/v1/folders/{}", world.specs))
        .bearer(house.key());
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
    let specs = folder(house, Some(&world.eng), "specs").await;
    assert_eq!(world.open(&specs).await, 403);
    // So does a move of the folder above.
    let call = house
        .patch(&format!("/v1/folders/{}", world.private))
        .bearer(house.key());
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
    let (house, bob, acme) = (&world.house, world.house.bob(), world.house.acme());
    let get = |bearer: &str, path: String| {
        let call = house.get(&path).bearer(bearer);
        async move { call.send().await }
    };
    let doc = || format!("/v1/documents/{}", world.doc);
    let read = || get(&world.token, doc());

    // 34: a key has its owner's live rights.
    let permission = world.grant("READ_WRITE", "/shared").await;
    let call = house.post("/v1/api-keys").bearer(&world.token);
    let his_key = call
        .json(json!({ "name": "his" }))
        .send()
        .await
        .expect(201)
        .text_at("/key");
    get(&his_key, doc()).await.expect(200);
    revoke(house, &permission).await;
    get(&his_key, doc()).await.expect(403);

    // 23 and 37: through a group, until the membership is deactivated, and not again after.
    house.cli_json(&["group", "add", acme, "readers"]).await;
    house
        .cli_json(&["group", "add-member", acme, "readers", &bob.email])
        .await;
    house
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
    house
        .cli_json(&["member", "deactivate", acme, &bob.email, "--yes"])
        .await;
    // The sessions are over, for good, and the keys wait.
    soon(401, read).await;
    let refused = soon(403, || get(&his_key, doc())).await;
    assert_eq!(refused.reason(), "membership_ended");
    house
        .cli_json(&["member", "activate", acme, &bob.email])
        .await;
    soon(200, || get(&his_key, doc())).await; // by his own grant
    read().await.expect(401);
    let token = house.token_of(&bob).await;
    let read = || get(&token, doc());
    read().await.expect(200);
    get(&token, format!("/v1/folders/{}", world.output))
        .await
        .expect(403);

    // 1 and 2: another role.
    house
        .cli_json(&["member", "role", acme, &bob.email, "ADMIN"])
        .await;
    soon(200, || {
        get(&token, format!("/v1/folders/{}", world.private))
    })
    .await;
    house
        .cli_json(&["member", "role", acme, &bob.email, "USER"])
        .await;
    soon(403, || {
        get(&token, format!("/v1/folders/{}", world.private))
    })
    .await;

    // A narrowed key never has more than its owner.
    let grants = json!([{ "path": "/shared", "capability": "READ_WRITE" }]);
    let call = house.post("/v1/api-keys").bearer(&token);
    let body = json!({ "name": "narrow", "grants": grants });
    let narrowed = call.json(body).send().await.expect(201).text_at("/key");
    get(&narrowed, doc()).await.expect(200);
    get(&narrowed, format!("/v1/folders/{}", world.output))
        .await
        .expect(403);

    // Nothing of a suspended user's passes: key, token, cookie. The sessions are over.
    let cookie = house.cookie_of(&bob).await;
    let session = || {
        let call = house.get("/api/auth/session").cookie(&cookie);
        async move { call.send().await }
    };
    session().await.expect(200);
    house
        .cli_json(&["user", "suspend", &bob.email, "--yes"])
        .await;
    soon(401, read).await;
    session().await.expect(401);
    let refused = soon(403, || get(&his_key, doc())).await;
    assert_eq!(refused.reason(), "user_suspended");
    house.cli_json(&["user", "unsuspend", &bob.email]).await;
    soon(200, || get(&his_key, doc())).await;
    session().await.expect(401);

    // A key that is revoked, and an organisation that is deactivated.
    let (id, text) = key(house, None).await;
    get(&text, doc()).await.expect(200);
    house.cli_json(&["key", "revoke", acme, &id, "--yes"]).await;
    soon(401, || get(&text, doc())).await;
    house.cli_json(&["org", "deactivate", acme, "--yes"]).await;
    let refused = soon(403, || get(house.key(), doc())).await;
    assert_eq!(refused.reason(), "organization_deactivated");
    assert_eq!(refused.json()["code"], "tenant_deactivated");
    house.cli_json(&["org", "activate", acme]).await;
    soon(200, || get(house.key(), doc())).await;
}
