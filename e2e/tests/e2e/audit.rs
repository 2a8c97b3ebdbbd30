//! What is written down: every change with who, how, where and what, and never a secret.

use std::path::Path;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use vestibule_e2e::{Answer, Backend, Fixture, Setup};

use crate::support::{document, folder, members, shared};

/// A change as it was asked for: the kind of its record, the name of its request.
type Asked = (&'static str, String);

fn asked(kind: &'static str, answer: &Answer) -> Asked {
    (kind, answer.header("x-request-id").to_owned())
}

/// What must be found in the audit log, and all secrets that were seen on the way.
#[derive(Default)]
struct Seen {
    expected: Vec<Asked>,
    secrets: Vec<String>,
}

/// Does everything that changes keys and permissions of the first organisation.
async fn change_rights(fixture: &Fixture, Seen { expected, secrets }: &mut Seen) {
    let (key, bob) = (fixture.key(), fixture.bob());
    let grants = json!([{ "path": "/shared", "capability": "READ_ONLY" }]);
    let body = json!({ "name": "robot", "grants": grants });
    let made = fixture
        .post("/v1/api-keys")
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(201);
    expected.push(asked("api_key.created", &made));
    secrets.push(made.text_at("/key"));
    let path = format!("/v1/api-keys/{}", made.text_at("/id"));
    let gone = fixture.delete(&path).bearer(key).send().await.expect(204);
    expected.push(asked("api_key.deleted", &gone));

    let shared = shared(fixture).await;
    let team = folder(fixture, Some(&shared), "team").await;
    let body = json!({ "user_id": bob.id, "path": "/shared/team", "capability": "READ_WRITE" });
    let given = fixture
        .post("/v1/user-permissions")
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(201);
    expected.push(asked("grant.created", &given));
    let path = format!(
        "/v1/user-permissions/{}?tenant_id={}",
        given.text_at("/id"),
        fixture.acme()
    );
    let body = json!({ "can_approve": true });
    let changed = fixture
        .patch(&path)
        .bearer(key)
        .json(body)
        .send()
        .await
        .expect(200);
    expected.push(asked("grant.updated", &changed));
    document(fixture, &team, "plan").await;
    let call = fixture.patch(&format!("/v1/folders/{team}")).bearer(key);
    let moved = call
        .json(json!({ "name": "crew" }))
        .send()
        .await
        .expect(200);
    expected.push(asked("grant.moved", &moved));
    let taken = fixture.delete(&path).bearer(key).send().await.expect(204);
    expected.push(asked("grant.deleted", &taken));
}

/// Signs the owner in and out, in both dialects.
async fn come_and_go(fixture: &Fixture, Seen { expected, secrets }: &mut Seen) {
    let ada = fixture.ada();
    let body = json!({ "email": ada.email, "password": ada.password });
    let signed_in = fixture
        .post("/v1/auth/pw/signin")
        .json(body.clone())
        .send()
        .await
        .expect(200);
    expected.push(asked("session.started", &signed_in));
    let token = signed_in.text_at("/access_token");
    let refreshed = fixture
        .post("/v1/auth/uat")
        .bearer(&token)
        .send()
        .await
        .expect(200);
    expected.push(asked("session.refreshed", &refreshed));
    let fresh = refreshed.text_at("/access_token");
    let out = fixture
        .post("/v1/auth/signout")
        .bearer(&fresh)
        .send()
        .await
        .expect(200);
    expected.push(asked("session.ended", &out));
    secrets.extend([token, fresh]);

    let origin = fixture.url();
    let call = fixture.post("/api/auth/sign-in").origin(origin).json(body);
    let signed_in = call.send().await.expect(200);
    expected.push(asked("session.started", &signed_in));
    let mut cookie = signed_in.session_cookie().unwrap();
    for (organization, kind) in [(fixture.globex(), ""), (fixture.acme(), "session.switched")] {
        secrets.push(cookie.clone());
        let call = fixture
            .post("/api/auth/switch-org")
            .cookie(&cookie)
            .origin(origin);
        let switched = call
            .json(json!({ "organizationId": organization }))
            .send()
            .await;
        cookie = switched.clone().expect(200).session_cookie().unwrap();
        if !kind.is_empty() {
            expected.push(asked(kind, &switched));
        }
    }
    secrets.push(cookie.clone());
    let call = fixture
        .post("/api/auth/sign-out")
        .cookie(&cookie)
        .origin(origin);
    expected.push(asked("session.ended", &call.send().await.expect(200)));
}

/// What goes wrong keeps its secrets, too.
async fn go_wrong(fixture: &Fixture, secrets: &mut Vec<String>) {
    let (key, ada) = (fixture.key(), fixture.ada());
    let wrong = "a password that was mistyped";
    let body = json!({ "email": ada.email, "password": wrong });
    fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(401);
    let body = format!(
        "{{\"email\": \"{}\", \"password\": \"{wrong}\", \"x\": 1}}",
        ada.email
    );
    fixture
        .post("/v1/auth/pw/signin")
        .body("application/json", body)
        .send()
        .await
        .expect(422);
    let mut altered = key.to_owned();
    altered.replace_range(20..21, if &altered[20..21] == "a" { "b" } else { "a" });
    fixture
        .get("/v1/users/me")
        .bearer(&altered)
        .send()
        .await
        .expect(401);
    let query = format!("/v1/documents?access_token={key}");
    fixture.get(&query).send().await.expect(401);
    secrets.extend([wrong.to_owned(), altered]);
}

#[rstest]
#[tokio::test]
async fn every_change_is_written_down_and_no_secret_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("LOG__LEVEL", "debug");
    let mut fixture = setup.start().await;
    let mut seen = Seen::default();
    change_rights(&fixture, &mut seen).await;
    come_and_go(&fixture, &mut seen).await;
    go_wrong(&fixture, &mut seen.secrets).await;
    let Seen {
        expected,
        mut secrets,
    } = seen;
    secrets.push(fixture.key().to_owned());
    secrets.extend([fixture.ada().password, fixture.bob().password]);

    let records = fixture.audit(fixture.acme()).await;
    for (kind, request) in &expected {
        let found: Vec<_> = records
            .iter()
            .filter(|one| one["request_id"] == **request)
            .collect();
        let [record] = found[..] else {
            panic!("{kind}: {found:?}");
        };
        assert_eq!(record["kind"], *kind, "{record}");
        assert_eq!(record["user_id"], fixture.ada().id, "{record}");
        assert_eq!(record["organization_id"], fixture.acme(), "{record}");
        assert_eq!(record["address"], "127.0.0.1", "{record}");
        assert!(record["credential"].is_string(), "{record}");
        assert!(record["subject"].is_string(), "{record}");
        assert!(record["details"].is_object(), "{record}");
    }
    let changed = records
        .iter()
        .find(|one| one["kind"] == "grant.updated")
        .unwrap();
    assert_eq!(members(&changed["details"]), ["after", "before"]);
    assert_eq!(changed["details"]["before"]["can_approve"], false);
    assert_eq!(changed["details"]["after"]["can_approve"], true);
    let moved = records
        .iter()
        .find(|one| one["kind"] == "grant.moved")
        .unwrap();
    assert_eq!(moved["details"]["before"], "/shared/team");
    assert_eq!(moved["details"]["after"], "/shared/crew");

    fixture.ask_to_end();
    fixture.ended(Duration::from_secs(15)).await;
    let log = fixture.log();
    assert!(log.contains("answered"), "the log is on: {log}");
    assert!(log.contains(&expected[0].1), "the log names requests");
    let audit = Value::from(records).to_string();
    let stored = stored(&fixture).await;
    for secret in &secrets {
        // Of a token, the signature is what nobody else could make.
        let secret = secret.rsplit('.').next().unwrap();
        for (place, bytes) in [
            ("the log", log.as_bytes()),
            ("the audit log", audit.as_bytes()),
        ] {
            assert!(!holds(bytes, secret), "{secret} in {place}");
        }
        for (place, bytes) in &stored {
            assert!(!holds(bytes, secret), "{secret} in {place}");
        }
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

/// All that the server has stored, by place.
async fn stored(fixture: &Fixture) -> Vec<(String, Vec<u8>)> {
    let mut stored = Vec::new();
    files(fixture.data(), &mut stored);
    let Some(database) = fixture.database() else {
        return stored;
    };
    let mut connection = database.connect().await;
    let tables = "SELECT table_name::text FROM information_schema.tables \
                  WHERE table_schema = 'public'";
    let tables = sqlx::query(tables)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let table: String = table.get(0);
        let rows = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM \"{table}\" t");
        let rows = sqlx::query(AssertSqlSafe(rows))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        stored.push((table, rows.get::<String, _>(0).into_bytes()));
    }
    stored
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// The same denial many times is one record with a count; a stranger leaves none.
#[rstest]
#[tokio::test]
async fn denials_of_known_callers_are_gathered_and_strangers_leave_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let token = fixture.token_of(&fixture.bob()).await;
    let before = fixture.audit(fixture.acme()).await.len();
    let elsewhere = fixture.cli_json(&["audit", "list"]).await["total"].clone();

    // Within one batch, or two where a moment divides them.
    for _ in 0..50 {
        let path = format!("/v1/user-permissions?user_id={}", fixture.bob().id);
        fixture.get(&path).bearer(&token).send().await.expect(403);
        fixture.get("/v1/user-permissions").send().await.expect(401);
        fixture
            .get("/v1/user-permissions")
            .bearer("junk")
            .send()
            .await
            .expect(401);
    }
    let body = json!({ "email": fixture.bob().email, "password": "wrong" });
    fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(401);
    fixture.post("/v1/auth/signout").send().await.expect(200);
    fixture.ask_to_end();
    fixture.ended(Duration::from_secs(15)).await;

    let records = fixture.audit(fixture.acme()).await;
    let denied: Vec<_> = records
        .iter()
        .filter(|one| one["kind"] == "access.denied")
        .collect();
    assert!((1..=2).contains(&denied.len()), "{denied:?}");
    assert_eq!(records.len(), before + denied.len(), "{records:?}");
    assert_eq!(
        fixture.cli_json(&["audit", "list"]).await["total"],
        elsewhere
    );
    let mut count = 0;
    for record in denied {
        assert_eq!(record["user_id"], fixture.bob().id);
        assert_eq!(record["subject"], "GET /v1/user-permissions");
        assert_eq!(record["details"]["reason"], "role_required");
        count += record["details"]["count"].as_u64().unwrap();
    }
    assert_eq!(count, 50);
}

