//! Every request that the descriptions of the product print, as they print it; hosts, tokens and
//! ids are replaced, and nothing else. Single sign-on is left out.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Fixture, Person};

const JSON: &str = "application/json";

/// The body as it is printed, line breaks and all.
async fn sign_in(fixture: &Fixture, person: &Person) -> Answer {
    let body = format!(
        "{{\n\"email\": \"{}\",\n\"password\": \"{}\"\n}}",
        person.email, person.password
    );
    let call = fixture.post("/v1/auth/pw/signin").body(JSON, body);
    call.send().await
}

fn is_time(value: &Value) -> bool {
    // As printed: 2025-01-15T10:00:00Z, perhaps with a fraction of the second.
    value
        .as_str()
        .is_some_and(|text| text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'))
}

#[rstest]
#[tokio::test]
async fn the_requests_of_the_bearer_dialect_run_as_printed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;

    // "If your users authenticate directly, use the password sign-in flow."
    let signed_in = sign_in(&fixture, &fixture.ada()).await.expect(200);
    let token = signed_in.text_at("/access_token");
    assert!(token.starts_with("eyJ"), "{token}");
    assert_eq!(signed_in.json()["token_type"], "bearer");

    // "curl -X POST …/v1/api-keys", with an existing token.
    let body = "{\n\"name\": \"my-service-key\"\n}";
    let call = fixture.post("/v1/api-keys").bearer(&token);
    let created = call.body(JSON, body).send().await.expect(201);
    let (id, key) = (created.text_at("/id"), created.text_at("/key"));
    assert!(id.starts_with("key_01"), "{id}");
    assert!(key.starts_with("ks_live_"), "{key}");
    assert_eq!(created.json()["name"], "my-service-key");
    assert!(is_time(&created.json()["created_at"]), "{}", created.text);

    // "Pass the key as a Bearer token on every request."
    let call = fixture.get("/v1/documents").bearer(&key);
    let documents = call.send().await.expect(200).json();
    assert!(documents["items"].is_array(), "{documents}");

    // "List all API keys." The full key is only returned once.
    let call = fixture.get("/v1/api-keys").bearer(&token);
    let listed = call.send().await.expect(200);
    let keys = listed.json();
    assert!(keys.as_array().unwrap().iter().any(|key| key["id"] == *id));
    assert!(!listed.text.contains(&key) && !listed.text.contains("ks_live_"));

    // "Delete a key when it's no longer needed."
    let path = format!("/v1/api-keys/{id}");
    let deleted = fixture
        .delete(&path)
        .bearer(&token)
        .send()
        .await
        .expect(204);
    assert_eq!(deleted.text, "");
    let refused = fixture.get("/v1/documents").bearer(&key).send().await;
    refused.expect(401);

    // "Pass it the same way as an API key."
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    assert_eq!(me.expect(200).json()["email"], fixture.ada().email);

    // "The response returns a new access token with a fresh expiry."
    let call = fixture.post("/v1/auth/uat").bearer(&token);
    let refreshed = call.send().await.expect(200);
    let fresh = refreshed.text_at("/access_token");
    assert_ne!(fresh, token);
    assert_eq!(refreshed.json()["token_type"], "bearer");
    assert_eq!(refreshed.json()["expires_in"], 3600);
    let me = fixture.get("/v1/users/me").bearer(&fresh).send().await;
    me.expect(200);

    // "Invalidate the current token."
    let call = fixture.post("/v1/auth/signout").bearer(&fresh);
    call.send().await.expect(200);
    let me = fixture.get("/v1/users/me").bearer(&fresh).send().await;
    me.expect(401);
}

/// The table of statuses: 401 missing, malformed or expired; 403 valid, but not for this path.
#[rstest]
#[tokio::test]
async fn the_statuses_of_the_bearer_dialect_mean_what_is_printed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    fixture.get("/v1/documents").send().await.expect(401);
    for wrong in ["Token abc", "Bearer", "Bearer a b", "Basic YTpi"] {
        let call = fixture.get("/v1/documents").header("authorization", wrong);
        call.send().await.expect(401);
    }
    // "A user may be authenticated but not authorized to access a specific path."
    let call = fixture.get("/v1/documents").bearer(fixture.key());
    let all = call.send().await.expect(200).json();
    let mut items = all["items"].as_array().unwrap().iter();
    let hidden = items.find(|item| item["materialized_path"] == "/private/plans");
    let path = format!("/v1/documents/{}", hidden.unwrap()["id"].as_str().unwrap());
    let token = fixture.token_of(&fixture.bob()).await;
    fixture
        .get("/v1/users/me")
        .bearer(&token)
        .send()
        .await
        .expect(200);
    let refused = fixture.get(&path).bearer(&token).send().await.expect(403);
    assert_eq!(refused.reason(), "path_not_granted");
}

