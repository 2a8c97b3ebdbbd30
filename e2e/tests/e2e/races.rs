//! Two things at once: what was taken away is gone with the answer that says so, and of two that
//! exclude each other one happens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, Line, Setup};

use crate::measure::{number, print};

/// How many times each race is run; by hand, 10,000.
fn trials() -> usize {
    number("TRIALS", 500)
}

/// Connections that ask the same thing over and over.
struct Crowd(Vec<Line>);

impl Crowd {
    async fn of(count: usize, fixture: &Fixture) -> Self {
        let lines = join_all((0..count).map(|_| Line::open(fixture.url()))).await;
        Self(lines.into_iter().map(Result::unwrap).collect())
    }

    /// Asks while `revoke` runs. Every request that starts after it is done must be answered with
    /// `refusal`; one that is under way meanwhile may still be answered with 200.
    async fn ask_while(&mut self, request: &[u8], refusal: u16, revoke: impl Future<Output = ()>) {
        let revoked = AtomicBool::new(false);
        let asking = join_all(self.0.iter_mut().map(|line| async {
            loop {
                let started_after = revoked.load(Ordering::SeqCst);
                let reply = line.ask(request).await.unwrap().unwrap();
                if started_after {
                    assert_eq!(reply.status, refusal, "after the answer: {}", reply.body);
                    return;
                }
                assert!([200, refusal].contains(&reply.status), "{}", reply.body);
            }
        }));
        let revoking = async {
            revoke.await;
            revoked.store(true, Ordering::SeqCst);
        };
        join(asking, revoking).await;
    }
}

