//! The files and databases of a server: no copy is silently empty, none is made unasked, none that
//! is gone is answered from.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::process::Child;
use vestibule_e2e::{Backend, Database, Fixture, Setup, command};

/// The time for which a server may go on with a file that its path no longer names.
const LEASE: Duration = Duration::from_secs(2);

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A configuration beside which nothing is yet, and its store.
struct Place {
    folder: TempDir,
    database: Option<Database>,
}

impl Place {
    async fn new(backend: Backend, rest: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let listen = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
        let key = format!("[keys]\nmaster_key = \"{}\"\n", "42".repeat(32));
        // Said here, so that it lies beside the configuration and not in the current folder.
        let store = "[store]\nurl = \"sqlite:vestibule.db\"\n";
        let text = format!("{listen}{key}{store}{rest}");
        vestibule_e2e::write_private(&folder.path().join("vestibule.toml"), &text);
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Database::create().await),
        };
        Self { folder, database }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the names of the files beside the configuration, sorted.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "vestibule.toml" && name != "log")
            .collect();
        names.sort();
        names
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command();
        command.args(arguments).arg("--config");
        command.arg(self.file("vestibule.toml"));
        if let Some(database) = &self.database {
            command.env("VESTIBULE_STORE__URL", database.url());
        }
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// Runs a command that has to be refused as a wrong configuration, before it does anything.
    async fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(code(&output), Some(2), "{arguments:?}: {output:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        stderr(&output)
    }

    /// Starts a server and waits until it serves.
    async fn serve(&self) -> Child {
        let log = std::fs::File::create(self.file("log")).unwrap();
        let mut server = self
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        loop {
            let log = std::fs::read_to_string(self.file("log")).unwrap();
            if log.contains("serving") {
                return server;
            }
            assert_eq!(server.try_wait().unwrap(), None, "{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Copies the files of a data folder, but for what SQLite keeps beside its files.
fn copy_without_logs(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !name.ends_with("-wal") && !name.ends_with("-shm") {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn length(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_clean_stop_and_after_a_command_the_database_file_alone_holds_everything() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let made = fixture.post("/v1/api-keys").bearer(fixture.key());
    let made = made.json(serde_json::json!({ "name": "robot" })).send();
    let robot = made.await.expect(201).text_at("/key");
    fixture.ask_to_end();
    assert!(fixture.ended(Duration::from_secs(30)).await.success());
    let copies = TempDir::new().unwrap();
    copy_without_logs(fixture.data(), &copies.path().join("first"));

    // A command is the only one to use the file, and leaves nothing in the log either.
    fixture.move_to(copies.path().join("first"));
    let ada = fixture.ada().email;
    let arguments = ["key", "create", "Acme", &ada, "another"];
    let another = fixture.cli_json(&arguments).await;
    let another = another["key"].as_str().unwrap();
    fixture.cli_json(&["migrate"]).await;
    copy_without_logs(fixture.data(), &copies.path().join("second"));

    fixture.move_to(copies.path().join("second"));
    let facts = fixture.restart().await;
    assert_eq!(facts["organizations"], fixture.facts()["organizations"]);
    for key in [fixture.key(), &robot, another] {
        let documents = fixture.get("/v1/documents").bearer(key).send().await;
        let documents = documents.expect(200).json();
        assert!(documents.to_string().contains("/shared"), "{documents}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_external_checkpoints_the_log_keeps_everything() {
    let setup = Setup::new(Backend::Sqlite).with("STORE__CHECKPOINT", "external");
    let mut fixture = setup.start().await;
    let files = ["vestibule.db", "sample.db"].map(|name| fixture.data().join(name));
    // The bytes, since a checkpoint may leave the length as it is.
    let bytes = |file: &std::path::PathBuf| std::fs::read(file).unwrap();
    let before = files.each_ref().map(bytes);
    fixture.ask_to_end();
    assert!(fixture.ended(Duration::from_secs(30)).await.success());
    fixture.cli_json(&["user", "add", "eve@example.com"]).await;
    assert!(files.each_ref().map(bytes) == before, "a file has changed");
    for name in ["vestibule.db-wal", "sample.db-wal"] {
        assert!(length(&fixture.data().join(name)) > 0, "{name}");
    }
    fixture.restart().await;
    let answer = fixture
        .get("/v1/documents")
        .bearer(fixture.key())
        .send()
        .await;
    answer.expect(200);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_tables_is_refused_by_every_command_but_migrate(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let place = Place::new(backend, "[sample]\nenabled = true\n").await;
    let commands = [
        &["serve"][..],
        &["org", "list"],
        &["keyring", "rotate"],
        &["explain", "GET", "/v1/documents"],
    ];
    // No file, or an empty database; then, on SQLite, an empty file, and somebody else's.
    for arguments in commands {
        let said = place.refused(arguments).await;
        assert!(said.contains("vestibule migrate"), "{said}");
        assert!(said.contains("store.url"), "{said}");
    }
    assert_eq!(place.files(), [""; 0]);
    if backend == Backend::Sqlite {
        let file = place.file("vestibule.db");
        std::fs::write(&file, "").unwrap();
        for arguments in commands {
            place.refused(arguments).await;
        }
        assert_eq!(length(&file), 0);
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        for arguments in commands {
            place.refused(arguments).await;
        }
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        let options = SqliteConnectOptions::new().filename(&file);
        let mut foreign = options.connect().await.unwrap();
        let table = sqlx::query("CREATE TABLE theirs (a)");
        table.execute(&mut foreign).await.unwrap();
        foreign.close().await.unwrap();
        let before = std::fs::read(&file).unwrap();
        for arguments in commands {
            let said = place.refused(arguments).await;
            assert!(said.contains("no tables"), "{said}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert_eq!(place.files(), ["vestibule.db"]);
        std::fs::remove_file(file).unwrap();
    }
    let json = place.refused(&["serve", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["error"]["reason"], "no_database");

    let done = place.run(&["migrate"]).await;
    assert_eq!(code(&done), Some(0), "{done:?}");
    let listed = place.run(&["org", "list"]).await;
    assert_eq!(code(&listed), Some(0), "{listed:?}");
    place.serve().await.kill().await.unwrap();

    // The sample's own database is no other case.
    if backend == Backend::Sqlite {
        std::fs::remove_file(place.file("sample.db")).unwrap();
        let said = place.refused(&["serve"]).await;
        assert!(said.contains("sample.url"), "{said}");
        assert!(!place.file("sample.db").exists());
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_older_tables_is_upgraded_by_serve_and_refused_by_other_commands(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let place = Place::new(backend, "").await;
    let folder = match backend {
        Backend::Sqlite => "../crates/store/migrations/sqlite",
        Backend::Postgres => "../crates/store/migrations/postgres",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut migrator = Migrator::new(folder).await.unwrap();
    let newest = migrator.migrations.len() - 1;
    migrator.migrations.to_mut().truncate(newest);
    if let Some(database) = &place.database {
        let mut connection = database.connect().await;
        migrator.run(&mut connection).await.unwrap();
    } else {
        let options = SqliteConnectOptions::new().filename(place.file("vestibule.db"));
        let connection = options.create_if_missing(true).connect().await;
        let mut connection = connection.unwrap();
        migrator.run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    let said = place.refused(&["org", "list"]).await;
    assert!(said.contains("vestibule migrate"), "{said}");
    place.serve().await.kill().await.unwrap();
    let listed = place.run(&["org", "list"]).await;
    assert_eq!(code(&listed), Some(0), "{listed:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_a_wrong_configuration_and_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let place = Place::new(backend, "").await;
    for arguments in [&["migrate"][..], &["org", "list"]] {
        let done = place.run(arguments).await;
        assert_eq!(code(&done), Some(0), "{done:?}");
    }
    for arguments in [&["serve"][..], &["org", "list"], &["keyring", "rotate"]] {
        let mut command = place.command(arguments);
        command.env("VESTIBULE_KEYS__MASTER_KEY", "43".repeat(32));
        let refused = command.output().await.unwrap();
        assert_eq!(code(&refused), Some(2), "{refused:?}");
        let said = stderr(&refused);
        for part in ["keys.master_key", "keys.master_key_file", "store.url"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("went wrong"), "{said}");
    }
    let listed = place.run(&["org", "list"]).await;
    assert_eq!(code(&listed), Some(0), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quickstart_whose_database_is_gone_makes_no_other() {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    fixture.kill().await;
    let file = fixture.data().join("vestibule.db");
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(fixture.data().join(format!("vestibule.db{ending}")));
    }
    let refused = fixture
        .cli(&["quickstart", "--listen", "127.0.0.1:0"])
        .await;
    assert_eq!(code(&refused), Some(2), "{refused:?}");
    assert!(stderr(&refused).contains(file.to_str().unwrap()));
    assert!(!file.exists());
}

/// A change to the files of a running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replace,
    Remove,
    RemoveLog,
    ReplaceSamples,
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_is_replaced_or_removed_is_answered_from_no_more_and_stops_the_server(
    #[values(Deed::Replace, Deed::Remove, Deed::RemoveLog, Deed::ReplaceSamples)] deed: Deed,
) {
    let mut fixture = Fixture::start(Backend::Sqlite).await;
    let (name, path) = match deed {
        Deed::ReplaceSamples => ("sample.db", "/v1/documents"),
        _ => ("vestibule.db", "/v1/users/me"),
    };
    let get = fixture.get(path).bearer(fixture.key());
    get.send().await.expect(200);
    let at = |name: &str| fixture.data().join(name);
    match deed {
        Deed::Replace | Deed::ReplaceSamples => {
            std::fs::hard_link(at(name), at("away")).unwrap();
            std::fs::copy(at(name), at("restored")).unwrap();
            std::fs::rename(at("restored"), at(name)).unwrap();
        }
        Deed::Remove => std::fs::remove_file(at(name)).unwrap(),
        Deed::RemoveLog => std::fs::remove_file(at("vestibule.db-wal")).unwrap(),
    }
    let done = Instant::now();
    // Until it ends, nothing is answered from the old file beyond the lease.
    let (url, key) = (format!("{}{path}", fixture.url()), fixture.key().to_owned());
    let client = reqwest::Client::new();
    let mut last_good = Duration::ZERO;
    while let Ok(answer) = client.get(&url).bearer_auth(&key).send().await {
        if answer.status() == 200 {
            last_good = done.elapsed();
        }
        assert!(done.elapsed() < Duration::from_secs(60), "it does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(last_good < 5 * LEASE, "{last_good:?}");
    let status = fixture.ended(Duration::from_secs(60)).await;
    assert_eq!(status.code(), Some(1));
    let (log, file) = (fixture.log(), fixture.data().join(name));
    assert!(log.contains("ERROR"), "{log}");
    assert!(log.contains(file.to_str().unwrap()), "{log}");
    assert!(log.contains("replaced or removed"), "{log}");
    crate::measure::print(
        "a file was replaced; answered from it for",
        format!("{last_good:.1?}"),
    );
    // What was in the log is in the file that it belongs to, and in no other.
    assert_eq!(length(&fixture.data().join(format!("{name}-wal"))), 0);
    if matches!(deed, Deed::Replace | Deed::ReplaceSamples) {
        std::fs::rename(fixture.data().join("away"), &file).unwrap();
    }
    if deed != Deed::Remove {
        fixture.restart().await;
        fixture
            .get(path)
            .bearer(fixture.key())
            .send()
            .await
            .expect(200);
    }
}

// What is mapped into memory of a file that is shortened ends the process that reads it (SIGBUS).
#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_is_shortened_ends_no_server() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    fixture
        .get("/v1/users/me")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
    let file = fixture.data().join("vestibule.db");
    let length = std::fs::metadata(&file).unwrap().len();
    assert!(length > 100_000, "{length}");
    let shortened = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    shortened.set_len(16_384).unwrap();
    for turn in 0..50 {
        let key = crate::abuse::unknown_key(turn);
        // Whatever the answer is, there is one.
        fixture.get("/v1/users/me").bearer(&key).send().await;
        fixture
            .get("/v1/api-keys")
            .bearer(fixture.key())
            .send()
            .await;
    }
    fixture.admin("/livez").send().await.expect(200);
}
