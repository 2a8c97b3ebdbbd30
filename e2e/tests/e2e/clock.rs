//! The promises about a wall clock that is set while a server runs, or before it starts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use vestibule_e2e::{Backend, Fixture, Setup, WallClock};

const HOUR: i64 = 3_600;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// Waits until something holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not yet: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Returns the moment this many seconds from now, by the machine's own clock.
fn in_seconds(seconds: u64) -> String {
    let mut date = std::process::Command::new("date");
    let output = date
        .args(["-u", "-d", &format!("+{seconds} seconds"), "+%FT%TZ"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn key_until(fixture: &Fixture, end: &str) -> String {
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    let body = json!({ "name": "mortal", "expires_at": end });
    call.json(body).send().await.expect(201).text_at("/key")
}

async fn status(fixture: &Fixture, key: &str) -> u16 {
    let call = fixture.get("/v1/users/me").bearer(key);
    call.send().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_set_back_revives_no_expired_key_and_set_forward_ends_no_live_one() {
    let wall = WallClock::new();
    let fixture = Setup::new(Backend::Sqlite)
        .with_wall_clock(&wall)
        .start()
        .await;
    let (dead, live) = (
        key_until(&fixture, &in_seconds(2)).await,
        key_until(&fixture, &in_seconds(3_000)).await,
    );
    let token = fixture.token_of(&fixture.bob()).await;
    let cookie = fixture.cookie_of(&fixture.bob()).await;
    until("the key has expired", async || {
        status(&fixture, &dead).await == 401
    })
    .await;
    let metric = async |line: String| {
        let metrics = fixture.admin("/metrics").send().await.expect(200);
        metrics.text.lines().any(|found| found == line)
    };
    let steps = [(-HOUR, 1), (-TEN_YEARS, 2), (TEN_YEARS, 3), (0, 3)];
    for (ahead, jumps) in steps {
        wall.set_ahead(ahead);
        let jumped = format!("vestibule_clock_jumps_total {jumps}");
        // Before and after it is noticed.
        for noticed in [false, true] {
            if noticed {
                until("the jump is counted", async || metric(jumped.clone()).await).await;
            }
            assert_eq!(status(&fixture, &dead).await, 401, "{ahead} {noticed}");
            for credential in [fixture.key(), &live, &token] {
                assert_eq!(status(&fixture, credential).await, 200, "{ahead} {noticed}");
            }
            let session = fixture
                .get("/api/auth/session")
                .cookie(&cookie)
                .send()
                .await;
            session.expect(200);
        }
        // What is made now lives by the same clock.
        let late = in_seconds(3_000);
        assert_eq!(
            status(&fixture, &key_until(&fixture, &late).await).await,
            200
        );
        fixture.token_of(&fixture.bob()).await;
        let is_shown = async || {
            let shown = fixture.admin("/readyz").send().await.expect(200).text;
            match ahead {
                0 => shown == "ready\n",
                ..0 => shown.contains("s behind the server's"),
                1.. => shown.contains("s ahead of the server's"),
            }
        };
        until("the difference is shown", is_shown).await;
    }
    assert!(metric("vestibule_wall_clock_ahead_seconds 0".to_owned()).await);
    let log = fixture.log();
    assert_eq!(log.matches("the wall clock has jumped").count(), 3, "{log}");
}

/// Runs `serve` until it serves, and ends it.
async fn serve(fixture: &Fixture, arguments: &[&str]) {
    let mut command = fixture.cli_command(arguments);
    command.stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut log = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        log.push_str(&line);
        if line.contains("admin_url") {
            server.kill().await.unwrap();
            return;
        }
    }
    panic!("it does not serve: {log}");
}

const SERVE: [&str; 5] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

/// Asserts that `serve` and `quickstart` refuse this clock, and say the way out.
async fn is_refused(fixture: &Fixture) {
    let quickstart = ["quickstart", "--listen", "127.0.0.1:0"];
    for arguments in [&SERVE[..], &quickstart[..]] {
        let refused = fixture.cli(&[arguments, &["--json"]].concat()).await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        let error = said.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(error).unwrap();
        assert_eq!(error["error"]["reason"], "clock_behind", "{said}");
        assert!(said.contains("--accept-clock"), "{said}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_start_by_a_clock_behind_its_last_record_until_that_is_accepted_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let wall = WallClock::new();
    let mut fixture = Setup::new(backend).with_wall_clock(&wall).start().await;
    fixture.kill().await;
    wall.set_ahead(-HOUR);
    is_refused(&fixture).await;
    wall.set_ahead(-9 * 60);
    serve(&fixture, &SERVE).await;
    wall.set_ahead(-HOUR);
    is_refused(&fixture).await;
    serve(&fixture, &[&SERVE[..], &["--accept-clock"]].concat()).await;
    fixture.restart().await;
    assert_eq!(status(&fixture, fixture.key()).await, 200);
    let list = ["audit", "list", "--kind", "clock.accepted"];
    let records = fixture.cli_json(&list).await;
    assert_eq!(records["items"].as_array().unwrap().len(), 1, "{records}");
    assert_eq!(records["items"][0]["actor"], "operator", "{records}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn after_ten_years_ahead_and_back_every_live_credential_is_live(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let wall = WallClock::new();
    let mut fixture = Setup::new(backend).with_wall_clock(&wall).start().await;
    let live = key_until(&fixture, &in_seconds(3_000)).await;
    let token = fixture.token_of(&fixture.bob()).await;
    let cookie = fixture.cookie_of(&fixture.bob()).await;
    fixture.kill().await;
    wall.set_ahead(TEN_YEARS);
    fixture.restart().await;
    assert_eq!(status(&fixture, &live).await, 401);
    fixture
        .newcomer("grace@example.com", fixture.acme(), "USER")
        .await;
    fixture.kill().await;
    wall.set_ahead(0);
    is_refused(&fixture).await;
    serve(&fixture, &[&SERVE[..], &["--accept-clock"]].concat()).await;
    fixture.restart().await;
    for credential in [fixture.key(), &live, &token] {
        assert_eq!(status(&fixture, credential).await, 200);
    }
    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    session.expect(200);
}

/// What such a server leaves alone is in the tests of `accounts`, where time is a parameter.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_started_far_ahead_says_that_it_deletes_nothing_until_that_is_accepted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const DOUBT: &str = "the clock is more than a day ahead of the last audit record";
    let wall = WallClock::new();
    let mut fixture = Setup::new(backend).with_wall_clock(&wall).start().await;
    let doubts = |fixture: &Fixture| fixture.log().matches(DOUBT).count();
    fixture.kill().await;
    wall.set_ahead(23 * HOUR);
    fixture.restart().await;
    assert_eq!(doubts(&fixture), 0);
    fixture.kill().await;
    wall.set_ahead(TEN_YEARS);
    // Its own records do not confirm it when it starts again.
    for starts in 1..=2 {
        fixture.restart().await;
        fixture
            .newcomer(&format!("{starts}@example.com"), fixture.acme(), "USER")
            .await;
        assert_eq!(doubts(&fixture), starts, "{}", fixture.log());
        fixture.kill().await;
    }
    serve(&fixture, &[&SERVE[..], &["--accept-clock"]].concat()).await;
    fixture.restart().await;
    assert_eq!(doubts(&fixture), 2, "{}", fixture.log());
    let list = ["audit", "list", "--kind", "clock.accepted"];
    let records = fixture.cli_json(&list).await;
    let details = &records["items"][0]["details"];
    assert!(
        details["ahead_seconds"].as_i64() > Some(TEN_YEARS - HOUR),
        "{records}"
    );
}
