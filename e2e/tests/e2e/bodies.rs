//! Bodies that would take the memory, and the room that they have.

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Backend, House, Line, Setup};

/// A POST of JSON with so many bytes of body, as far as they are sent.
fn post(path: &str, headers: &str, length: usize, sent: usize) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: e2e\r\n{headers}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), b"\"", &vec![b'x'; sent - 1]].concat()
}

/// Waits until bodies take more memory than this, in bytes, or no more.
async fn taken(house: &House, is_meant: impl Fn(u64) -> bool) {
    loop {
        let metrics = house.admin("/metrics").send().await.expect(200).text;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("vestibule_body_bytes "));
        if is_meant(line.unwrap().parse().unwrap()) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_of_strangers_are_refused_at_once_and_take_no_memory() {
    let house = House::start(Backend::Sqlite).await;
    let before = house.memory();
    let mebibyte = 1_048_576;
    for path in [
        "/v1/auth/pw/signin",
        "/v1/auth/discover",
        "/v1/auth/signout",
    ] {
        let request = post(path, "", mebibyte, mebibyte - 1);
        let answers = join_all((0..100).map(|_| house.raw(&request))).await;
        for answer in answers {
            assert_eq!(answer.status(), Some(413), "{path}: {}", answer.text);
            assert_eq!(answer.json()["reason"], "body_too_large");
        }
    }
    let after = house.peak_memory();
    assert!(after < before + 60, "{before} MiB before, then {after} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_strangers_are_short() {
    let house = House::start(Backend::Sqlite).await;
    for (path, length, status) in [("/sign-in", 16_384, 200), ("/sign-in", 16_385, 413)] {
        let form = format!("{:x<length$}", "email=");
        let call = house.post(path).header("origin", house.url());
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
    let setup = Setup::new(backend).with("SERVER__BODY_MEMORY_MIB", "4");
    let house = setup.start().await;
    let bearer = format!("authorization: Bearer {}\r\n", house.key());
    let (length, sent) = (1_048_576, 1_000_000);
    let mut slow = Line::open(house.url()).await.unwrap();
    let most = post("/v1/api-keys", &bearer, length, sent);
    slow.send(&most).await.unwrap();
    taken(&house, |bytes| bytes >= sent as u64).await;

    let another = json!({ "name": "x".repeat(100_000) });
    let refused = house.post("/v1/api-keys").bearer(house.key());
    let refused = refused.json(another.clone()).send().await.expect(503);
    assert_eq!(refused.reason(), "no_room_for_body");
    assert_eq!(refused.header("retry-after"), "1");
    // What has no body, and what others send, passes meanwhile.
    let me = house.get("/v1/users/me").bearer(house.key());
    me.send().await.expect(200);
    let bob = house.token_of(&house.bob()).await;
    let call = house.post("/v1/api-keys").bearer(&bob);
    call.json(another.clone()).send().await.expect(422);

    let rest = vec![b'"'; length - sent];
    let answer = slow.ask(&rest).await.unwrap().unwrap();
    assert_eq!(answer.status, 422, "{}", answer.body);
    taken(&house, |bytes| bytes == 0).await;
    let again = house.post("/v1/api-keys").bearer(house.key());
    again.json(another).send().await.expect(422);
}