/// A pause that is another one each time, and none now and then: the first look-ups of a credential
/// then race with its end.
async fn pause(trial: usize) {
    if !trial.is_multiple_of(4) {
        tokio::time::sleep(Duration::from_micros(trial as u64 * 137 % 3_000)).await;
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_opens_nothing_after_the_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut crowd = Crowd::of(16, &fixture).await;
    for trial in 0..trials() {
        let call = fixture.post("/v1/api-keys").bearer(fixture.key());
        let made = call.json(json!({ "name": "brief" })).send().await;
        let made = made.expect(201).json();
        let request = Line::get("/v1/users/me", made["key"].as_str().unwrap());
        let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        let delete = async {
            pause(trial).await;
            fixture
                .delete(&path)
                .bearer(fixture.key())
                .send()
                .await
                .expect(204);
        };
        crowd.ask_while(&request, 401, delete).await;
    }
    print("keys deleted under 16 connections", trials());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_signed_out_opens_nothing_after_the_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut crowd = Crowd::of(16, &fixture).await;
    let bob = fixture.bob();
    for trial in 0..trials() / 20 {
        let (request, call) = if trial.is_multiple_of(2) {
            let token = fixture.token_of(&bob).await;
            let call = fixture.post("/v1/auth/signout").bearer(&token);
            (Line::get("/v1/users/me", &token), call)
        } else {
            let cookie = fixture.cookie_of(&bob).await;
            let call = fixture.post("/api/auth/sign-out").cookie(&cookie);
            let request = Line::get_with_cookie("/api/auth/session", &cookie);
            (request, call.origin(fixture.url()))
        };
        let sign_out = async {
            pause(trial).await;
            call.send().await.expect(200);
        };
        crowd.ask_while(&request, 401, sign_out).await;
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_of_before_a_switch_opens_nothing_after_the_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut crowd = Crowd::of(16, &fixture).await;
    let mut cookie = fixture.cookie_of(&fixture.ada()).await;
    for trial in 0..trials() / 10 {
        let to = [fixture.globex(), fixture.acme()][trial % 2];
        let request = Line::get_with_cookie("/api/auth/session", &cookie);
        let mut next = None;
        let switch = async {
            pause(trial).await;
            next = switch(&fixture, &cookie, to).await.1;
        };
        crowd.ask_while(&request, 401, switch).await;
        cookie = next.unwrap();
    }
}

async fn switch(fixture: &Fixture, cookie: &str, to: &str) -> (u16, Option<String>) {
    let call = fixture.post("/api/auth/switch-org").cookie(cookie);
    let call = call
        .origin(fixture.url())
        .json(json!({ "organizationId": to }));
    let answer = call.send().await;
    (answer.status, answer.session_cookie())
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_taken_back_opens_nothing_after_the_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut crowd = Crowd::of(16, &fixture).await;
    let token = fixture.token_of(&fixture.bob()).await;
    let private = private_folder(&fixture).await;
    let request = Line::get(&format!("/v1/folders/{private}"), &token);
    for trial in 0..trials() / 10 {
        let made = grant(&fixture, "/private", "READ_ONLY").await.expect(201);
        let path = format!("/v1/user-permissions/{}", made.text_at("/id"));
        let take_back = async {
            pause(trial).await;
            fixture
                .delete(&path)
                .bearer(fixture.key())
                .send()
                .await
                .expect(204);
        };
        crowd.ask_while(&request, 403, take_back).await;
    }
}

/// The id of the seeded folder that only owners and admins see.
pub(crate) async fn private_folder(fixture: &Fixture) -> String {
    let folders = fixture.get("/v1/folders?limit=100").bearer(fixture.key());
    let folders = folders.send().await.expect(200).json();
    let items = folders["items"].as_array().unwrap();
    let found = items
        .iter()
        .find(|item| item["materialized_path"] == "/private");
    found.unwrap_or_else(|| panic!("{folders}"))["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Grants Bob something.
pub(crate) async fn grant(
    fixture: &Fixture,
    path: &str,
    capability: &str,
) -> vestibule_e2e::Answer {
    let body = json!({
        "tenant_id": fixture.acme(),
        "user_id": fixture.bob().id,
        "path": path,
        "capability": capability,
    });
    let call = fixture.post("/v1/user-permissions").bearer(fixture.key());
    call.json(body).send().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_get_one_successor_and_the_old_token_keeps_its_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("SESSIONS__ACCESS_TOKEN", "6s");
    let fixture = setup.start().await;
    let old = fixture.token_of(&fixture.ada()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let refreshes = (0..20).map(|_| fixture.post("/v1/auth/uat").bearer(&old).send());
    let answers = join_all(refreshes).await;
    let mut successors: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect(200).text_at("/access_token"))
        .collect();
    successors.dedup();
    let [successor] = successors.as_slice() else {
        panic!("{} successors", successors.len());
    };
    assert_ne!(*successor, old);
    let me = |token: &str| fixture.get("/v1/users/me").bearer(token).send();
    me(&old).await.expect(200);
    me(successor).await.expect(200);

    let mut waited = 0;
    while me(&old).await.status == 200 {
        assert!(waited < 60, "the old token outlives its end");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    me(&old).await.expect(401);
    me(successor).await.expect(200);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_parallel_switches_with_one_cookie_one_wins(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let mut cookie = fixture.cookie_of(&fixture.ada()).await;
    for _ in 0..20 {
        let targets = [fixture.globex(), fixture.acme()]
            .into_iter()
            .cycle()
            .take(8);
        let answers = join_all(targets.map(|to| switch(&fixture, &cookie, to))).await;
        let mut winners = Vec::new();
        for (status, cookie) in answers {
            match status {
                200 => winners.push(cookie.unwrap()),
                401 | 409 => assert_eq!(cookie, None),
                other => panic!("{other}"),
            }
        }
        assert_eq!(winners.len(), 1);
        let session = |cookie: &str| fixture.get("/api/auth/session").cookie(cookie).send();
        session(&cookie).await.expect(401);
        cookie = winners.remove(0);
        session(&cookie).await.expect(200);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_unmake_each_other_one_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let (org, ada) = (fixture.globex(), fixture.ada().email);
    let carol = fixture
        .newcomer("carol@example.com", org, "OWNER")
        .await
        .email;
    let (ada, carol) = (ada.as_str(), carol.as_str());
    let rounds = [
        (["role", org, ada, "USER"], ["role", org, carol, "ADMIN"]),
        (
            ["remove", org, ada, "--yes"],
            ["deactivate", org, carol, "--yes"],
        ),
        (["role", org, ada, "ADMIN"], ["remove", org, carol, "--yes"]),
    ];
    for (one, other) in rounds {
        let (one, other) = (
            [&["member"], &one[..]].concat(),
            [&["member"], &other[..]].concat(),
        );
        let (first, second) = join(fixture.cli(&one), fixture.cli(&other)).await;
        let mut codes = [first.status.code(), second.status.code()];
        codes.sort_unstable();
        assert_eq!(
            codes,
            [Some(0), Some(6)],
            "{one:?} {other:?} {first:?} {second:?}"
        );
        assert_eq!(owners(&fixture).await.len(), 1);
        // Both are owners again for the next round.
        for person in [ada, carol] {
            fixture
                .cli(&["member", "add", org, person, "--role", "OWNER"])
                .await;
            fixture.cli_json(&["member", "activate", org, person]).await;
            fixture
                .cli_json(&["member", "role", org, person, "OWNER"])
                .await;
        }
    }
}

async fn owners(fixture: &Fixture) -> Vec<Value> {
    let members = fixture
        .cli_json(&["member", "list", fixture.globex()])
        .await;
    let members = members["items"].as_array().unwrap().iter();
    members
        .filter(|member| member["role"] == "OWNER" && member["deactivated_at"].is_null())
        .cloned()
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_grants_at_once_one_is_given_and_never_more_than_fifty(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let same = (0..10).map(|_| grant(&fixture, "/same", "READ_WRITE"));
    let mut statuses: Vec<_> = join_all(same)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[201][..], &[409; 9]].concat());

    // Bob began with one.
    for number in 2..49 {
        grant(&fixture, &format!("/one/{number}"), "READ_ONLY")
            .await
            .expect(201);
    }
    let paths: Vec<_> = (0..10).map(|number| format!("/last/{number}")).collect();
    let last = join_all(paths.iter().map(|path| grant(&fixture, path, "READ_ONLY"))).await;
    let (given, refused): (Vec<_>, Vec<_>) = last.iter().partition(|answer| answer.status == 201);
    assert_eq!(given.len(), 1);
    for answer in refused {
        assert_eq!(
            (answer.status, answer.text_at("/code")),
            (400, "permission_limit".to_owned())
        );
    }
    let (acme, bob) = (fixture.acme(), fixture.bob().id);
    let path = format!("/v1/user-permissions?tenant_id={acme}&user_id={bob}");
    let list = fixture
        .get(&path)
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    assert_eq!(list.json()["total"], 50);
}
