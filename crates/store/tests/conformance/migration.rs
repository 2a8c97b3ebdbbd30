//! Tables come up to date.

use crate::support::{Backend, Database, World};
use rstest::rstest;

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
