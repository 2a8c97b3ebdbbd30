//! Each status, provoked.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Call, Fixture};

use super::is_problem;
use crate::support::{document, shared, unknown};

/// Announces a body that is too large; it is refused before any of it is sent.
async fn announce(fixture: &Fixture, path: &str, credential: &str) -> Answer {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n{credential}\r\n\
         content-type: application/json\r\ncontent-length: 1048577\r\n\r\n"
    );
    let answer = fixture.raw(request).await.answer().expect(413);
    assert_eq!(answer.reason(), "body_too_large");
    answer
}

#[rstest]
#[tokio::test]
async fn each_status_of_the_bearer_dialect_has_its_shape(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let key = fixture.key();
    let bob = fixture.token_of(&fixture.bob()).await;
    let shared = shared(&fixture).await;
    document(&fixture, &shared, "taken").await;
    let post = |path: &str| fixture.post(path).bearer(key);
    let taken = json!({ "name": "taken", "parent_path_part_id": shared });
    let bobs = format!("/v1/user-permissions?user_id={}", fixture.bob().id);
    let missing = format!("/v1/documents/{}", unknown("doc"));
    let json = "application/json";
    let cases: Vec<(Call, u16, &str, &str)> = vec![
        (
            post("/v1/api-keys").body(json, "{"),
            400,
            "bad_request",
            "malformed_json",
        ),
        (post("/v1/api-keys"), 400, "bad_request", "missing_body"),
        (
            fixture.get("/v1/documents"),
            401,
            "unauthorized",
            "no_credential",
        ),
        (
            fixture.get("/v1/documents").bearer("x"),
            401,
            "unauthorized",
            "malformed_credential",
        ),
        (
            fixture.get("/v1/nowhere"),
            401,
            "unauthorized",
            "no_credential",
        ),
        (
            fixture.get(&bobs).bearer(&bob),
            403,
            "forbidden",
            "role_required",
        ),
        (
            post("/v1/auth/uat"),
            403,
            "forbidden",
            "credential_kind_not_accepted",
        ),
        (
            fixture.delete(&format!("/v1/folders/{shared}")).bearer(key),
            403,
            "forbidden",
            "system_managed",
        ),
        (
            fixture.get(&missing).bearer(key),
            404,
            "not_found",
            "not_found",
        ),
        (
            fixture.get("/v1/nowhere").bearer(key),
            404,
            "not_found",
            "no_such_route",
        ),
        (
            fixture.call("PUT", "/v1/documents").bearer(key),
            405,
            "error",
            "method_not_allowed",
        ),
        (
            fixture.call("DELETE", "/healthz"),
            405,
            "error",
            "method_not_allowed",
        ),
        (
            post("/v1/documents").json(taken),
            409,
            "conflict",
            "name_conflict",
        ),
        (
            post("/v1/api-keys").body("text/plain", "{}"),
            415,
            "unsupported_media_type",
            "unsupported_media_type",
        ),
        (
            post("/v1/api-keys").body(json, "{}"),
            422,
            "unprocessable_entity",
            "missing_field",
        ),
        (
            fixture.get("/v1/documents/doc_1").bearer(key),
            422,
            "unprocessable_entity",
            "invalid_id",
        ),
    ];
    for (call, status, code, reason) in cases {
        let answer = call.send().await.expect(status);
        is_problem(&answer, false);
        assert_eq!(
            (&*answer.text_at("/code"), &*answer.reason()),
            (code, reason)
        );
        if status == 401 {
            let challenge = if reason == "no_credential" {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
        if [401, 403, 413, 415, 404, 409].contains(&status) && reason != "not_found" {
            assert!(!answer.text_at("/hint").is_empty(), "{}", answer.text);
        }
    }
    let credential = format!("authorization: Bearer {key}");
    let answer = announce(&fixture, "/v1/api-keys", &credential).await;
    is_problem(&answer, false);
    assert_eq!(answer.text_at("/code"), "payload_too_large");
    let answer = fixture
        .call("PUT", "/v1/documents")
        .bearer(key)
        .send()
        .await;
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    // No answer takes the name that a caller gives.
    let call = fixture
        .get("/v1/users/me")
        .bearer(key)
        .header("x-request-id", "chosen");
    assert_ne!(
        call.send().await.expect(200).header("x-request-id"),
        "chosen"
    );
}

#[rstest]
#[tokio::test]
async fn each_status_of_the_browser_dialect_has_its_shape(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let cookie = fixture.cookie_of(&fixture.bob()).await;
    let post = |path: &str| fixture.post(path).cookie(&cookie).origin(fixture.url());
    let (session, json) = ("/api/managed-agents/session", "application/json");
    let missing = "01946967-d500-7123-8000-000000000000";
    let cancel = json!({ "sessionId": missing });
    let cases: Vec<(Call, u16, &str)> = vec![
        (post(session).body(json, "{"), 400, "malformed_json"),
        (post(session), 400, "missing_body"),
        (post(session).body(json, "{}"), 400, "missing_field"),
        (
            post(session).body(json, "{\"text\": \"\"}"),
            400,
            "empty_text",
        ),
        (
            post(session).body(json, "{\"text\": \"a\", \"text\": \"b\"}"),
            400,
            "duplicate_field",
        ),
        (
            fixture
                .delete(session)
                .cookie(&cookie)
                .origin(fixture.url()),
            400,
            "missing_field",
        ),
        (
            fixture.get("/api/managed-agents/sessions"),
            401,
            "no_credential",
        ),
        (
            fixture.get("/api/managed-agents/sessions").cookie("x"),
            401,
            "malformed_credential",
        ),
        (fixture.get("/api/nowhere"), 401, "no_credential"),
        (
            fixture
                .post(session)
                .cookie(&cookie)
                .body(json, "{\"text\": \"a\"}"),
            403,
            "csrf_origin_mismatch",
        ),
        (
            post("/api/managed-agents/cancel").json(cancel),
            404,
            "not_found",
        ),
        (
            fixture.get("/api/nowhere").cookie(&cookie),
            404,
            "no_such_route",
        ),
        (
            fixture
                .call("PUT", session)
                .cookie(&cookie)
                .origin(fixture.url()),
            405,
            "method_not_allowed",
        ),
        (
            post(session).body("text/plain", "{}"),
            415,
            "unsupported_media_type",
        ),
    ];
    for (call, status, reason) in cases {
        let answer = call.send().await.expect(status);
        is_problem(&answer, true);
        assert_eq!(answer.reason(), reason);
        if status == 401 {
            let challenge = if reason == "no_credential" {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
    }
    let credential = format!(
        "cookie: __Host-vestibule={cookie}\r\norigin: {}",
        fixture.url()
    );
    let answer = announce(&fixture, session, &credential).await;
    is_problem(&answer, true);
    // 429, with its fields.
    for _ in 0..30 {
        let body = json!({ "sessionId": missing });
        post("/api/managed-agents/cancel").json(body).send().await;
    }
    let body = json!({ "sessionId": missing });
    let answer = post("/api/managed-agents/cancel")
        .json(body)
        .send()
        .await
        .expect(429);
    is_problem(&answer, true);
    let policy = "\"agent_cancels_per_minute\";q=30;w=60";
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let seconds = answer.header("retry-after");
    let expected = format!("\"agent_cancels_per_minute\";r=0;t={seconds}");
    assert_eq!(answer.header("ratelimit"), expected);
}

/// What belongs to another organisation answers as what never was, byte for byte.
#[rstest]
#[tokio::test]
async fn foreign_and_unknown_ids_are_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let cy = fixture
        .newcomer("cy@example.com", fixture.globex(), "OWNER")
        .await;
    let token = fixture.token_of(&cy).await;
    let shared = shared(&fixture).await;
    let doc = document(&fixture, &shared, "theirs").await;
    let (key, _) = crate::support::key(&fixture, None).await;
    let grant = crate::support::grant(&fixture, &fixture.bob().id, "/x", "READ_ONLY").await;
    let call = fixture
        .post("/api/managed-agents/session")
        .bearer(fixture.key());
    let started = call.json(json!({ "text": "hello" })).send().await;
    let session = started.expect(200).text_at("/id");
    let never = "01946967-d500-7123-8000-000000000000".to_owned();
    let cases = [
        (
            "GET",
            "/v1/documents/{id}",
            doc.clone(),
            unknown("doc"),
            None,
        ),
        (
            "PATCH",
            "/v1/documents/{id}",
            doc.clone(),
            unknown("doc"),
            Some(json!({ "name": "x" })),
        ),
        ("DELETE", "/v1/documents/{id}", doc, unknown("doc"), None),
        (
            "GET",
            "/v1/folders/{id}",
            shared.clone(),
            unknown("folder"),
            None,
        ),
        (
            "PATCH",
            "/v1/folders/{id}",
            shared.clone(),
            unknown("folder"),
            Some(json!({ "name": "x" })),
        ),
        (
            "DELETE",
            "/v1/folders/{id}",
            shared.clone(),
            unknown("folder"),
            None,
        ),
        (
            "GET",
            "/v1/folders?parent_path_part_id={id}",
            shared.clone(),
            unknown("folder"),
            None,
        ),
        (
            "GET",
            "/v1/documents?parent_path_part_id={id}",
            shared,
            unknown("folder"),
            None,
        ),
        (
            "GET",
            "/v1/api-keys/{id}",
            key.clone(),
            unknown("key"),
            None,
        ),
        ("DELETE", "/v1/api-keys/{id}", key, unknown("key"), None),
        (
            "PATCH",
            "/v1/user-permissions/{id}",
            grant.clone(),
            unknown("grant"),
            Some(json!({ "capability": "READ_WRITE" })),
        ),
        (
            "DELETE",
            "/v1/user-permissions/{id}",
            grant,
            unknown("grant"),
            None,
        ),
        (
            "GET",
            "/v1/tenants/{id}",
            fixture.acme().to_owned(),
            unknown("tenant"),
            None,
        ),
        (
            "GET",
            "/v1/user-permissions?user_id={id}",
            fixture.bob().id,
            unknown("user"),
            None,
        ),
        (
            "POST",
            "/v1/auth/uat?tenant_id={id}",
            fixture.acme().to_owned(),
            unknown("tenant"),
            None,
        ),
        (
            "GET",
            "/api/managed-agents/transcript?sessionId={id}",
            session.clone(),
            never.clone(),
            None,
        ),
        (
            "DELETE",
            "/api/managed-agents/session?sessionId={id}",
            session,
            never,
            None,
        ),
    ];
    for (method, path, foreign, missing, body) in cases {
        let mut answers = Vec::new();
        for id in [foreign, missing] {
            let mut call = fixture
                .call(method, &path.replace("{id}", &id))
                .bearer(&token);
            if let Some(body) = &body {
                call = call.json(body.clone());
            }
            let answer = call.send().await.expect(404);
            is_problem(&answer, path.starts_with("/api"));
            let request = answer.header("x-request-id").to_owned();
            let mut headers: Vec<_> = answer.headers.iter().collect();
            headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
            let headers = format!("{headers:?}");
            answers.push((answer.text.replace(&request, ""), headers));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
}
