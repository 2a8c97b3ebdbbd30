//! The file of SQLite: its name, its log, its loss.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rstest::rstest;
use vestibule_model::SystemClock;
use vestibule_store::{Checkpoints, Store, StoreError, StoreOptions, StoreUrl};

use crate::support::{Backend, Database, World, record, user};

async fn write_one(store: &Store, email: &str) -> Result<(), StoreError> {
    let mut write = store.begin().await?;
    write.insert_user(&user(email), None).await?;
    write.commit(record("test.prepared")).await
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

#[rstest]
#[case::hash(b"C#")]
#[case::percent(b"100%")]
#[case::encoded(b"%41")]
#[case::colon(b"a:b")]
#[case::question_mark(b"a?b")]
#[case::uri(b"file:x")]
#[case::quotes(b"it's \"mine\"")]
#[case::not_utf8(b"caf\xe9")]
#[tokio::test]
async fn a_file_is_opened_by_its_path_whatever_its_name_and_closed_without_a_log(
    #[case] name: &[u8],
) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join(OsStr::from_bytes(name));
    std::fs::create_dir(&folder).unwrap();
    let url = StoreUrl::sqlite(folder.join("v.db"));
    let store = Store::create(url.clone()).await.unwrap();
    store.migrate().await.unwrap();
    write_one(&store, "ada@example.com").await.unwrap();
    store.close().await;
    assert_eq!(names(&folder), ["v.db"]);
    assert_eq!(names(temporary.path()).len(), 1);
    let store = Store::connect(url).await.unwrap();
    assert!(store.is_migrated().await.unwrap());
    store.close().await;
}

#[rstest]
#[tokio::test]
async fn a_database_without_tables_is_not_connected_to(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let database = Database::create(backend).await;
    let absent = async || {
        let refused = Store::connect(database.url.clone()).await;
        assert!(matches!(refused, Err(StoreError::Absent(_))), "{refused:?}");
    };
    absent().await;
    if let Some(file) = database.url.sqlite_file() {
        assert!(!file.exists());
    }
    // Of another program that notes its migrations in the same place.
    let store = database.connect().await;
    store.migrate().await.unwrap();
    store.close().await;
    let world = World::new(backend).await;
    world
        .raw("UPDATE _sqlx_migrations SET description = 'theirs'")
        .await;
    let refused = Store::connect(world.database.url.clone()).await;
    assert!(matches!(refused, Err(StoreError::Absent(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_external_checkpoints_nothing_leaves_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("v.db"), folder.path().join("v.db-wal"));
    let options =
        || StoreOptions::from(StoreUrl::sqlite(&file)).with_checkpoints(Checkpoints::External);
    let length = |path: &Path| path.metadata().unwrap().len();
    let store = Store::create(options()).await.unwrap();
    let before = length(&file);
    store.migrate().await.unwrap();
    // More pages than SQLite by itself lets the log have: 1,000 of 16 KiB.
    let mut number = 0;
    while length(&log) < 1_200 * 16_384 {
        write_one(&store, &format!("u{number}@example.com"))
            .await
            .unwrap();
        number += 1;
    }
    store.empty_log_and_close().await;
    assert_eq!(length(&file), before);
    assert!(length(&log) >= 1_200 * 16_384);
    // The next process finds everything, and leaves it where it is.
    let store = Store::connect(options()).await.unwrap();
    store.close().await;
    assert_eq!(length(&file), before);
    let auto = Store::connect(StoreUrl::sqlite(&file)).await.unwrap();
    auto.empty_log_and_close().await;
    assert!(length(&file) > before);
    assert_eq!(length(&log), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_somebody_reads_is_emptied_once_they_are_done() {
    let world = World::new(Backend::Sqlite).await;
    let file = world.database.url.sqlite_file().unwrap();
    let log = file.with_file_name("vestibule.db-wal");
    let store = world.store.clone();
    let emptying = tokio::spawn(async move {
        // Writers wait for each try, so that there is more time between two than one takes.
        let often = Duration::from_millis(300);
        store.run_checkpoints(often, std::future::pending()).await;
    });
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut reader = sqlx::ConnectOptions::connect(&options).await.unwrap();
    for statement in ["BEGIN", "SELECT COUNT(*) FROM user_account"] {
        sqlx::query(statement).execute(&mut reader).await.unwrap();
    }
    // Writers go on meanwhile.
    for number in 0..20 {
        write_one(&world.store, &format!("u{number}@example.com"))
            .await
            .unwrap();
    }
    assert!(log.metadata().unwrap().len() > 0);
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    let emptied = async {
        while log.metadata().unwrap().len() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let emptied = tokio::time::timeout(Duration::from_secs(30), emptied).await;
    emptied.expect("the log is emptied");
    emptying.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_is_neither_written_nor_read_once_that_is_noticed() {
    let world = World::new(Backend::Sqlite).await;
    let file = world.database.url.sqlite_file().unwrap().to_owned();
    let begun = world.store.begin().await.unwrap();
    std::fs::rename(&file, file.with_file_name("away.db")).unwrap();
    std::fs::write(&file, "another").unwrap();
    // Noticed at the latest when something is to be kept.
    let lost = begun.commit(record("test.prepared")).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(world.store.lost_file(), Some(file.as_path()));
    let read = world.store.user(world.owner.id).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let write = write_one(&world.store, "eve@example.com").await;
    assert!(
        matches!(write, Err(StoreError::Unavailable(_))),
        "{write:?}"
    );
    let feed = world.store.run_feed(&SystemClock, std::future::pending());
    tokio::time::timeout(Duration::from_secs(30), feed)
        .await
        .expect("the feed ends by itself");
    world.store.empty_log_and_close().await;
    assert_eq!(std::fs::read(&file).unwrap(), b"another");
}
