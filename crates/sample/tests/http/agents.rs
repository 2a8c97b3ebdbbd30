use rstest::rstest;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Engine, Person, RWD, World, held, text};

const AGENTS: &str = "/api/managed-agents";

async fn begin(world: &World, person: &Person, text_: &str) -> String {
    let path = format!("{AGENTS}/session");
    let answer = world
        .browse(person, "POST", &path, json!({"text": text_}))
        .await;
    text(&answer.expect(200)["id"]).to_owned()
}

async fn say(world: &World, person: &Person, id: &str) -> crate::support::Answer {
    let body = json!({"sessionId": id, "text": "more"});
    world
        .browse(person, "POST", &format!("{AGENTS}/message"), body)
        .await
}

async fn see(world: &World, person: &Person, path: &str) -> crate::support::Answer {
    world
        .browse(person, "GET", &format!("{AGENTS}/{path}"), Value::Null)
        .await
}

#[rstest]
#[tokio::test]
async fn a_conversation_from_its_first_message_to_its_end(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let first = format!("{}tail", "ä".repeat(60));
    let path = format!("{AGENTS}/session");
    let begun = world
        .browse(&user, "POST", &path, json!({"text": first}))
        .await
        .expect(200);
    assert_eq!(begun["noConnectors"], true);
    let id = text(&begun["id"]).to_owned();

    let transcript = see(&world, &user, &format!("transcript?sessionId={id}"))
        .await
        .expect(200);
    assert_eq!(transcript["title"], "ä".repeat(60));
    assert_eq!(transcript["workflowRunId"], begun["runId"]);
    assert_eq!(
        (&transcript["hasMore"], &transcript["backfillFailed"]),
        (&json!(false), &json!(false))
    );
    let events = transcript["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[0]["type"], &events[0]["payload"]),
        (&json!("user_message"), &json!({"text": first}))
    );
    assert_eq!(events[1]["type"], "status_idle");
    assert_eq!(events[0]["occurredAt"], "2027-01-31T23:00:00Z");

    world.clock.advance(Duration::from_secs(60));
    assert_eq!(
        say(&world, &user, &id).await.expect(200),
        json!({"ok": true})
    );
    let last = text(&events[1]["id"]);
    let path = format!("transcript?sessionId={id}&sinceEventId={last}");
    let since = see(&world, &user, &path).await.expect(200);
    assert_eq!(since["events"].as_array().unwrap().len(), 2);
    assert_eq!(since["events"][0]["payload"], json!({"text": "more"}));
    assert_ne!(since["workflowRunId"], begun["runId"]);

    let path = format!("{AGENTS}/session?sessionId={id}");
    let gone = world
        .browse(&user, "DELETE", &path, Value::Null)
        .await
        .expect(200);
    assert_eq!(gone, json!({"ok": true}));
    world
        .browse(&user, "DELETE", &path, Value::Null)
        .await
        .expect(404);
    see(&world, &user, &format!("transcript?sessionId={id}"))
        .await
        .expect(404);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_key_narrowed_to_paths_has_no_conversations(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let owner = world.owner();
    let id = begin(&world, &owner, "mine").await;
    let calls = [
        ("GET", "sessions".to_owned(), Value::Null),
        ("POST", "session".to_owned(), json!({"text": "a"})),
        ("DELETE", format!("session?sessionId={id}"), Value::Null),
        (
            "POST",
            "message".to_owned(),
            json!({"sessionId": id, "text": "a"}),
        ),
        ("GET", format!("transcript?sessionId={id}"), Value::Null),
        ("POST", "cancel".to_owned(), json!({"sessionId": id})),
    ];
    world.alter(&owner, |principal| {
        principal.narrowed_to = Some(held(&[(RWD, "/")]));
    });
    for (method, path, body) in calls {
        let path = format!("{AGENTS}/{path}");
        let answer = world.call(&owner, method, &path, body).await;
        assert_eq!(
            answer.expect(403)["reason"],
            "key_is_narrowed",
            "{method} {path}"
        );
    }
    world.alter(&owner, |principal| principal.narrowed_to = None);
    let kept = see(&world, &owner, "sessions").await.expect(200);
    assert_eq!(kept["sessions"].as_array().unwrap().len(), 1);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn the_list_shows_the_fifty_last_used_first(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let first = begin(&world, &user, "first").await;
    world.clock.advance(Duration::from_secs(1));
    begin(&world, &user, "second").await;
    world.clock.advance(Duration::from_secs(1));
    say(&world, &user, &first).await.expect(200);
    let list = see(&world, &user, "sessions").await.expect(200);
    let titles: Vec<&str> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| text(&session["title"]))
        .collect();
    assert_eq!(titles, ["first", "second"]);
    assert_eq!(
        list["sessions"][0],
        json!({"id": first, "title": "first", "status": "idle",
            "createdAt": "2027-01-31T23:00:00Z", "updatedAt": "2027-01-31T23:00:02Z"})
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_transcript_comes_in_parts(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "first").await;
    for _ in 0..50 {
        say(&world, &user, &id).await.expect(200);
    }
    let path = format!("transcript?sessionId={id}");
    let part = see(&world, &user, &path).await.expect(200);
    let events = part["events"].as_array().unwrap();
    assert_eq!((events.len(), &part["hasMore"]), (100, &json!(true)));
    let path = format!("{path}&sinceEventId={}", text(&events[99]["id"]));
    let rest = see(&world, &user, &path).await.expect(200);
    assert_eq!(
        (rest["events"].as_array().unwrap().len(), &rest["hasMore"]),
        (2, &json!(false))
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn cancelling_may_be_repeated(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "first").await;
    let path = format!("{AGENTS}/cancel");
    let cancel = || world.browse(&user, "POST", &path, json!({"sessionId": id}));
    assert_eq!(cancel().await.expect(200), json!({"ok": true}));
    let again = json!({"ok": true, "alreadyCancelled": true});
    assert_eq!(cancel().await.expect(200), again);
    say(&world, &user, &id).await.expect(200);
    assert_eq!(cancel().await.expect(200), json!({"ok": true}));
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_conversation_is_its_user_s_own_in_one_organization(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "first").await;
    let elsewhere = world.user(&[]);
    world.alter(&elsewhere, |principal| {
        principal.user_id = user.id;
        principal.organization_id = world.other_organization;
    });
    for other in [world.owner(), world.stranger(), elsewhere] {
        say(&world, &other, &id).await.expect(404);
        see(&world, &other, &format!("transcript?sessionId={id}"))
            .await
            .expect(404);
        let body = json!({"sessionId": id});
        world
            .browse(&other, "POST", &format!("{AGENTS}/cancel"), body)
            .await
            .expect(404);
        let path = format!("{AGENTS}/session?sessionId={id}");
        world
            .browse(&other, "DELETE", &path, Value::Null)
            .await
            .expect(404);
        let list = see(&world, &other, "sessions").await.expect(200);
        assert_eq!(list, json!({"sessions": []}));
    }
    see(&world, &user, &format!("transcript?sessionId={id}"))
        .await
        .expect(200);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn without_the_feature_one_can_look_and_delete_but_start_nothing(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "first").await;
    world.alter(&user, |principal| {
        let bare = vestibule_layer::model::Plan::bare("free".parse().unwrap());
        principal.plan = std::sync::Arc::new(bare);
    });
    let path = format!("{AGENTS}/session");
    let refused = world
        .browse(&user, "POST", &path, json!({"text": "a"}))
        .await;
    assert_eq!(refused.refused(403), "plan_feature_missing");
    assert_eq!(
        say(&world, &user, &id).await.refused(403),
        "plan_feature_missing"
    );
    see(&world, &user, "sessions").await.expect(200);
    see(&world, &user, &format!("transcript?sessionId={id}"))
        .await
        .expect(200);
    let body = json!({"sessionId": id});
    world
        .browse(&user, "POST", &format!("{AGENTS}/cancel"), body)
        .await
        .expect(200);
    let path = format!("{path}?sessionId={id}");
    world
        .browse(&user, "DELETE", &path, Value::Null)
        .await
        .expect(200);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn the_month_s_allowance_is_the_organization_s_and_exact(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::with_quota(engine, 5).await;
    let (one, two) = (world.user(&[]), world.user(&[]));
    let (first, second) = (
        begin(&world, &one, "a").await,
        begin(&world, &two, "b").await,
    );
    // What is refused for another reason is not counted.
    say(&world, &one, &second).await.expect(404);
    let tries = (0..4).flat_map(|_| [say(&world, &one, &first), say(&world, &two, &second)]);
    let answers = futures_util::future::join_all(tries).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 5);
    let refused = say(&world, &one, &first).await;
    assert_eq!(
        refused.headers["retry-after"], "3600",
        "an hour of January is left"
    );
    assert_eq!(
        refused.headers["ratelimit-policy"],
        "\"agent_messages_per_month\";q=5;w=2678400"
    );
    assert_eq!(
        refused.headers["ratelimit"],
        "\"agent_messages_per_month\";r=0;t=3600"
    );
    assert_eq!(refused.refused(429), "quota_exceeded");
    let path = format!("transcript?sessionId={first}");
    let before = see(&world, &one, &path).await.expect(200);
    world.clock.advance(Duration::from_secs(3_600));
    say(&world, &one, &first).await.expect(200);
    let after = see(&world, &one, &path).await.expect(200);
    let count = |transcript: &Value| transcript["events"].as_array().unwrap().len();
    assert_eq!(
        count(&after),
        count(&before) + 2,
        "what was refused left no trace"
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn too_many_at_once_are_told_when_to_come_back(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "1").await;
    for _ in 2..=10 {
        begin(&world, &user, "again").await;
    }
    let path = format!("{AGENTS}/session");
    let refused = world
        .browse(&user, "POST", &path, json!({"text": "11"}))
        .await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.refused(429), "too_many_requests");
    let path = format!("{AGENTS}/cancel");
    let mut last = 0;
    for _ in 0..40 {
        let answer = world
            .browse(&user, "POST", &path, json!({"sessionId": id}))
            .await;
        last = answer.status.as_u16();
        if last != 200 {
            break;
        }
    }
    assert_eq!(last, 429);
    let other = world.user(&[]);
    begin(&world, &other, "another's allowance is another's").await;
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn wrong_input_is_400_and_names_the_field(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let id = begin(&world, &user, "first").await;
    let never = "01946967-d500-7123-8000-000000000000";
    for (method, path, body, field) in [
        ("POST", "session", json!({}), "text"),
        ("POST", "session", json!({"text": " \n"}), "text"),
        ("POST", "session", json!({"text": "a\u{0}"}), "text"),
        ("POST", "session", json!({"text": 1}), "text"),
        ("POST", "message", json!({"text": "a"}), "sessionId"),
        (
            "POST",
            "message",
            json!({"text": "a", "sessionId": "x"}),
            "sessionId",
        ),
        (
            "POST",
            "cancel",
            json!({"sessionId": id, "more": 1}),
            "more",
        ),
        ("GET", "transcript", Value::Null, "sessionId"),
        ("GET", "transcript?sessionId=x", Value::Null, "sessionId"),
        (
            "GET",
            &format!("transcript?sessionId={id}&sinceEventId={never}"),
            Value::Null,
            "sinceEventId",
        ),
        ("DELETE", "session", Value::Null, "sessionId"),
    ] {
        let answer = world
            .browse(&user, method, &format!("{AGENTS}/{path}"), body)
            .await;
        let body = answer.expect(400);
        assert!(text(&body["error"]).contains(field), "{field}: {body}");
    }
    say(&world, &user, never).await.expect(404);
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn a_key_needs_no_origin_and_a_cookie_does(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::start(engine).await;
    let user = world.user(&[]);
    let path = format!("{AGENTS}/session");
    world
        .call(&user, "POST", &path, json!({"text": "by key"}))
        .await
        .expect(200);
    let request = axum::http::Request::post(path)
        .header("cookie", format!("__Host-vestibule={}", user.cookie))
        .header("content-type", "application/json")
        .body(axum::body::Body::from(r#"{"text":"by cookie"}"#))
        .unwrap();
    assert_eq!(
        world.send(request).await.refused(403),
        "csrf_origin_mismatch"
    );
    world.end().await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_looks_at_any_more_is_not_kept(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let world = World::with_quota(engine, 5).await;
    let user = world.user(&[]);
    let first = begin(&world, &user, "a").await;
    say(&world, &user, &first).await.expect(200);
    // More of the user's than are kept, longer unused, and more months than are asked for.
    world
        .beside(
            "INSERT INTO sample_agent_session (id, organization_id, user_id, title, cancelled, \
             last_event, created_at, updated_at) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1010) \
             SELECT 'old ' || CAST(n.i AS TEXT), s.organization_id, s.user_id, 'old', 0, 0, n.i, n.i \
             FROM n, (SELECT organization_id, user_id FROM sample_agent_session LIMIT 1) s",
        )
        .await;
    world
        .beside(
            "INSERT INTO sample_agent_usage SELECT organization_id, '2026-11', 5 \
             FROM sample_agent_usage",
        )
        .await;
    world
        .beside(
            "INSERT INTO sample_agent_event (session_id, number, id, kind, payload, occurred_at) \
             SELECT session_id, -20000, 'old', kind, payload, 0 FROM sample_agent_event LIMIT 1",
        )
        .await;
    world.clock.advance(Duration::from_secs(3_600));
    begin(&world, &user, "b").await;
    say(&world, &user, &first).await.expect(200);
    let count = async |query: &'static str| world.count(query).await;
    assert_eq!(
        count("SELECT COUNT(*) FROM sample_agent_session").await,
        1_000
    );
    let months = "SELECT COUNT(*) FROM sample_agent_usage WHERE month IN ('2027-01', '2027-02')";
    assert_eq!(count(months).await, 2);
    assert_eq!(count("SELECT COUNT(*) FROM sample_agent_usage").await, 2);
    let old = "SELECT COUNT(*) FROM sample_agent_event WHERE number < 0";
    assert_eq!(count(old).await, 0);
    world.end().await;
}

#[tokio::test]
async fn text_is_sorted_by_its_bytes_whatever_the_order_of_the_database() {
    let world = World::start(Engine::Postgres).await;
    let columns = "SELECT COUNT(*) FROM information_schema.columns
        WHERE table_name = 'sample_node' AND column_name IN ('name', 'path')
            AND collation_name = 'C'";
    assert_eq!(world.count(columns).await, 2);
    world.end().await;
}
