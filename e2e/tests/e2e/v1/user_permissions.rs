//! `/v1/user-permissions`

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use crate::support::{document, folder, grant, members, try_grant, unknown};

#[rstest]
#[tokio::test]
async fn a_permission_is_given_changed_listed_and_taken_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (key, bob) = (fixture.key(), fixture.bob().id);
    let body = json!({
        "tenant_id": fixture.acme(), "user_id": bob, "path": "/shared/eng",
        "capability": "READ_WRITE", "can_approve": true,
    });
    let given = fixture
        .post("/v1/user-permissions")
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(201);
    let shape = [
        "can_approve",
        "capability",
        "created_at",
        "id",
        "materialized_path",
        "path",
        "path_part_id",
        "tenant_id",
        "updated_at",
        "user_id",
    ];
    assert_eq!(members(&given.json()), shape);
    let id = given.text_at("/id");
    let list = format!(
        "/v1/user-permissions?tenant_id={}&user_id={bob}",
        fixture.acme()
    );
    let listed = fixture
        .get(&list)
        .bearer(key)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["items"][1], given.json());
    let filtered = fixture
        .get(&format!("{list}&capability=READ_WRITE"))
        .bearer(key);
    assert_eq!(
        filtered.send().await.expect(200).json()["items"],
        json!([given.json()])
    );

    let path = format!("/v1/user-permissions/{id}?tenant_id={}", fixture.acme());
    let call = fixture.patch(&path).bearer(key);
    let changed = call
        .json(json!({ "capability": "READ_ONLY" }))
        .send()
        .await
        .expect(200);
    assert_eq!(changed.json()["capability"], "READ_ONLY");
    assert_eq!(changed.json()["can_approve"], true);
    fixture.delete(&path).bearer(key).send().await.expect(204);
    fixture.delete(&path).bearer(key).send().await.expect(404);
    fixture
        .patch(&path)
        .bearer(key)
        .json(json!({}))
        .send()
        .await
        .expect(404);
}

/// The UUID that an id is in its other spelling, of 26 digits in Crockford base32.
fn uuid_of(id: &str) -> uuid::Uuid {
    let (_, digits) = id.split_once('_').unwrap();
    let value = |digit| "0123456789abcdefghjkmnpqrstvwxyz".find(digit).unwrap() as u128;
    let bits = digits
        .chars()
        .fold(0, |bits, digit| bits << 5 | value(digit));
    uuid::Uuid::from_u128(bits)
}

/// A client names a folder or document by its id, in either spelling, as by its path.
#[rstest]
#[tokio::test]
async fn a_permission_is_given_on_what_stands_at_a_path(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (key, bob) = (fixture.key(), fixture.bob().id);
    let eng = folder(&fixture, None, "eng").await;
    let plan = document(&fixture, &eng, "plan").await;
    let body = |id: &str, capability: &str| json!({ "user_id": bob, "path_part_id": id, "capability": capability });
    let post = async |body| {
        let call = fixture.post("/v1/user-permissions").bearer(key);
        call.json(body).send().await
    };
    let given = post(body(&eng, "READ_ONLY")).await.expect(201);
    assert_eq!(given.text_at("/path"), "/eng");
    assert_eq!(given.text_at("/path_part_id"), eng);
    let uuid = uuid_of(&plan).to_string();
    let given = post(body(&uuid, "READ_WRITE")).await.expect(201);
    assert_eq!(given.text_at("/path"), "/eng/plan");
    assert_eq!(given.text_at("/path_part_id"), plan);

    // What moves takes its permissions along; what is gone, or another's, or none, is not named.
    let renamed = fixture.patch(&format!("/v1/folders/{eng}")).bearer(key);
    let renamed = renamed.json(json!({ "name": "engineering" })).send().await;
    renamed.expect(200);
    let list = format!("/v1/user-permissions?user_id={bob}&sort_dir=DESC");
    let listed = fixture.get(&list).bearer(key).send().await.expect(200);
    assert_eq!(listed.text_at("/items/0/path"), "/engineering/plan");
    assert_eq!(listed.text_at("/items/0/path_part_id"), plan);
    assert_eq!(listed.text_at("/items/1/path_part_id"), eng);
    let cy = fixture
        .newcomer("cy@example.com", fixture.globex(), "OWNER")
        .await;
    let token = fixture.token_of(&cy).await;
    let foreign = fixture.post("/v1/user-permissions").bearer(&token);
    let body_of_cy = json!({ "user_id": cy.id, "path_part_id": eng, "capability": "READ_ONLY" });
    foreign.json(body_of_cy).send().await.expect(404);
    for (id, status) in [(unknown("folder"), 404), ("eng".to_owned(), 422)] {
        post(body(&id, "READ_ONLY")).await.expect(status);
    }
}

