//! What an answer says to do: the cause that it names is the one that was, and in our own words.

use rstest::rstest;
use vestibule_e2e::{Answer, Backend, Fixture};

fn said(answer: &Answer) -> String {
    let body = answer.json();
    let parts = [&body["detail"], &body["error"], &body["hint"]];
    let parts = parts.map(|part| part.as_str().unwrap_or_default());
    parts.join(" ")
}

#[rstest]
#[tokio::test]
async fn a_refusal_names_what_was_wrong_and_the_way_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const JSON: (&str, &str) = ("content-type", "application/json");
    let fixture = Fixture::start(backend).await;
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let switch = || fixture.post("/api/auth/switch-org").cookie(&cookie);
    let keys = || fixture.post("/v1/api-keys").bearer(fixture.key());
    let ours = fixture.url();
    for (call, status, part) in [
        // The origin is ours, and something else was wrong.
        (
            switch().origin(ours).header("sec-fetch-site", "cross-site"),
            403,
            "Sec-Fetch-Site: cross-site",
        ),
        (switch().origin(ours).origin(ours), 403, "more than one"),
        (switch().origin("null"), 403, "carried \"null\""),
        (switch(), 403, "carried none"),
        // A header that is there twice.
        (
            keys().header(JSON.0, JSON.1).body(JSON.1, "{}"),
            415,
            "more than one",
        ),
        // The cookie, not a bearer.
        (
            fixture.get("/api/auth/session").cookie("nonsense"),
            401,
            "session cookie",
        ),
        (
            fixture.call("PUT", "/v1/documents").bearer(fixture.key()),
            405,
            "GET, HEAD, POST",
        ),
        (keys().body(JSON.1, "{'name': 'a'}"), 400, "one JSON object"),
        (
            fixture.get("/v1/nowhere").bearer(fixture.key()),
            404,
            "GET /openapi.json",
        ),
        (
            keys().body(JSON.1, r#"{"name": "a", "grants": {}}"#),
            422,
            "grants: must be an array",
        ),
    ] {
        let answer = call.send().await.expect(status);
        let said = said(&answer);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[rstest]
#[case("limit=-1", "limit", "out_of_range")]
#[case("limit=abc", "limit", "out_of_range")]
#[case("limit=1.5", "limit", "out_of_range")]
#[case("limit=", "limit", "out_of_range")]
#[case("offset=9223372036854775807", "offset", "out_of_range")]
#[case("offset=10001", "offset", "out_of_range")]
#[case("=", "query", "unknown_field")]
#[tokio::test]
async fn every_list_says_the_same_of_a_wrong_number(
    #[case] query: &str,
    #[case] field: &str,
    #[case] reason: &str,
) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let permissions = format!(
        "/v1/user-permissions?tenant_id={}&user_id={}&",
        fixture.acme(),
        fixture.ada().id
    );
    for list in [
        "/v1/documents?",
        "/v1/folders?",
        "/v1/tenants?",
        &permissions,
    ] {
        let call = fixture.get(&format!("{list}{query}")).bearer(fixture.key());
        let answer = call.send().await.expect(422);
        let body = answer.json();
        let mut errors = body["errors"].as_array().unwrap().iter();
        let error = errors.find(|error| error["field"] == field).unwrap();
        assert_eq!(error["reason"], reason, "{list}");
        let message = error["message"].as_str().unwrap();
        for foreign in ["digit", "parse", "target type"] {
            assert!(!message.contains(foreign), "{list}: {message}");
        }
    }
}
