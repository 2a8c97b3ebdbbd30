//! Two servers on one store, and the command line beside them: what is changed by one holds for the
//! other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;
use sqlx::Row as _;
use tokio::process::Child;
use vestibule_e2e::{Backend, Fixture, Line, Reply, Setup};

use crate::measure::{Times, number, print};
use crate::races::{grant, private_folder};

/// How long another server may let pass what was revoked here: its lease.
const LEASE: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(1);

/// A second server on the records of a fixture.
struct Node {
    _process: Child,
    url: String,
    admin_url: String,
}

impl Node {
    fn new((process, facts): (Child, serde_json::Value)) -> Self {
        let text = |name: &str| {
            facts[name]
                .as_str()
                .unwrap()
                .trim_end_matches('/')
                .to_owned()
        };
        Self {
            _process: process,
            url: text("url"),
            admin_url: text("admin_url"),
        }
    }

    /// How long it takes until this request is answered so.
    async fn settles(&self, request: &[u8], status: u16) -> Duration {
        settles_within(&self.url, request, (status, ""), LEASE).await
    }

    async fn status(&self, request: &[u8]) -> u16 {
        let mut line = Line::open(&self.url).await.unwrap();
        line.ask(request).await.unwrap().unwrap().status
    }

    /// Waits until changes of others are heard.
    async fn hears(&self) {
        let ready = Line::get("/readyz", "-");
        let wanted = (200, "ready");
        settles_within(&self.admin_url, &ready, wanted, Duration::from_secs(10)).await;
    }
}

/// A status, and a part of the body.
type Wanted<'a> = (u16, &'a str);

fn is(reply: &Reply, (status, text): Wanted<'_>) -> bool {
    reply.status == status && reply.body.contains(text)
}

