//! `/api/managed-agents`

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Fixture};

use crate::support::{members, soon};

const SESSION: &str = "/api/managed-agents/session";

async fn post(fixture: &Fixture, cookie: &str, path: &str, body: Value) -> Answer {
    let call = fixture.post(path).cookie(cookie).origin(fixture.url());
    call.json(body).send().await
}

#[rstest]
#[tokio::test]
async fn a_conversation_is_held_and_is_its_users_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (ada, bob) = (
        fixture.cookie_of(&fixture.ada()).await,
        fixture.cookie_of(&fixture.bob()).await,
    );
    let text = "x".repeat(70);
    let started = post(&fixture, &ada, SESSION, json!({ "text": text }))
        .await
        .expect(200);
    assert_eq!(members(&started.json()), ["id", "noConnectors", "runId"]);
    let id = started.text_at("/id");
    let message = json!({ "sessionId": id, "text": "more" });
    let sent = post(
        &fixture,
        &ada,
        "/api/managed-agents/message",
        message.clone(),
    )
    .await;
    assert_eq!(sent.expect(200).json(), json!({ "ok": true }));

    let list = fixture
        .get("/api/managed-agents/sessions")
        .cookie(&ada)
        .send()
        .await
        .expect(200)
        .json();
    let item = &list["sessions"][0];
    assert_eq!(
        members(item),
        ["createdAt", "id", "status", "title", "updatedAt"]
    );
    assert_eq!(item["title"], text[..60]);
    let transcript = format!("/api/managed-agents/transcript?sessionId={id}");
    let shown = fixture
        .get(&transcript)
        .cookie(&ada)
        .send()
        .await
        .expect(200)
        .json();
    let shape = [
        "backfillFailed",
        "events",
        "hasMore",
        "title",
        "workflowRunId",
    ];
    assert_eq!(members(&shown), shape);
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events[0]["type"], "user_message");
    let since = format!(
        "{transcript}&sinceEventId={}",
        events[0]["id"].as_str().unwrap()
    );
    let later = fixture
        .get(&since)
        .cookie(&ada)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(later["events"].as_array().unwrap()[..], events[1..]);

    // Another user of the same organisation.
    fixture
        .get(&transcript)
        .cookie(&bob)
        .send()
        .await
        .expect(404);
    post(&fixture, &bob, "/api/managed-agents/message", message)
        .await
        .expect(404);
    let cancel = "/api/managed-agents/cancel";
    post(&fixture, &bob, cancel, json!({ "sessionId": id }))
        .await
        .expect(404);
    let delete = format!("{SESSION}?sessionId={id}");
    let call = fixture.delete(&delete).cookie(&bob).origin(fixture.url());
    call.send().await.expect(404);

    post(&fixture, &ada, cancel, json!({ "sessionId": id }))
        .await
        .expect(200);
    let again = post(&fixture, &ada, cancel, json!({ "sessionId": id }))
        .await
        .expect(200);
    assert_eq!(
        again.json(),
        json!({ "ok": true, "alreadyCancelled": true })
    );
    let call = fixture.delete(&delete).cookie(&ada).origin(fixture.url());
    assert_eq!(call.send().await.expect(200).json(), json!({ "ok": true }));
    fixture
        .get(&transcript)
        .cookie(&ada)
        .send()
        .await
        .expect(404);
    for text in ["", "  "] {
        let refused = post(&fixture, &ada, SESSION, json!({ "text": text }))
            .await
            .expect(400);
        assert!(
            refused.text_at("/error").contains("text"),
            "{}",
            refused.text
        );
    }
}

/// Ten conversations a minute for each user, whatever credential; the eleventh waits.
#[rstest]
#[tokio::test]
async fn conversations_are_limited_for_each_user(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let body = || json!({ "text": "hello" });
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    for number in 0..10 {
        if number % 2 == 0 {
            post(&fixture, &cookie, SESSION, body()).await.expect(200);
        } else {
            let call = fixture.post(SESSION).bearer(fixture.key()).json(body());
            call.send().await.expect(200);
        }
    }
    let limited = post(&fixture, &cookie, SESSION, body()).await.expect(429);
    assert_eq!(limited.reason(), "too_many_requests");
    assert_eq!(
        limited.header("ratelimit-policy"),
        "\"agent_sessions_per_minute\";q=10;w=60"
    );
    assert!(
        limited
            .header("ratelimit")
            .starts_with("\"agent_sessions_per_minute\";r=0;t=")
    );
    let seconds: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&seconds), "{seconds}");
    let bob = fixture.cookie_of(&fixture.bob()).await;
    post(&fixture, &bob, SESSION, body()).await.expect(200);
}

/// The feature comes and goes with the plan, beside the running server.
#[rstest]
#[tokio::test]
async fn the_plan_opens_and_closes_the_feature(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let token = fixture.token_of(&fixture.ada()).await;
    let body = json!({ "tenant_id": fixture.globex() });
    let call = fixture.post("/v1/auth/uat").bearer(&token).json(body);
    let token = call.send().await.expect(200).text_at("/access_token");
    let start = || {
        let call = fixture
            .post(SESSION)
            .bearer(&token)
            .json(json!({ "text": "hello" }));
        async move { call.send().await }
    };
    let refused = start().await.expect(403).json();
    assert_eq!(refused["reason"], "plan_feature_missing");
    assert!(
        refused["hint"].as_str().unwrap().contains("team"),
        "{refused}"
    );
    fixture
        .cli_json(&["plan", "set", fixture.globex(), "team"])
        .await;
    let started = soon(200, start).await;
    fixture
        .cli_json(&["plan", "set", fixture.globex(), "free"])
        .await;
    soon(403, start).await;
    // What is there stays readable and removable.
    let id = started.text_at("/id");
    let path = format!("/api/managed-agents/transcript?sessionId={id}");
    fixture.get(&path).bearer(&token).send().await.expect(200);
    let call = fixture
        .delete(&format!("{SESSION}?sessionId={id}"))
        .bearer(&token);
    call.send().await.expect(200);
}
