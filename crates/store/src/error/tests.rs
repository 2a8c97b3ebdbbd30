use rstest::rstest;
use vestibule_model::AuditRecord;

use super::*;
use crate::sql::sql;
use crate::support::{Backend, World, at, record};

/// Writes so much that a file which may not grow cannot hold it.
async fn write_much(world: &World) -> Result<(), StoreError> {
    let mut write = world.store.begin().await?;
    let large = AuditRecord {
        details: "x".repeat(100_000),
        ..record("test.large")
    };
    write.append_audit(&[large]).await?;
    write.commit(record("test.large")).await
}

#[tokio::test]
async fn a_full_disk_stops_writes_and_not_reads_and_heals_by_itself() {
    let world = World::new(Backend::Sqlite).await;
    let mut write = world.store.begin().await.unwrap();
    // SQLite reports its own limit and a full disk alike.
    sql("PRAGMA max_page_count = 1")
        .execute(&mut write)
        .await
        .unwrap();
    drop(write);
    let full = write_much(&world).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    let found = world.store.user(world.owner.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&world.owner));
    // There is room again. Whether SQLite had undone the statement alone, so that the connection is
    // still the same, or the transaction, so that it is another one, nothing has to be done.
    let mut write = world.store.begin().await.unwrap();
    sql("PRAGMA max_page_count = 1000000")
        .execute(&mut write)
        .await
        .unwrap();
    drop(write);
    write_much(&world).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_database_that_is_read_only_is_unavailable_for_writes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut write = world.store.begin().await.unwrap();
    let read_only = match backend {
        Backend::Sqlite => "PRAGMA query_only = 1",
        Backend::Postgres => "SET TRANSACTION READ ONLY",
    };
    sql(read_only).execute(&mut write).await.unwrap();
    let refused = write.set_user_suspended(world.owner.id, Some(at(1))).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_writer_that_waits_too_long_is_told_to_come_again() {
    let world = World::new(Backend::Sqlite).await;
    let other = world.database.connect().await;
    let _held = other.begin().await.unwrap();
    let refused = world.store.begin().await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

#[rstest]
#[case("53100", "Full")]
#[case("53300", "Unavailable")]
#[case("57P01", "Unavailable")]
#[case("57P03", "Unavailable")]
#[case("08006", "Unavailable")]
#[case("40001", "Contended")]
#[case("40P01", "Contended")]
#[case("55P03", "Contended")]
#[case("25006", "Unavailable")]
#[case("XX001", "Corrupt")]
#[case("42601", "Other")]
#[case("", "Other")]
fn the_sqlstate_tells_what_to_do(#[case] code: &str, #[case] class: &str) {
    let error = format!("{:?}", from_postgres(code, String::new()));
    assert!(error.starts_with(class), "{error}");
}

#[rstest]
#[case(5, "Unavailable")]
#[case(517, "Unavailable")]
#[case(8, "Unavailable")]
#[case(778, "Unavailable")]
#[case(14, "Unavailable")]
#[case(13, "Full")]
#[case(11, "Corrupt")]
#[case(26, "Corrupt")]
#[case(1, "Other")]
fn the_result_code_tells_what_to_do(#[case] code: u32, #[case] class: &str) {
    let error = format!("{:?}", from_sqlite(code, String::new()));
    assert!(error.starts_with(class), "{error}");
}