/// Numbers 27 to 30 of the worked examples, and 40.
#[rstest]
#[tokio::test]
async fn a_permission_adds_something_or_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let bob = fixture.bob();
    // There is READ_ONLY on /shared/reports from the beginning.
    for (path, capability, status) in [
        ("/a", "READ_WRITE", 201),
        ("/a/b", "READ_ONLY", 409),               // 27
        ("/a/b", "READ_WRITE", 409),              // 27
        ("/shared/reports/x", "READ_WRITE", 201), // 28
        ("/shared", "READ_ONLY", 201),            // 30
        ("/shared/reports", "READ_ONLY", 409),
    ] {
        let answer = try_grant(&fixture, &bob.id, path, capability)
            .await
            .expect(status);
        if status == 409 {
            assert_eq!(answer.reason(), "subsumed", "{path}");
            assert_eq!(answer.json()["code"], "conflict");
        }
    }
    // 29: fifty, of which there are four.
    for number in 4..50 {
        grant(&fixture, &bob.id, &format!("/many/{number}"), "READ_ONLY").await;
    }
    let refused = try_grant(&fixture, &bob.id, "/many/50", "READ_ONLY")
        .await
        .expect(400);
    assert_eq!(refused.json()["code"], "permission_limit");
    // 40: for administrators, whatever else one may do.
    grant(&fixture, &fixture.ada().id, "/", "READ_WRITE_DELETE").await;
    let token = fixture.token_of(&bob).await;
    let list = format!(
        "/v1/user-permissions?tenant_id={}&user_id={}",
        fixture.acme(),
        bob.id
    );
    let refused = fixture.get(&list).bearer(&token).send().await.expect(403);
    assert_eq!(refused.reason(), "role_required");
}

#[rstest]
#[tokio::test]
async fn nobody_is_granted_anything_elsewhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let cy = fixture
        .newcomer("cy@example.com", fixture.globex(), "OWNER")
        .await;
    // Somebody of another organisation, and nobody at all.
    for user in [cy.id.clone(), unknown("user")] {
        let refused = try_grant(&fixture, &user, "/shared", "READ_ONLY")
            .await
            .expect(404);
        assert_eq!(refused.json()["detail"], "There is no such member.");
    }
    // An organisation that is not the credential's.
    let bob = fixture.bob().id;
    for tenant in [fixture.globex().to_owned(), unknown("tenant")] {
        let body = json!({
            "tenant_id": tenant, "user_id": bob, "path": "/x", "capability": "READ_ONLY",
        });
        let call = fixture
            .post("/v1/user-permissions")
            .bearer(fixture.key())
            .json(body);
        call.send().await.expect(404);
    }
    // A permission of another organisation, by its owner there.
    let id = grant(&fixture, &bob, "/shared/x", "READ_WRITE").await;
    let token = fixture.token_of(&cy).await;
    for tenant in [fixture.globex(), fixture.acme()] {
        let path = format!("/v1/user-permissions/{id}?tenant_id={tenant}");
        fixture
            .delete(&path)
            .bearer(&token)
            .send()
            .await
            .expect(404);
        let call = fixture.patch(&path).bearer(&token);
        call.json(json!({ "capability": "READ_ONLY" }))
            .send()
            .await
            .expect(404);
    }
    let list = format!(
        "/v1/user-permissions?tenant_id={}&user_id={bob}",
        fixture.acme()
    );
    fixture.get(&list).bearer(&token).send().await.expect(404);
    let list = fixture
        .get(&list)
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(list.json()["total"], 2);
}
