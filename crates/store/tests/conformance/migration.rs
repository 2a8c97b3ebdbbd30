//! Tables come up to date.

use std::time::{Duration, Instant};

use rstest::rstest;
use sqlx::{Connection as _, PgConnection};
use vestibule_store::StoreError;

use crate::support::{Backend, Database, World, at, record};

#[rstest]
#[tokio::test]
async fn migrating_is_done_once_however_often_it_is_asked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let database = Database::create(backend).await;
    let (one, two) = (database.connect().await, database.connect().await);
    assert!(!one.is_migrated().await.unwrap());
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    one.migrate().await.unwrap();
    assert!(one.is_migrated().await.unwrap());
    assert!(two.is_migrated().await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_database_of_a_later_version_is_accepted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let later = "INSERT INTO _sqlx_migrations
            (version, description, success, checksum, execution_time)
         SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    world.raw(later).await;
    world.store.migrate().await.unwrap();
    assert!(world.store.is_migrated().await.unwrap());
}

/// A database from before the last column of a table in use and before the index of live keys, on
/// PostgreSQL.
async fn earlier() -> World {
    let world = World::new(Backend::Postgres).await;
    for number in 0..200 {
        let name = format!("key {number}");
        world.api_key(world.owner.id, &name, false).await;
    }
    for statement in [
        "ALTER TABLE api_key DROP COLUMN connection_id",
        "DROP INDEX audit_record_membership_end",
        "DROP INDEX api_key_live",
        "DELETE FROM _sqlx_migrations WHERE version IN (7, 18)",
    ] {
        world.raw(statement).await;
    }
    world
}

/// Somebody who reads the keys in a transaction that stays open, as a backup does.
async fn reader(world: &World) -> PgConnection {
    let url = world.database.postgres_url();
    let url = format!("{url}?application_name=backup");
    let mut reader = PgConnection::connect(&url).await.unwrap();
    for statement in [
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "SELECT COUNT(*) FROM api_key",
    ] {
        sqlx::query(statement).execute(&mut reader).await.unwrap();
    }
    reader
}

async fn is_valid(world: &World, index: &str) -> bool {
    let url = world.database.postgres_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let query = "SELECT COUNT(*) FROM pg_index
         WHERE indexrelid = to_regclass($1) AND indisvalid
             AND pg_get_indexdef(indexrelid) LIKE '%WHERE (revoked_at IS NULL)'";
    let count = sqlx::query_scalar::<_, i64>(query).bind(index);
    count.fetch_one(&mut connection).await.unwrap() == 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_beside_a_reader_lets_writers_through_and_ends_after_the_reader() {
    let world = earlier().await;
    let reader = reader(&world).await;
    let store = world.store.clone();
    let migrating = tokio::spawn(async move { store.migrate().await });
    // Each of these waits behind a migration that waits for its lock, and gets its turn.
    let mut revoked = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        revoke_one(&world).await;
        revoked += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(revoked > 3, "{revoked}");
    assert!(!migrating.is_finished(), "the reader is still there");
    drop(reader);
    tokio::time::timeout(Duration::from_secs(60), migrating)
        .await
        .expect("nobody is in the way any more")
        .unwrap()
        .unwrap();
    assert!(is_valid(&world, "api_key_live").await);
    world.api_key(world.owner.id, "later", false).await;
}

/// Revokes the newest key that is live.
async fn revoke_one(world: &World) {
    let url = world.database.postgres_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let query = "SELECT id FROM api_key WHERE revoked_at IS NULL ORDER BY digest LIMIT 1";
    let id: sqlx::types::Uuid = sqlx::query_scalar(query)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let id = id.to_string().parse().unwrap();
    let mut write = world.store.begin().await.unwrap();
    let revoked = write.revoke_api_key(world.scope, world.owner.id, id, at(1));
    assert!(revoked.await.unwrap());
    write.commit(record("api_key.deleted")).await.unwrap();
}

#[rstest]
#[case::of_a_table(
    "DELETE FROM _sqlx_migrations WHERE version = 7",
    "migration 7 (key origin)"
)]
#[case::of_an_index(
    "DELETE FROM _sqlx_migrations WHERE version = 18",
    "migration 18 (live keys)"
)]
#[tokio::test]
async fn a_migration_that_others_hold_up_for_too_long_says_who_they_are(
    #[case] undone: &'static str,
    #[case] named: &str,
) {
    let world = World::new(Backend::Postgres).await;
    if undone.ends_with('7') {
        world
            .raw("ALTER TABLE api_key DROP COLUMN connection_id")
            .await;
        world.raw("DROP INDEX audit_record_membership_end").await;
    } else {
        world.raw("DROP INDEX api_key_live").await;
    }
    world.raw(undone).await;
    let reader = reader(&world).await;
    let patience = Duration::from_secs(1);
    let error = world.store.migrate_within(patience).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Unavailable(_)), "{text}");
    assert!(text.contains(named), "{text}");
    assert!(text.contains(" (backup, transaction open for "), "{text}");
    assert!(!text.contains("SELECT"), "{text}");
    drop(reader);
    world.store.migrate().await.unwrap();
    assert!(is_valid(&world, "api_key_live").await);
}

#[tokio::test]
async fn an_index_whose_building_was_interrupted_is_built_anew() {
    let world = World::new(Backend::Postgres).await;
    for name in ["one", "two"] {
        world.api_key(world.owner.id, name, false).await;
    }
    for statement in [
        "DELETE FROM _sqlx_migrations WHERE version = 18",
        "DROP INDEX api_key_live",
    ] {
        world.raw(statement).await;
    }
    // What is refused half-way is left behind, and no query uses it.
    let url = world.database.postgres_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let refused = "CREATE UNIQUE INDEX CONCURRENTLY api_key_live ON api_key (owner_id)";
    sqlx::query(refused)
        .execute(&mut connection)
        .await
        .unwrap_err();
    assert!(!is_valid(&world, "api_key_live").await);
    world.store.migrate().await.unwrap();
    assert!(is_valid(&world, "api_key_live").await);
}

/// With the driver's own lock, which is waited for within a statement, the index and the process
/// that waits would wait for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_can_migrate_at_the_same_time() {
    let database = Database::create(Backend::Postgres).await;
    let mut running = Vec::new();
    for _ in 0..6 {
        let store = database.connect().await;
        running.push(tokio::spawn(async move { store.migrate().await }));
    }
    for migrated in running {
        migrated.await.unwrap().unwrap();
    }
}
