//! Bodies and queries that cannot be meant.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, Fixture};

use super::is_problem;
use crate::support::unknown;

/// Bodies for `POST /v1/api-keys`, with the status and the reason that they are answered with.
fn bodies() -> Vec<(Vec<u8>, u16, &'static str)> {
    let deep = |open: &str| [r#"{"name": "a", "grants": "#, &open.repeat(10_000)].concat();
    let texts = [
        ("null", 422, "wrong_type"),
        ("[]", 422, "wrong_type"),
        (r#"["a"]"#, 422, "wrong_type"),
        ("1", 422, "wrong_type"),
        (r#""a""#, 422, "wrong_type"),
        ("{}", 422, "missing_field"),
        (r#"{"name": null}"#, 422, "wrong_type"),
        (r#"{"name": 1}"#, 422, "wrong_type"),
        (r#"{"name": {"a": 1}}"#, 422, "wrong_type"),
        (
            r#"{"name": "a", "expires_at": 1893456000}"#,
            422,
            "wrong_type",
        ),
        (r#"{"name": "a", "grants": {}}"#, 422, "wrong_type"),
        (r#"{"name": "a", "grants": [1]}"#, 422, "wrong_type"),
        (
            r#"{"name": "a", "grants": [["/a", "READ_ONLY"]]}"#,
            422,
            "wrong_type",
        ),
        (r#"{"name": "a", "name": "a"}"#, 422, "duplicate_field"),
        (r#"{"name": "a", "\u006eame": "b"}"#, 422, "duplicate_field"),
        (r#"{"name": "a", "admin": true}"#, 422, "unknown_field"),
        (r#"{"Name": "a"}"#, 422, "unknown_field"),
        (r#"{"name": "a", "__proto__": {}}"#, 422, "unknown_field"),
        (
            r#"{"name": "a", "grants": [{"path": "/a", "path": "/b", "capability": "READ_ONLY"}]}"#,
            422,
            "duplicate_field",
        ),
        (
            r#"{"name": "a", "grants": [{"path": "/a", "capability": "READ_ONLY", "x": 1}]}"#,
            422,
            "unknown_field",
        ),
        (r#"{"name": "a\u0000b"}"#, 422, "control_character"),
        ("", 400, "missing_body"),
        ("{", 400, "malformed_json"),
        (r#"{"name": "a""#, 400, "malformed_json"),
        (r#"{"name": "a"} {}"#, 400, "malformed_json"),
        (r#"{"name": "a",}"#, 400, "malformed_json"),
        ("{'name': 'a'}", 400, "malformed_json"),
        (r#"{name: "a"}"#, 400, "malformed_json"),
        (r#"{"name": "a" /* b */}"#, 400, "malformed_json"),
        (r#"{"name": "\ud800"}"#, 400, "malformed_json"),
        ("\u{feff}{\"name\": \"a\"}", 400, "malformed_json"),
        ("name=a", 400, "malformed_json"),
        ("<name>a</name>", 400, "malformed_json"),
        ("{\"name\": \"a\nb\"}", 400, "malformed_json"),
    ];
    let texts = texts.map(|(body, status, reason)| (body.as_bytes().to_vec(), status, reason));
    let mut bodies = texts.to_vec();
    bodies.push((b"{\"name\": \"\xff\"}".to_vec(), 400, "malformed_json"));
    bodies.push((deep("[").into_bytes(), 422, "wrong_type"));
    bodies.push(("{".repeat(100_000).into_bytes(), 400, "malformed_json"));
    let long = json!({ "name": "a".repeat(1_000_000) }).to_string();
    bodies.push((long.into_bytes(), 422, "name_too_long"));
    bodies
}

#[rstest]
#[tokio::test]
async fn bodies_are_read_strictly_and_refusals_say_what_to_mend(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let call = |path: &str| fixture.post(path).bearer(fixture.key());
    for (body, status, reason) in bodies() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = call("/v1/api-keys")
            .body("application/json", body)
            .send()
            .await;
        assert_eq!(
            (answer.status, &*answer.reason()),
            (status, reason),
            "{shown}: {}",
            answer.text
        );
        is_problem(&answer, false);
    }
    // The browser's dialect has 400 for all of it, and names the field.
    for body in [
        r#"{"text": 1}"#,
        r#"{"text": "a", "x": 1}"#,
        "{}",
        "[]",
        "{",
        "",
    ] {
        let call = call("/api/managed-agents/session").body("application/json", body);
        let answer = call.send().await.expect(400);
        is_problem(&answer, true);
    }
    // A value is not repeated: it may be a secret in the wrong place.
    let body = json!({ "email": ["hunter2"], "password": "hunter2", "otp": "hunter2" });
    let answer = fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(422);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    let body = json!({ "email": "hunter2", "password": "hunter2" });
    let answer = fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(422);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    let body = json!({ "email": "a@example.com", "password": "x".repeat(1025) });
    let answer = fixture
        .post("/v1/auth/pw/signin")
        .json(body)
        .send()
        .await
        .expect(422);
    assert_eq!(answer.reason(), "password_too_long");
}

#[rstest]
#[tokio::test]
async fn a_body_says_what_it_is(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let fixture = Fixture::start(backend).await;
    let body = r#"{"name": "a"}"#;
    for wrong in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json, text/plain",
        "application/json+x",
        "json",
        "*/*",
        "",
    ] {
        let call = fixture
            .post("/v1/api-keys")
            .bearer(fixture.key())
            .body(wrong, body);
        is_problem(&call.send().await.expect(415), false);
    }
    for right in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let call = fixture
            .post("/v1/api-keys")
            .bearer(fixture.key())
            .body(right, body);
        call.send().await.expect(201);
    }
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    let twice = call
        .header("content-type", "application/json")
        .body("application/json", body);
    twice.send().await.expect(415);
    // Authentication comes first.
    fixture
        .post("/v1/api-keys")
        .body("text/plain", body)
        .send()
        .await
        .expect(401);
}

#[rstest]
#[tokio::test]
async fn ids_and_queries_are_read_strictly(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let get = |path: String| {
        let call = fixture.get(&path).bearer(fixture.key());
        async move { call.send().await }
    };
    for id in [
        "1",
        "doc_",
        "doc_1",
        "doc_01jhmpfn80e48s5s0q7b7cwx5",
        "doc_01jhmpfn80e48s5s0q7b7cwx5ee",
        "doc_91jhmpfn80e48s5s0q7b7cwx5e",
        "doc_01jhmpfn80e48s5s0q7b7cwx5u",
        "key_01jhmpfn80e48s5s0q7b7cwx5e",
        "DOC_01jhmpfn80e48s5s0q7b7cwx5e",
        "01jhmpfn80e48s5s0q7b7cwx5e",
        "null",
        "%C3%A4",
        "*",
        "1'--",
    ] {
        let answer = get(format!("/v1/documents/{id}")).await.expect(422);
        assert_eq!(answer.reason(), "invalid_id", "{id}");
        is_problem(&answer, false);
    }
    let (one, uuid) = (unknown("doc"), "01946967-d500-7123-8000-000000000000");
    for id in [&one, uuid, &uuid.to_uppercase(), &uuid.replace('-', "")] {
        get(format!("/v1/documents/{id}")).await.expect(404);
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=a",
        "offset=-1",
        "offset=99999999999999999999",
        "offset=10001",
        "limit=1&limit=1",
        "nope=1",
        "parent_path_part_id=x",
        "Limit=1",
    ] {
        let answer = get(format!("/v1/documents?{query}")).await.expect(422);
        is_problem(&answer, false);
        let field = query.split('=').next().unwrap();
        assert_eq!(answer.text_at("/errors/0/field"), field, "{query}");
    }
    for query in ["", "limit=1", "limit=100&offset=10000", "limi%74=1"] {
        get(format!("/v1/documents?{query}")).await.expect(200);
    }
}
