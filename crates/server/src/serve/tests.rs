use std::time::Duration;

use vestibule_accounts::NewUser;
use vestibule_model::{BootTime, Change};
use vestibule_store::ChangeSink;

use std::path::Path;

use super::*;
use crate::failure::Code;
use crate::operator::OPERATOR;
use vestibule_config::Sources;

/// Whoever hears of changes through it panics once they are heard.
struct Brittle;

impl ChangeSink for Brittle {
    fn apply(&self, _: Change) {}

    fn suspend(&self) {}

    fn resume(&self, _: BootTime) {
        panic!("on purpose")
    }
}

/// The settings of a server on any ports, with this database.
fn settings(database: &Path) -> Settings {
    let settings = [
        ("SERVER__LISTEN", "127.0.0.1:0"),
        ("SERVER__ADMIN_LISTEN", "127.0.0.1:0"),
        ("STORE__URL", &format!("sqlite:{}", database.display())),
        ("KEYS__MASTER_KEY", &"0".repeat(64)),
    ];
    let sources = Sources {
        environment: settings
            .map(|(name, value)| (format!("VESTIBULE_{name}"), value.to_owned()))
            .to_vec(),
        ..Sources::default()
    };
    Settings::new(&sources.read()).unwrap()
}

/// A server on any ports and a database of its own.
async fn prepared(folder: &tempfile::TempDir) -> Server {
    let settings = settings(&folder.path().join("vestibule.db"));
    let store = wiring::store(&settings, Tables::Make).await.unwrap();
    store.close().await;
    Server::prepare(&settings, OldClock::Refuse).await.unwrap()
}

#[tokio::test]
async fn a_duty_that_panics_ends_the_server_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let server = prepared(&folder).await;
    let (store, metrics) = (
        server.wired().accounts.store().clone(),
        Arc::clone(&server.wired().metrics),
    );
    store.attach(Arc::new(Brittle));
    let ended = tokio::time::timeout(
        Duration::from_secs(30),
        server.run(std::future::pending(), || {}),
    )
    .await;
    let failure = ended.expect("the server ends by itself").unwrap_err();
    assert_eq!(failure.code(), Code::Failed);
    assert_eq!(failure.json()["error"]["reason"], "task_ended");
    assert!(failure.to_string().contains("hearing changes"), "{failure}");
    assert!(!metrics.is_hearing(), "what hears nothing says so");
}

#[tokio::test]
async fn a_task_that_returns_early_is_missed_as_one_that_panics() {
    let mut tasks = Tasks::default();
    tasks.spawn("waiting", std::future::pending());
    tasks.spawn("returning", async {});
    assert_eq!(tasks.one_ended().await, "returning");
    tasks.spawn("panicking", async { panic!("on purpose") });
    assert_eq!(tasks.one_ended().await, "panicking");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_moves_what_was_written_into_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = prepared(&folder).await;
    server.checkpoints = Duration::from_millis(50);
    let accounts = server.wired().accounts.clone();
    let running = tokio::spawn(server.run(std::future::pending(), || {}));
    let ada = NewUser {
        email: "ada@example.com".parse().unwrap(),
        first_name: None,
        last_name: None,
        password: None,
    };
    let ada = accounts.create_user(&OPERATOR, ada).await.unwrap();
    let log = folder.path().join("vestibule.db-wal");
    let emptied = async {
        while log.metadata().unwrap().len() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let emptied = tokio::time::timeout(Duration::from_secs(30), emptied).await;
    emptied.expect("the log is emptied while the server runs");
    let copy = folder.path().join("copy.db");
    std::fs::copy(folder.path().join("vestibule.db"), &copy).unwrap();
    let copy = wiring::store(&settings(&copy), Tables::Expect)
        .await
        .unwrap();
    assert_eq!(copy.user(ada.id).await.unwrap(), Some(ada));
    assert!(!running.is_finished());
    running.abort();
}