/// How long it takes until a request is answered so.
async fn settles_within(
    url: &str,
    request: &[u8],
    wanted: Wanted<'_>,
    within: Duration,
) -> Duration {
    let begun = Instant::now();
    let mut line = Line::open(url).await.unwrap();
    loop {
        let reply = line.ask(request).await.unwrap().unwrap();
        let took = begun.elapsed();
        if is(&reply, wanted) {
            return took;
        }
        assert!(took < within, "not {wanted:?} after {took:?}: {reply:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A new key of the owner: its id and its text.
async fn new_key(fixture: &Fixture) -> (String, String) {
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    let made = call
        .json(json!({ "name": "brief" }))
        .send()
        .await
        .expect(201);
    (made.text_at("/id"), made.text_at("/key"))
}

async fn delete_key(fixture: &Fixture, id: &str) {
    let call = fixture.delete(&format!("/v1/api-keys/{id}"));
    call.bearer(fixture.key()).send().await.expect(204);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn another_server_refuses_and_honours_within_a_second(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let node = Node::new(fixture.second_server().await);
    node.hears().await;

    let mut keys = Times::default();
    for _ in 0..number("NODE_TRIALS", 100) {
        let (id, key) = new_key(&fixture).await;
        let request = Line::get("/v1/users/me", &key);
        assert_eq!(node.status(&request).await, 200);
        delete_key(&fixture, &id).await;
        keys.add(node.settles(&request, 401).await);
    }
    print("a key deleted on another server", &keys);

    let token = fixture.token_of(&fixture.bob()).await;
    let private = private_folder(&fixture).await;
    let request = Line::get(&format!("/v1/folders/{private}"), &token);
    let (mut given, mut taken) = (Times::default(), Times::default());
    assert_eq!(node.status(&request).await, 403);
    for _ in 0..number("NODE_TRIALS", 100) / 2 {
        let made = grant(&fixture, "/private", "READ_ONLY").await.expect(201);
        given.add(node.settles(&request, 200).await);
        let path = format!("/v1/user-permissions/{}", made.text_at("/id"));
        fixture
            .delete(&path)
            .bearer(fixture.key())
            .send()
            .await
            .expect(204);
        taken.add(node.settles(&request, 403).await);
    }
    print("a grant given on another server", &given);
    print("a grant taken back on another server", &taken);

    let mut ended = Times::default();
    for _ in 0..10 {
        let token = fixture.token_of(&fixture.bob()).await;
        let request = Line::get("/v1/users/me", &token);
        assert_eq!(node.status(&request).await, 200);
        fixture
            .post("/v1/auth/signout")
            .bearer(&token)
            .send()
            .await
            .expect(200);
        ended.add(node.settles(&request, 401).await);
    }
    print("a session signed out on another server", &ended);

    for times in [keys, given, taken, ended] {
        assert!(times.percentile(99) <= LEASE, "{times}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_at_once_ends_every_token_on_every_server_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let node = Node::new(fixture.second_server().await);
    node.hears().await;
    let (known, first_seen) = (
        fixture.token_of(&fixture.bob()).await,
        fixture.token_of(&fixture.bob()).await,
    );
    let cookie = fixture.cookie_of(&fixture.bob()).await;
    let me = |token: &str| Line::get("/v1/users/me", token);
    for url in [fixture.url(), &node.url] {
        settles_within(url, &me(&known), (200, ""), LEASE).await;
    }
    let published = fixture.get("/.well-known/jwks.json").send().await;
    let before = published.expect(200).text_at("/keys/0/kid");

    // A habit that nobody notices, and then the key that had been retired goes with the other.
    fixture.cli_json(&["keyring", "rotate"]).await;
    for url in [fixture.url(), &node.url] {
        settles_within(url, &me(&known), (200, ""), LEASE).await;
    }
    let unasked = fixture.cli(&["keyring", "rotate", "--now"]).await;
    assert_eq!(unasked.status.code(), Some(2), "{unasked:?}");
    let rotate = ["keyring", "rotate", "--now", "--yes"];
    let made = fixture.cli_json(&rotate).await["id"].clone();

    for url in [fixture.url(), &node.url] {
        for token in [&known, &first_seen] {
            let reply = Line::open(url).await.unwrap().ask(&me(token)).await;
            let reply = reply.unwrap().unwrap();
            assert_eq!(reply.status, 401, "from when it returns: {reply:?}");
        }
        settles_within(url, &me(fixture.key()), (200, ""), LEASE).await;
    }
    let refreshed = fixture.post("/v1/auth/uat").bearer(&known).send().await;
    refreshed.expect(401);
    let session = fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await;
    session.expect(200);
    let fresh = fixture.token_of(&fixture.bob()).await;
    for url in [fixture.url(), &node.url] {
        settles_within(url, &me(&fresh), (200, ""), LEASE).await;
    }
    let published = fixture.get("/.well-known/jwks.json").send().await;
    let published = published.expect(200).json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published["keys"][0]["kid"], made);
    assert_ne!(made, before);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_line_changes_holds_for_every_server(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let node = Node::new(fixture.second_server().await);
    node.hears().await;
    let (acme, bob) = (fixture.acme(), fixture.bob());
    let token = fixture.token_of(&bob).await;
    let permissions = format!("/v1/user-permissions?tenant_id={acme}&user_id={}", bob.id);
    let permissions = Line::get(&permissions, &token);
    let session = Line::get("/api/auth/session", fixture.key());
    let (team, free) = (r#""plan":{"name":"team""#, r#""plan":{"name":"free""#);
    let me = Line::get("/v1/users/me", &token);
    let (id, key) = new_key(&fixture).await;
    let key = Line::get("/v1/users/me", &key);
    let made = ["key", "create", acme, &bob.email, "his"];
    let his = fixture.cli_json(&made).await;
    let his = Line::get("/v1/users/me", his["key"].as_str().unwrap());
    let folder = format!("/v1/folders/{}", private_folder(&fixture).await);
    let folder = Line::get(&folder, &token);

    let mut times = Times::default();
    let steps: [(&[&str], &[u8], Wanted<'_>, Wanted<'_>); 12] = [
        (
            &["member", "role", acme, &bob.email, "ADMIN"],
            &permissions,
            (403, ""),
            (200, ""),
        ),
        (
            &["member", "role", acme, &bob.email, "USER"],
            &permissions,
            (200, ""),
            (403, ""),
        ),
        (
            &["plan", "set", acme, "free"],
            &session,
            (200, team),
            (200, free),
        ),
        (
            &["plan", "set", acme, "team"],
            &session,
            (200, free),
            (200, team),
        ),
        (
            &[
                "grant",
                "add",
                acme,
                "--user",
                &bob.email,
                "READ_ONLY",
                "/private",
            ],
            &folder,
            (403, ""),
            (200, ""),
        ),
        (
            &["org", "deactivate", acme, "--yes"],
            &session,
            (200, ""),
            (403, ""),
        ),
        (&["org", "activate", acme], &session, (403, ""), (200, "")),
        (
            &["user", "suspend", &bob.email, "--yes"],
            &me,
            (200, ""),
            (401, ""),
        ),
        (
            &["user", "unsuspend", &bob.email],
            &his,
            (403, ""),
            (200, ""),
        ),
        (
            &["member", "deactivate", acme, &bob.email, "--yes"],
            &his,
            (200, ""),
            (403, ""),
        ),
        (
            &["member", "activate", acme, &bob.email],
            &his,
            (403, ""),
            (200, ""),
        ),
        (
            &["key", "revoke", acme, &id, "--yes"],
            &key,
            (200, ""),
            (401, ""),
        ),
    ];
    for (arguments, request, before, after) in steps {
        for url in [fixture.url(), &node.url] {
            let mut line = Line::open(url).await.unwrap();
            let reply = line.ask(request).await.unwrap().unwrap();
            assert!(is(&reply, before), "before {arguments:?}: {reply:?}");
        }
        fixture.cli_json(arguments).await;
        for url in [fixture.url(), &node.url] {
            times.add(settles_within(url, request, after, LEASE).await);
        }
    }
    print("what the command line changed, seen by a server", &times);
    assert!(times.worst() <= LEASE, "{times}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_feed_is_cut_again_and_again_serves_nothing_that_was_revoked() {
    let fixture = Fixture::start(Backend::Postgres).await;
    let node = Node::new(fixture.second_server().await);
    node.hears().await;
    let database = fixture.database().unwrap();
    let name = database.name().to_owned();
    let mut connection = database.connect_to_server().await;
    let cut = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&cut);
    let cutting = tokio::spawn(async move {
        loop {
            let rows = sqlx::query(
                "SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE datname = $1 \
                 AND query LIKE '%pg_snapshot_xmin%' AND pid <> pg_backend_pid()",
            )
            .bind(&name)
            .fetch_all(&mut connection)
            .await
            .unwrap();
            let done = rows.iter().filter(|row| row.get::<bool, _>("done")).count();
            counted.fetch_add(done, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    });

    let begun = Instant::now();
    let mut times = Times::default();
    while begun.elapsed() < Duration::from_secs(5) {
        let (id, key) = new_key(&fixture).await;
        let request = Line::get("/v1/users/me", &key);
        assert_eq!(node.status(&request).await, 200);
        delete_key(&fixture, &id).await;
        times.add(node.settles(&request, 401).await);
    }
    cutting.abort();
    let cut = cut.load(Ordering::SeqCst);
    print("feeds cut", cut);
    print("a key deleted while feeds are cut", &times);
    assert!(cut >= 10, "{cut}");
    assert!(times.worst() <= LEASE);
    node.hears().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hears_nothing_any_more_believes_nothing_beyond_its_lease() {
    let fixture = Setup::new(Backend::Postgres).wired().start().await;
    let node = Node::new(fixture.second_server_beside_the_wire().await);
    let ready = Line::get("/readyz", "-");
    settles_within(
        fixture.admin_url(),
        &ready,
        (200, "ready"),
        Duration::from_secs(10),
    )
    .await;
    let (id, key) = new_key(&fixture).await;
    // A path that is not there: 404 for whoever is let in, and nobody asks the database but the
    // check.
    let revoked = Line::get("/v1/nowhere", &key);
    let good = Line::get("/v1/nowhere", fixture.key());
    // The news of its creation comes back to the server that made it, and makes it read once more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(ask(&fixture, &revoked).await, Some(404));
    assert_eq!(ask(&fixture, &good).await, Some(404));

    fixture.wire().silence();
    let silenced = Instant::now();
    let path = format!("/v1/api-keys/{id}");
    let mut line = Line::open(&node.url).await.unwrap();
    let delete = Line::request("DELETE", &path, fixture.key(), "");
    assert_eq!(line.ask(&delete).await.unwrap().unwrap().status, 204);
    let (mut passed, mut last) = (0, Duration::ZERO);
    while silenced.elapsed() < LEASE + 2 * SLACK {
        let begun = silenced.elapsed();
        if ask(&fixture, &revoked).await == Some(404) {
            (passed, last) = (passed + 1, begun);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    print(
        "a revoked key passes a server that hears nothing",
        format!("{passed} times, last {last:.1?} after the silence"),
    );
    assert!(last <= LEASE + SLACK, "{last:?}");

    fixture.wire().mend();
    let mended = Instant::now();
    while ask(&fixture, &good).await != Some(404) {
        assert!(mended.elapsed() < Duration::from_secs(10), "no recovery");
    }
    print("good again after", format!("{:.1?}", mended.elapsed()));
    assert_eq!(ask(&fixture, &revoked).await, Some(401));
}

/// The answer, if there is one within a second.
async fn ask(fixture: &Fixture, request: &[u8]) -> Option<u16> {
    let asking = async {
        let mut line = Line::open(fixture.url()).await.ok()?;
        Some(line.ask(request).await.ok()??.status)
    };
    tokio::time::timeout(Duration::from_secs(1), asking)
        .await
        .ok()?
}