#[rstest]
#[tokio::test]
async fn the_requests_of_the_browser_dialect_run_as_described(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let origin = fixture.url().to_owned();
    let cookie = fixture.cookie_of(&fixture.ada()).await;

    // "If the session is missing or has expired, the request is rejected with a 401", before it
    // reaches the route: without an Origin and with a body that means nothing, too.
    for (method, path) in [
        ("GET", "/api/managed-agents/sessions"),
        ("POST", "/api/managed-agents/session"),
        ("DELETE", "/api/managed-agents/session?sessionId=1"),
        ("POST", "/api/managed-agents/message"),
        ("GET", "/api/managed-agents/transcript?sessionId=1"),
        ("POST", "/api/managed-agents/cancel"),
        ("POST", "/api/auth/switch-org"),
    ] {
        let refused = fixture.call(method, path).send().await.expect(401).json();
        assert!(refused["error"].is_string(), "{method} {path}: {refused}");
        let mut altered = cookie.clone();
        altered.replace_range(cookie.len() - 1.., "!");
        let call = fixture.call(method, path).cookie(&altered).origin(&origin);
        call.send().await.expect(401);
    }

    // "The following example lists all sessions", with the Origin, which a GET may also leave out.
    let call = fixture.get("/api/managed-agents/sessions").cookie(&cookie);
    let listed = call.origin(&origin).send().await.expect(200);
    assert_eq!(listed.json(), json!({ "sessions": [] }));
    let call = fixture.get("/api/managed-agents/sessions").cookie(&cookie);
    call.send().await.expect(200);

    // "Must be set on all mutating requests", and a body must be application/json.
    let text = "{\"text\": \"hello\"}";
    for wrong in [None, Some("https://evil.example"), Some("null")] {
        let mut call = fixture.post("/api/managed-agents/session").cookie(&cookie);
        if let Some(wrong) = wrong {
            call = call.origin(wrong);
        }
        let refused = call.body(JSON, text).send().await.expect(403);
        assert_eq!(refused.reason(), "csrf_origin_mismatch");
    }
    let start = || {
        let call = fixture.post("/api/managed-agents/session").cookie(&cookie);
        call.origin(&origin)
    };
    start().body("text/plain", text).send().await.expect(415);
    let started = start().body(JSON, text).send().await.expect(200);
    let session = started.text_at("/id");
    // A DELETE without a body needs no content type.
    let path = format!("/api/managed-agents/session?sessionId={session}");
    let call = fixture.delete(&path).cookie(&cookie).origin(&origin);
    assert_eq!(call.send().await.expect(200).json(), json!({ "ok": true }));

    // "Or call POST /api/auth/switch-org. Any subsequent API calls will be scoped to the newly
    // active organisation."
    let started = start().body(JSON, text).send().await.expect(200);
    let session = started.text_at("/id");
    let body = json!({ "organizationId": fixture.globex() });
    let call = fixture.post("/api/auth/switch-org").cookie(&cookie);
    let switched = call.origin(&origin).json(body).send().await.expect(200);
    let other = switched.session_cookie().unwrap();
    assert_ne!(other, cookie);
    let expected = json!({
        "ok": true,
        "organization": { "id": fixture.globex(), "name": "Globex", "role": "OWNER" },
    });
    assert_eq!(switched.json(), expected);
    let call = fixture.get("/api/managed-agents/sessions").cookie(&other);
    assert_eq!(
        call.send().await.expect(200).json(),
        json!({ "sessions": [] })
    );
    let path = format!("/api/managed-agents/transcript?sessionId={session}");
    fixture.get(&path).cookie(&other).send().await.expect(404);
    fixture.get(&path).cookie(&cookie).send().await.expect(401);

    // "Your plan does not include the feature you are requesting": 403.
    let call = fixture.post("/api/managed-agents/session").cookie(&other);
    let call = call.origin(&origin).body(JSON, text);
    let refused = call.send().await.expect(403);
    assert_eq!(refused.reason(), "plan_feature_missing");
    // Server-to-server access, "on the roadmap": an API key, without an Origin.
    let call = fixture
        .post("/api/managed-agents/session")
        .bearer(fixture.key());
    call.body(JSON, text).send().await.expect(200);
}
