//! `/api/managed-agents`

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, House};

use crate::support::{members, soon};

const SESSION: &str = "/api/managed-agents/session";

async fn post(house: &House, cookie: &str, path: &str, body: Value) -> Answer {
    let call = house.post(path).cookie(cookie).origin(house.url());
    call.json(body).send().await
}

#[rstest]
#[tokio::test]
async fn a_conversation_is_held_and_is_its_users_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let house = House::start(backend).await;
    let (ada, bob) = (
        house.cookie_of(&house.ada()).await,
        house.cookie_of(&house.bob()).await,
    );
    let text = "x".repeat(70);
    let started = post(&house, &ada, SESSION, json!({ "text": text }))
        .await
        .expect(200);
    assert_eq!(members(&started.json()), ["id", "noConnectors", "runId"]);
    let id = started.text_at("/id");
    let message = json!({ "sessionId": id, "text": "more" });
    let sent = post(&house, &ada, "/api/managed-agents/message", message.clone()).await;
    assert_eq!(sent.expect(200).json(), json!({ "ok": true }));

    let list = house
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
    let shown = house
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
    let later = house
        .get(&since)
        .cookie(&ada)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(later["events"].as_array().unwrap()[..], events[1..]);

    // Another user of the same organisation.
    house.get(&transcript).cookie(&bob).send().await.expect(404);
    post(&house, &bob, "/api/managed-agents/message", message)
        .await
        .expect(404);
    let cancel = "/api/managed-agents/cancel";
    post(&house, &bob, cancel, json!({ "sessionId": id }))
        .await
        .expect(404);
    let delete = format!("{SESSION}?sessionId={id}");
    let call = house.delete(&delete).cookie(&bob).origin(house.url());
    call.send().await.expect(404);

    post(&house, &ada, cancel, json!({ "sessionId": id }))
        .await
        .expect(200);
    let again = post(&house, &ada, cancel, json!({ "sessionId": id }))
        .await
        .expect(200);
    assert_eq!(
        again.json(),
        json!({ "ok": true, "alreadyCancelled": true })
    );
    let call = house.delete(&delete).cookie(&ada).origin(house.url());
    assert_eq!(call.send().await.expect(200).json(), json!({ "ok": true }));
    house.get(&transcript).cookie(&ada).send().await.expect(404);
    for text in ["", "  "] {
        let refused = post(&house, &ada, SESSION, json!({ "text": text }))
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
    let house = House::start(backend).await;
    let body = || json!({ "text": "hello" });
    let cookie = house.cookie_of(&house.ada()).await;
    for number in 0..10 {
        if number % 2 == 0 {
            post(&house, &cookie, SESSION, body()).await.expect(200);
        } else {
            let call = house.post(SESSION).bearer(house.key()).json(body());
            call.send().await.expect(200);
        }
    }
    let limited = post(&house, &cookie, SESSION, body()).await.expect(429);
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
    let bob = house.cookie_of(&house.bob()).await;
    post(&house, &bob, SESSION, body()).await.expect(200);
}

/// The feature comes and goes with the plan, beside the running server.
#[rstest]
#[tokio::test]
async fn the_plan_opens_and_closes_the_feature(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let house = House::start(backend).await;
    let token = house.token_of(&house.ada()).await;
    let body = json!({ "tenant_id": house.globex() });
    let call = house.post("/v1/auth/uat").bearer(&token).json(body);
    let token = call.send().await.expect(200).text_at("/access_token");
    let start = || {
        let call = house
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
    house
        .cli_json(&["plan", "set", house.globex(), "team"])
        .await;
    let started = soon(200, start).await;
    house
        .cli_json(&["plan", "set", house.globex(), "free"])
        .await;
    soon(403, start).await;
    // What is there stays readable and removable.
    let id = started.text_at("/id");
    let path = format!("/api/managed-agents/transcript?sessionId={id}");
    house.get(&path).bearer(&token).send().await.expect(200);
    let call = house
        .delete(&format!("{SESSION}?sessionId={id}"))
        .bearer(&token);
    call.send().await.expect(200);
}