/// What the check lets pass and the handler refuses is on record, and so is a good credential of
/// somebody who may not act.
#[rstest]
#[tokio::test]
async fn what_a_handler_refuses_is_on_record_and_so_is_a_suspended_user_s_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let bob = fixture.bob().clone();
    let token = fixture.token_of(&bob).await;
    let key = fixture
        .post("/v1/api-keys")
        .bearer(&token)
        .json(json!({ "name": "bob's" }))
        .send()
        .await
        .expect(201)
        .json();
    let key = key["key"].as_str().unwrap().to_owned();
    let folder = json!({ "name": "not at the root" });
    for _ in 0..3 {
        let refused = fixture
            .post("/v1/folders")
            .bearer(&key)
            .json(folder.clone());
        refused.send().await.expect(403);
    }
    fixture
        .cli_json(&["user", "suspend", &bob.email, "--yes"])
        .await;
    fixture
        .get("/v1/users/me")
        .bearer(&key)
        .send()
        .await
        .expect(403);
    fixture.ask_to_end();
    fixture.ended(Duration::from_secs(15)).await;

    let records = fixture.audit(fixture.acme()).await;
    let denied: Vec<_> = records
        .iter()
        .filter(|one| one["kind"] == "access.denied" && one["user_id"] == bob.id)
        .map(|one| {
            let subject = one["subject"].as_str().unwrap();
            (subject, one["details"]["reason"].as_str().unwrap())
        })
        .collect();
    assert!(
        denied.contains(&("POST /v1/folders", "path_not_granted")),
        "{denied:?}"
    );
    assert!(
        denied.contains(&("GET /v1/users/me", "user_suspended")),
        "{denied:?}"
    );
}

/// Whoever asks for the ids of another organisation's objects leaves a trace in their own.
#[rstest]
#[tokio::test]
async fn what_a_handler_does_not_find_is_on_record(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let bob = fixture.bob().clone();
    let token = fixture.token_of(&bob).await;
    for number in 0..35 {
        let path = format!("/v1/folders/00000000-0000-4000-8000-{number:012}");
        fixture.get(&path).bearer(&token).send().await.expect(404);
        fixture.get(&path).send().await.expect(401);
    }
    fixture.ask_to_end();
    fixture.ended(Duration::from_secs(15)).await;

    let records = fixture.audit(fixture.acme()).await;
    let mut count = 0;
    for record in &records {
        if record["kind"] == "access.denied" && record["details"]["reason"] == "not_found" {
            assert_eq!(record["user_id"], bob.id);
            assert_eq!(record["subject"], "GET /v1/folders/{id}");
            count += record["details"]["count"].as_u64().unwrap();
        }
    }
    assert_eq!(count, 35, "{records:?}");
}
