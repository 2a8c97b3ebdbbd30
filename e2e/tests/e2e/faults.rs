//! What breaks around the server breaks nothing of what it has promised.

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use vestibule_e2e::{Answer, Backend, Database, Fixture, Line, Setup, command};

use crate::abuse::unknown_key;
use crate::measure::{Times, number, print};

/// What is known of the keys: only what was acknowledged counts.
#[derive(Default)]
struct Ledger {
    alive: Vec<(String, String)>,
    deleted: Vec<String>,
    acknowledged: usize,
}

/// Creates and deletes keys until the connection breaks.
async fn write_until_killed(url: String, owner: String, mut ledger: Ledger) -> Ledger {
    let Ok(mut line) = Line::open(&url).await else {
        return ledger;
    };
    let create = Line::request("POST", "/v1/api-keys", &owner, r#"{"name":"kept"}"#);
    loop {
        if ledger.alive.len() < 20 {
            let Ok(Some(reply)) = line.ask(&create).await else {
                return ledger;
            };
            assert_eq!(reply.status, 201, "{}", reply.body);
            let made: Value = serde_json::from_str(&reply.body).unwrap();
            let text = |name: &str| made[name].as_str().unwrap().to_owned();
            ledger.alive.push((text("id"), text("key")));
        } else {
            // Whether a deletion without an answer was done, nobody knows: the key is forgotten.
            let (id, key) = ledger.alive.swap_remove(0);
            let delete = Line::request("DELETE", &format!("/v1/api-keys/{id}"), &owner, "");
            let Ok(Some(reply)) = line.ask(&delete).await else {
                return ledger;
            };
            assert_eq!(reply.status, 204, "{}", reply.body);
            ledger.deleted.push(key);
        }
        ledger.acknowledged += 1;
        if ledger.alive.len() == 20 && ledger.acknowledged.is_multiple_of(3) {
            let keep = ledger.alive.len() - 1;
            ledger.alive.rotate_left(keep);
        }
    }
}

async fn all_answer(fixture: &Fixture, keys: &[String], status: u16) {
    let chunks = keys.chunks(keys.len().div_ceil(8).max(1));
    join_all(chunks.map(|chunk| async move {
        let mut line = Line::open(fixture.url()).await.unwrap();
        for key in chunk {
            let reply = line
                .ask(&Line::get("/v1/users/me", key))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(reply.status, status, "{}", reply.body);
        }
    }))
    .await;
}

/// Deletes the keys that were made without an answer: nobody has them.
async fn tidy(fixture: &Fixture, ledgers: &[Ledger]) {
    let known: HashSet<&str> = ledgers
        .iter()
        .flat_map(|ledger| &ledger.alive)
        .map(|(id, _)| id.as_str())
        .collect();
    let list = fixture
        .get("/v1/api-keys")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200)
        .json();
    for key in list.as_array().unwrap() {
        let id = key["id"].as_str().unwrap();
        if key["name"] == "kept" && !known.contains(id) {
            let path = format!("/v1/api-keys/{id}");
            fixture
                .delete(&path)
                .bearer(fixture.key())
                .send()
                .await
                .expect(204);
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_writes_keeps_what_it_has_acknowledged(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let mut ledgers: Vec<_> = (0..4).map(|_| Ledger::default()).collect();
    let mut restarts = Times::default();
    let kills = number("KILLS", 15);
    for kill in 0..kills {
        let url = fixture.url().to_owned();
        let writers: Vec<_> = std::mem::take(&mut ledgers)
            .into_iter()
            .map(|ledger| {
                tokio::spawn(write_until_killed(
                    url.clone(),
                    fixture.key().to_owned(),
                    ledger,
                ))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(40 + (kill as u64 * 137) % 260)).await;
        fixture.kill().await;
        for writer in writers {
            ledgers.push(writer.await.unwrap());
        }
        let begun = Instant::now();
        fixture.restart().await;
        fixture
            .get("/v1/users/me")
            .bearer(fixture.key())
            .send()
            .await
            .expect(200);
        restarts.add(begun.elapsed());

        let alive = ledgers.iter().flat_map(|ledger| &ledger.alive);
        let alive: Vec<_> = alive.map(|(_, key)| key.clone()).collect();
        all_answer(&fixture, &alive, 200).await;
        let latest = ledgers
            .iter()
            .flat_map(|ledger| ledger.deleted.iter().rev().take(50));
        all_answer(&fixture, &latest.cloned().collect::<Vec<_>>(), 401).await;
        tidy(&fixture, &ledgers).await;
    }
    let deleted = ledgers
        .iter()
        .flat_map(|ledger| ledger.deleted.iter().cloned());
    all_answer(&fixture, &deleted.collect::<Vec<_>>(), 401).await;
    let writes: usize = ledgers.iter().map(|ledger| ledger.acknowledged).sum();
    print("kills", kills);
    print("acknowledged writes, none lost", writes);
    print("from start to answer after a kill", &restarts);
    assert!(writes >= kills * 4, "{writes}");
    assert!(restarts.median() <= Duration::from_secs(3), "{restarts}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_answers_what_is_in_flight_and_writes_down_what_was_used(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut fixture = Fixture::start(backend).await;
    let slow = Line::request("POST", "/v1/api-keys", fixture.key(), r#"{"name":"slow"}"#);
    let (first, rest) = slow.split_at(slow.len() - 8);
    let mut line = Line::open(fixture.url()).await.unwrap();
    line.send(first).await.unwrap();

    // Beside it, eight that never stop asking.
    let answered = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..8)
        .map(|_| {
            let (url, request) = (
                fixture.url().to_owned(),
                Line::get("/v1/users/me", fixture.key()),
            );
            let answered = Arc::clone(&answered);
            tokio::spawn(async move {
                let mut line = Line::open(&url).await.unwrap();
                loop {
                    match line.ask(&request).await {
                        Ok(Some(reply)) => assert_eq!(reply.status, 200),
                        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                            panic!("{error}")
                        }
                        Ok(None) | Err(_) => return,
                    }
                    answered.store(true, Ordering::SeqCst);
                }
            })
        })
        .collect();
    while !answered.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    fixture.ask_to_end();
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        Line::open(fixture.url()).await.is_err(),
        "a new connection is accepted"
    );
    line.send(rest).await.unwrap();
    let reply = line.read().await.unwrap().expect("an answer");
    assert_eq!(reply.status, 201, "{}", reply.body);
    for task in busy {
        task.await.unwrap();
    }
    let status = fixture.ended(Duration::from_secs(10)).await;
    print(
        "from SIGTERM to the end",
        format!("{:.1?}", begun.elapsed()),
    );
    assert_eq!(status.code(), Some(0));

    fixture.restart().await;
    let keys = fixture
        .get("/v1/api-keys")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200)
        .json();
    let used = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "quickstart")
        .unwrap();
    assert!(used["last_used_at"].is_string(), "{used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_server_at_once() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let slow = Line::request("POST", "/v1/api-keys", fixture.key(), r#"{"name":"slow"}"#);
    let mut line = Line::open(fixture.url()).await.unwrap();
    line.send(&slow[..slow.len() - 8]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    fixture.ask_to_end();
    tokio::time::sleep(Duration::from_millis(300)).await;
    fixture.ask_to_end();
    let status = fixture.ended(Duration::from_secs(3)).await;
    assert_eq!(status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nobody_is_let_in_on_a_guess() {
    let fixture = Setup::new(Backend::Postgres).wired().start().await;
    let (node, facts) = fixture.second_server_beside_the_wire().await;
    let other = facts["url"].as_str().unwrap().trim_end_matches('/');
    let made = fixture
        .post("/v1/api-keys")
        .bearer(fixture.key())
        .json(json!({ "name": "brief" }));
    let made = made.send().await.expect(201);
    let (id, revoked) = (made.text_at("/id"), made.text_at("/key"));
    let me = |key: &str| fixture.get("/v1/users/me").bearer(key).send();
    me(&revoked).await.expect(200);
    // A path that is not there: 404 for whoever is let in, and nobody asks the database but the
    // check.
    let nowhere = |key: &str| fixture.get("/v1/nowhere").bearer(key).send();
    tokio::time::sleep(Duration::from_millis(300)).await;
    nowhere(&revoked).await.expect(404);
    me(&unknown_key(1)).await.expect(401);

    fixture.wire().cut();
    let cut = Instant::now();
    let answer = me(&unknown_key(2)).await.expect(503);
    let first = cut.elapsed();
    print(
        "the first 503 after the database is away",
        format!("{first:.1?}"),
    );
    assert!(first <= Duration::from_secs(2), "{first:?}");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    let health = fixture.get("/healthz").send().await.expect(503);
    assert!(!health.header("retry-after").is_empty());
    assert_eq!(fixture.admin("/livez").send().await.status, 200);
    let ready = fixture.admin("/readyz").send().await.expect(503);
    assert_eq!(ready.text, "not ready: the store does not answer\n");
    let write = fixture
        .post("/v1/api-keys")
        .bearer(fixture.key())
        .json(json!({ "name": "no" }));
    write.send().await.expect(503);

    // Revoked on the other server: what is remembered here is believed for the lease at most.
    let mut line = Line::open(other).await.unwrap();
    let delete = Line::request("DELETE", &format!("/v1/api-keys/{id}"), fixture.key(), "");
    assert_eq!(line.ask(&delete).await.unwrap().unwrap().status, 204);
    let deleted = Instant::now();
    while deleted.elapsed() < Duration::from_secs(4) {
        let begun = deleted.elapsed();
        let answer = nowhere(&revoked).await;
        match answer.status {
            503 => {}
            404 => assert!(begun <= Duration::from_secs(3), "passes after {begun:?}"),
            other => panic!("{other}: {}", answer.text),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fixture.wire().mend();
    let mended = Instant::now();
    while me(fixture.key()).await.status != 200 {
        assert!(mended.elapsed() < Duration::from_secs(5), "no recovery");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    print("good again after", format!("{:.1?}", mended.elapsed()));
    me(&revoked).await.expect(401);
    fixture.get("/healthz").send().await.expect(200);
    while !fixture
        .admin("/readyz")
        .send()
        .await
        .text
        .starts_with("ready")
    {
        assert!(
            mended.elapsed() < Duration::from_secs(10),
            "changes are not heard again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_says_nothing_is_away_too() {
    let fixture = Setup::new(Backend::Postgres).wired().start().await;
    let me = async |key: String| {
        let begun = Instant::now();
        let answer = fixture.get("/v1/users/me").bearer(&key).send().await;
        (answer.status, begun.elapsed())
    };
    assert_eq!(me(fixture.key().to_owned()).await.0, 200);
    // All connections were used a moment ago, when the cable is pulled.
    join_all((10..30).map(|number| me(unknown_key(number)))).await;
    fixture.wire().silence();
    // Many probes at once, and a few one after the other: each within a second, with room for a
    // machine that is busy.
    for _ in 0..3 {
        let (fixture, begun) = (&fixture, Instant::now());
        let probes = (0..20).map(async |number| match number % 2 {
            0 => fixture.get("/healthz").send().await.status,
            _ => fixture.admin("/readyz").send().await.status,
        });
        assert_eq!(join_all(probes).await, [503; 20]);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        print(
            "probes of a database that says nothing",
            format!("{took:.1?}"),
        );
    }
    for (number, when) in [(50, "at first"), (51, "then")] {
        let (status, took) = me(unknown_key(number)).await;
        print(
            "a 503 of a database that says nothing",
            format!("{when} {took:.1?}"),
        );
        assert_eq!(status, 503);
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
    fixture.wire().mend();
    let mended = Instant::now();
    while me(fixture.key().to_owned()).await.0 != 200 {
        assert!(mended.elapsed() < Duration::from_secs(5), "no recovery");
    }
    print("good again after", format!("{:.1?}", mended.elapsed()));
    fixture.get("/healthz").send().await.expect(200);
    while !fixture
        .admin("/readyz")
        .send()
        .await
        .text
        .starts_with("ready")
    {
        assert!(mended.elapsed() < Duration::from_secs(15), "not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn open(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    options
        .busy_timeout(Duration::from_secs(5))
        .connect()
        .await
        .unwrap()
}

async fn create(fixture: &Fixture) -> Answer {
    let call = fixture.post("/v1/api-keys").bearer(fixture.key());
    call.json(json!({ "name": "kept" })).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_process_writes_checks_go_on_and_changes_wait_or_are_refused() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let mut other = open(&fixture.data().join("vestibule.db")).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let begun = Instant::now();
    let (refused, good) = tokio::join!(create(&fixture), async {
        let mut slowest = Duration::ZERO;
        while begun.elapsed() < Duration::from_secs(4) {
            let begun = Instant::now();
            fixture
                .get("/v1/users/me")
                .bearer(fixture.key())
                .send()
                .await
                .expect(200);
            fixture
                .get("/v1/users/me")
                .bearer(&unknown_key(3))
                .send()
                .await
                .expect(401);
            slowest = slowest.max(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        slowest
    });
    print("the slowest two checks meanwhile", format!("{good:.1?}"));
    assert!(good < Duration::from_secs(1));
    refused.expect(503);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    create(&fixture).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_disk_checks_go_on_and_changes_are_refused_until_there_is_room() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let mut kept = vec![create(&fixture).await.expect(201).text_at("/key")];
    let log = fixture.data().join("vestibule.db-wal");
    fixture.limit_files(Some(std::fs::metadata(log).unwrap().len() + 200_000));
    let refused = loop {
        let answer = create(&fixture).await;
        match answer.status {
            201 => kept.push(answer.text_at("/key")),
            _ => break answer,
        }
        assert!(kept.len() < 400, "the disk is never full");
    };
    print("keys created until the disk was full", kept.len());
    assert!([503, 507].contains(&refused.status), "{}", refused.text);
    assert!(!refused.header("retry-after").is_empty());
    // Nothing of what was refused is there, and what was there is believed.
    for _ in 0..20 {
        let status = create(&fixture).await.status;
        assert!([201, 503, 507].contains(&status), "{status}");
    }
    all_answer(&fixture, &kept, 200).await;
    all_answer(&fixture, &[unknown_key(4)], 401).await;
    fixture.get("/healthz").send().await.expect(200);

    // Not a byte may be written, as on a disk that was mounted again for reading alone.
    fixture.limit_files(Some(0));
    let refused = create(&fixture).await;
    assert!([503, 507].contains(&refused.status), "{}", refused.text);
    all_answer(&fixture, &kept, 200).await;
    all_answer(&fixture, &[unknown_key(5)], 401).await;

    fixture.limit_files(None);
    let begun = Instant::now();
    let last = loop {
        let answer = create(&fixture).await;
        if answer.status == 201 {
            break answer.text_at("/key");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", answer.text);
    };
    print(
        "changes are made again after",
        format!("{:.1?}", begun.elapsed()),
    );
    kept.push(last);
    fixture.kill().await;
    fixture.restart().await;
    all_answer(&fixture, &kept, 200).await;
    let mut connection = open(&fixture.data().join("vestibule.db")).await;
    let row = sqlx::query("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(row.get::<String, _>(0), "ok");
}

/// A small disk of memory, which can be full.
struct Disk(TempDir);

impl Disk {
    /// Mounts one; `None` where that is not allowed, as in a container without privileges.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"])
            .arg(folder.path())
            .status();
        let mounted = mounted.is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(self.filler()).unwrap();
        for size in [65_536, 4_096, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
        assert!(unmounted.is_ok());
    }
}

/// Fills the disk until nothing can be created: what was free within the log is used up first, and
/// there is room again once it was emptied.
async fn refused_on_full(fixture: &Fixture, disk: &Disk) -> Answer {
    let begun = Instant::now();
    loop {
        if fixture.data().join("vestibule.db-reserve").exists() {
            disk.fill();
        }
        let answer = create(fixture).await;
        if answer.status == 503 {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never full");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_rights_are_taken_away_and_nothing_else_is_written() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let readable = create(&fixture).await.expect(201).text_at("/key");
    fixture.kill().await;
    let Some(disk) = Disk::new() else {
        print(
            "a full disk",
            "not tried: a small one may not be mounted here",
        );
        return;
    };
    let data = disk.0.path().join("data");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([fixture.data(), &data])
        .status();
    assert!(copied.unwrap().success());
    fixture.move_to(data);
    let mut facts = fixture.restart().await;
    let reserve = fixture.data().join("vestibule.db-reserve");
    let is_kept = || std::fs::metadata(&reserve).is_ok_and(|it| it.len() == 4 * 1_024 * 1_024);
    let begun = Instant::now();
    while !is_kept() {
        assert!(begun.elapsed() < Duration::from_secs(10), "no reserve");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // More than there would be room for if the log were never emptied.
    let mut keys = Vec::new();
    for _ in 0..40 {
        let made = create(&fixture).await.expect(201);
        keys.push((made.text_at("/id"), made.text_at("/key")));
    }
    let probe = async |fixture: &Fixture, facts: &Value, path: &str| {
        let url = facts["admin_url"].as_str().unwrap().trim_end_matches('/');
        let answer = fixture.beside("GET", &format!("{url}{path}")).send().await;
        answer.expect(200).text
    };
    let metric = async |fixture: &Fixture, facts: &Value| {
        let text = probe(fixture, facts, "/metrics").await;
        let line = text
            .lines()
            .find(|it| it.starts_with("vestibule_writes_fail "));
        line.unwrap().to_owned()
    };
    assert_eq!(metric(&fixture, &facts).await, "vestibule_writes_fail 0");

    let refused = refused_on_full(&fixture, &disk).await;
    assert!(!refused.header("retry-after").is_empty());
    let ready = probe(&fixture, &facts, "/readyz").await;
    assert!(ready.starts_with("degraded: writes fail: "), "{ready}");
    assert_eq!(metric(&fixture, &facts).await, "vestibule_writes_fail 1");

    let mut gone = Vec::new();
    for (id, key) in keys.drain(..) {
        // There may be room again, since the log was emptied into the file.
        if is_kept() {
            disk.fill();
        }
        // Others wait in the same line for the right to write, and must not take the room.
        let others = (0..8).map(|_| create(&fixture));
        let call = fixture.delete(&format!("/v1/api-keys/{id}"));
        let (deleted, _) = tokio::join!(call.bearer(fixture.key()).send(), join_all(others));
        deleted.expect(204);
        gone.push(key);
    }
    // Nobody else uses what is left, and what was given away is not taken for success.
    let refused = refused_on_full(&fixture, &disk).await;
    assert!(!refused.header("retry-after").is_empty());
    all_answer(&fixture, &gone, 401).await;
    all_answer(&fixture, std::slice::from_ref(&readable), 200).await;
    let ready = probe(&fixture, &facts, "/readyz").await;
    assert!(ready.starts_with("degraded: writes fail: "), "{ready}");
    fixture.kill().await;
    facts = fixture.restart().await;
    all_answer(&fixture, &gone, 401).await;
    all_answer(&fixture, std::slice::from_ref(&readable), 200).await;

    disk.empty();
    let begun = Instant::now();
    while create(&fixture).await.status != 201 {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "nothing is written"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while !is_kept()
        || !probe(&fixture, &facts, "/readyz")
            .await
            .starts_with("ready")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "no reserve again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(metric(&fixture, &facts).await, "vestibule_writes_fail 0");
    fixture.kill().await;
}

/// A configuration file, and the variables that name its store.
struct Records {
    folder: TempDir,
    database: Option<Database>,
}

impl Records {
    async fn new(backend: Backend) -> Self {
        let folder = TempDir::new().unwrap();
        let text = format!(
            "[keys]\nmaster_key = \"{}\"\n[sample]\nenabled = true\n[store]\nurl = \"sqlite:vestibule.db\"\n",
            "42".repeat(32)
        );
        vestibule_e2e::write_private(&folder.path().join("vestibule.toml"), &text);
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        Self { folder, database }
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command();
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.path().join("vestibule.toml"));
        if let Some(database) = &self.database {
            command.env("VESTIBULE_STORE__URL", database.url());
        }
        command.stdout(Stdio::null());
        command
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_killed_at_any_point_is_completed_by_the_next_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // How long a whole one takes.
    let whole = Records::new(backend).await;
    let begun = Instant::now();
    assert!(
        whole
            .command(&["migrate"])
            .status()
            .await
            .unwrap()
            .success()
    );
    let took = begun.elapsed();
    let points = number("MIGRATIONS", 10);
    for point in 0..points {
        let records = Records::new(backend).await;
        let mut child = records.command(&["migrate"]).spawn().unwrap();
        tokio::time::sleep(took * u32::try_from(point).unwrap() / u32::try_from(points).unwrap())
            .await;
        child.kill().await.unwrap();
        // Twice: the second has nothing to do.
        for _ in 0..2 {
            let done = records.command(&["migrate"]).output().await.unwrap();
            assert!(done.status.success(), "{point}: {done:?}");
        }
        let listed = records.command(&["org", "list"]).output().await.unwrap();
        assert!(listed.status.success(), "{point}: {listed:?}");
    }
    print("migrations killed and completed", points);
    let again = whole.command(&["migrate"]).output().await.unwrap();
    assert!(again.status.success(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_killed_at_any_point_is_begun_again() {
    let whole = first_start(&TempDir::new().unwrap().path().join("data")).await;
    let points = number("FIRST_STARTS", 8);
    let mut begun_again = 0;
    for point in 0..points {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let mut child = quickstart(&data).stdout(Stdio::null()).spawn().unwrap();
        let wait = whole.0 * u32::try_from(point).unwrap() / u32::try_from(points).unwrap();
        tokio::time::sleep(wait).await;
        child.kill().await.unwrap();
        let (_, facts) = first_start(&data).await;
        // Either nothing was promised yet and everything is new, or all of it was done.
        begun_again += usize::from(facts["api_key"].is_string());
        assert_eq!(
            facts["organizations"].as_array().unwrap().len(),
            2,
            "{facts}"
        );
        assert_eq!(facts["users"].as_array().unwrap().len(), 3, "{facts}");
    }
    print(
        "first starts killed, of which begun again",
        format!("{points}, {begun_again}"),
    );
    assert!(begun_again > 0);
}

fn quickstart(data: &Path) -> tokio::process::Command {
    let mut command = command();
    command
        .args([
            "quickstart",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(data);
    command
}

/// Starts a server until it answers; how long that took, and what it said.
async fn first_start(data: &Path) -> (Duration, Value) {
    let begun = Instant::now();
    let mut child = quickstart(data).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let took = begun.elapsed();
    child.kill().await.unwrap();
    (took, serde_json::from_str(&line).unwrap())
}
