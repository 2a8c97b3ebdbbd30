//! Bodies that would take the memory, and the room that they have.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture, Line, Setup};

const MEBIBYTE: usize = 1_048_576;

/// A POST of JSON with so many bytes of body, as far as they are sent.
fn post(path: &str, headers: &str, length: usize, sent: usize) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: e2e\r\n{headers}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), b"\"", &vec![b'x'; sent - 1]].concat()
}

/// Waits until the bodies on their way take so many bytes of memory or more, or none.
async fn taken(fixture: &Fixture, bytes: usize) {
    let reached = async {
        loop {
            let metrics = fixture.admin("/metrics").send().await.expect(200).text;
            let mut lines = metrics.lines();
            let taken = lines.find_map(|line| line.strip_prefix("vestibule_body_bytes "));
            let taken: usize = taken.unwrap().parse().unwrap();
            if taken >= bytes && (taken == 0 || bytes > 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
    assert!(reached.is_ok(), "bodies never took {bytes} bytes");
}

/// Sends all but the last byte of the longest body there is, as a caller with this credential.
async fn slow(fixture: &Fixture, bearer: &str) -> Line {
    let mut line = Line::open(fixture.url()).await.unwrap();
    let bearer = format!("authorization: Bearer {bearer}\r\n");
    let most = post("/v1/api-keys", &bearer, MEBIBYTE, MEBIBYTE - 1);
    line.send(&most).await.unwrap();
    line
}

/// A key with a name that is refused once it is read. It is short enough to be on its way as a
/// whole before the answer is, even where nobody reads it.
async fn long(fixture: &Fixture, bearer: &str) -> Answer {
    let call = fixture.post("/v1/api-keys").bearer(bearer);
    call.json(json!({ "name": "x".repeat(30_000) }))
        .send()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_of_strangers_are_refused_at_once_and_take_no_memory() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let before = fixture.memory();
    for path in [
        "/v1/auth/pw/signin",
        "/v1/auth/discover",
        "/v1/auth/signout",
    ] {
        let request = post(path, "", MEBIBYTE, MEBIBYTE - 1);
        let answers = join_all((0..30).map(|_| fixture.raw(&request))).await;
        for answer in answers {
            assert_eq!(answer.status(), Some(413), "{path}: {}", answer.text);
            assert_eq!(answer.json()["reason"], "body_too_large");
        }
    }
    let after = fixture.peak_memory();
    assert!(after < before + 15, "{before} MiB before, then {after} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_strangers_are_short() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    for (path, length, status) in [("/sign-in", 16_384, 200), ("/sign-in", 16_385, 413)] {
        let form = format!("{:x<length$}", "email=");
        let call = fixture.post(path).header("origin", fixture.url());
        let call = call.body("application/x-www-form-urlencoded", form);
        let answer = call.send().await;
        let is_meant = match status {
            413 => answer.status == 413,
            _ => answer.status != 413 && answer.status < 500,
        };
        assert!(is_meant, "{length}: {} {}", answer.status, answer.text);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn one_caller_s_bodies_leave_room_for_everybody_else_s(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("SERVER__BODY_MEMORY_MIB", "8");
    let fixture = setup.start().await;
    let bob = fixture.token_of(&fixture.bob()).await;
    let mut line = slow(&fixture, fixture.key()).await;
    taken(&fixture, MEBIBYTE - 1).await;

    let refused = long(&fixture, fixture.key()).await.expect(503);
    assert_eq!(refused.reason(), "no_room_for_body");
    assert_eq!(refused.header("retry-after"), "1");
    // What has no body, and what others send, passes meanwhile.
    let me = fixture.get("/v1/users/me").bearer(fixture.key());
    me.send().await.expect(200);
    long(&fixture, &bob).await.expect(422);

    let answer = line.ask(b"\"").await.unwrap().unwrap();
    assert_eq!(answer.status, 422, "{}", answer.body);
    taken(&fixture, 0).await;
    long(&fixture, fixture.key()).await.expect(422);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_all_the_room_for_bodies_keeps_nobody_from_signing_in_or_sending_little(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("SERVER__BODY_MEMORY_MIB", "8");
    let fixture = setup.start().await;
    let bob = fixture.bob();
    let mut tokens = vec![fixture.token_of(&fixture.ada()).await];
    for (name, organization) in [
        ("acme", fixture.acme()),
        ("one", fixture.globex()),
        ("two", fixture.globex()),
    ] {
        let email = format!("{name}@example.com");
        let person = fixture.newcomer(&email, organization, "USER").await;
        tokens.push(fixture.token_of(&person).await);
    }
    let late = fixture.token_of(&bob).await;
    let mut lines = Vec::new();
    for token in &tokens {
        lines.push(slow(&fixture, token).await);
    }
    taken(&fixture, 4 * (MEBIBYTE - 1)).await;

    assert_eq!(
        long(&fixture, &late).await.expect(503).reason(),
        "no_room_for_body"
    );
    // Neither those who take it nor others are kept from what is short.
    let again = fixture.token_of(&bob).await;
    for token in tokens.iter().chain([&late, &again]) {
        let call = fixture.post("/v1/api-keys").bearer(token);
        let call = call.json(json!({ "name": "x".repeat(100) }));
        call.send().await.expect(201);
    }
    drop(lines);
    taken(&fixture, 0).await;
    long(&fixture, &late).await.expect(422);
}
