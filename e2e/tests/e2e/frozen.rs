//! A server that stands still for longer than its lease, while another one takes a key away.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;
use vestibule_e2e::{Backend, Fixture, Line, freeze, rounds, thaw};

use crate::measure::print;

/// Keys that are taken away during each freeze, all of which the frozen server remembers.
const KEYS: usize = 8;

/// Connections to the frozen server for each key: some with a request that waits there when the
/// server goes on, some over which one is sent then.
const LINES: usize = 4;

/// A key that the frozen server remembers, and open connections to that server.
struct Remembered {
    id: String,
    request: Vec<u8>,
    lines: Vec<Line>,
}

async fn remembered(fixture: &Fixture, url: &str) -> Remembered {
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    let made = call.json(json!({ "name": "brief" })).send().await;
    let made = made.expect(201);
    let request = Line::get("/v1/users/me", &made.text_at("/key"));
    let mut lines = Vec::new();
    for _ in 0..LINES {
        let mut line = Line::open(url).await.unwrap();
        // The news of the key's creation may come in between: twice, so that it is remembered.
        for _ in 0..2 {
            let reply = line.ask(&request).await.unwrap().unwrap();
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        lines.push(line);
    }
    Remembered {
        id: made.text_at("/id"),
        request,
        lines,
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_frozen_serves_no_key_that_was_deleted_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (process, facts) = fixture.second_server().await;
    let text = |name: &str| {
        facts[name]
            .as_str()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
    };
    let (url, pid) = (text("url"), process.id().unwrap());
    let freezes = rounds(2, 200);
    let (mut requests, mut passed, mut last) = (0, 0, Duration::ZERO);
    let mut skipped = 0;
    for round in 0..freezes {
        heard(&text("admin_url")).await;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            keys.push(remembered(&fixture, &url).await);
        }
        // From 3 to 10 seconds where there are many; the short run takes the shortest.
        let frozen_for = Duration::from_millis(3_000 + (round * 7_000 / freezes.max(100)) as u64);
        freeze(pid);
        let frozen = Instant::now();
        let mut deleted = true;
        for key in &keys {
            let call = fixture.delete(&format!("/v1/api-keys/{}", key.id));
            let answer = call.bearer(fixture.key()).send().await;
            // The frozen server may hold a lock: then nothing was acknowledged.
            deleted &= answer.status == 204;
        }
        let acknowledged = Instant::now();
        for key in &mut keys {
            for line in key.lines.iter_mut().step_by(2) {
                line.send(&key.request).await.unwrap();
            }
        }
        tokio::time::sleep_until(frozen + frozen_for).await;
        thaw(pid);
        let asking = keys.iter_mut().flat_map(|key| {
            let request = &key.request;
            key.lines
                .iter_mut()
                .enumerate()
                .map(move |(number, line)| async move {
                    if number % 2 == 1 {
                        line.send(request).await.unwrap();
                    }
                    let mut times = Vec::new();
                    loop {
                        let status = line.read().await.unwrap().unwrap().status;
                        times.push((status, acknowledged.elapsed()));
                        if times.len() == 40 {
                            return times;
                        }
                        line.send(request).await.unwrap();
                    }
                })
        });
        let answers = join_all(asking).await;
        if !deleted {
            skipped += 1;
            continue;
        }
        for (status, after) in answers.into_iter().flatten() {
            requests += 1;
            // Where the store does not answer yet, that is said.
            assert!([200, 401, 503].contains(&status), "{status}");
            if status == 200 {
                passed += 1;
                last = last.max(after);
            }
        }
    }
    print(
        "deleted keys at a server that was frozen",
        format!(
            "{passed} of {requests} requests passed, the last after {last:.1?}; {freezes} freezes"
        ),
    );
    assert_eq!(
        passed, 0,
        "the last {last:.1?} after the acknowledged delete"
    );
    assert!(skipped < freezes, "{skipped} freezes proved nothing");
}

/// Waits until a server hears the changes of others.
async fn heard(admin_url: &str) {
    let ready = Line::get("/readyz", "-");
    let begun = Instant::now();
    loop {
        let mut line = Line::open(admin_url).await.unwrap();
        let reply = line.ask(&ready).await.unwrap().unwrap();
        if reply.status == 200 && reply.body.starts_with("ready") {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{reply:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
