//! What happens when something is broken.

use std::time::{Duration, Instant};

use rstest::rstest;
use sqlx::{Connection as _, PgConnection};
use vestibule_store::{Store, StoreError, StoreUrl};

use crate::support::{Backend, World, at, record};

#[rstest]
#[tokio::test]
async fn the_database_tells_its_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let now = world.store.ping().await.unwrap();
    let later = world.store.ping().await.unwrap();
    assert!(now > at(-100_000_000) && later >= now, "{now} {later}");
    world.store.close().await;
    assert!(matches!(
        world.store.begin().await,
        Err(StoreError::Unavailable(_))
    ));
}

#[tokio::test]
async fn a_server_that_is_away_is_reported_within_a_second() {
    let url: StoreUrl = "postgres://nobody:secret@127.0.0.1:1/none".parse().unwrap();
    let start = Instant::now();
    let refused = Store::connect(url).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    // A second is promised, and five times that is waited for.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn connections_that_were_cut_are_replaced() {
    let world = World::new(Backend::Postgres).await;
    world.store.user(world.owner.id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut operator = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let connections: i64 = sqlx::query_scalar(cut)
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert!(connections > 0);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let found = world.store.user(world.owner.id).await.unwrap();
    assert_eq!(found, Some(world.owner.clone()));
}

#[tokio::test]
async fn a_commit_that_is_cut_is_unavailable() {
    let world = World::new(Backend::Postgres).await;
    let mut write = world.store.begin().await.unwrap();
    write
        .set_user_suspended(world.owner.id, Some(at(1)))
        .await
        .unwrap();
    let mut operator = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'",
    )
    .execute(&mut operator)
    .await
    .unwrap();
    let lost = write.commit(record("user.suspended")).await;
    // Whether the server's last words are heard depends on who is faster.
    assert!(
        matches!(
            lost,
            Err(StoreError::Unavailable(_) | StoreError::Uncertain(_))
        ),
        "{lost:?}"
    );
    let found = world.store.user(world.owner.id).await;
    assert_eq!(found.unwrap().unwrap().suspended_at, None);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter.txt");
    std::fs::write(&file, "Dear Mr Babbage, ".repeat(1_000)).unwrap();
    let refused = Store::connect(StoreUrl::sqlite(file)).await;
    assert!(
        matches!(refused, Err(StoreError::Corrupt(_))),
        "{refused:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vestibule.db");
    let store = Store::create(StoreUrl::sqlite(&file)).await.unwrap();
    store.migrate().await.unwrap();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
