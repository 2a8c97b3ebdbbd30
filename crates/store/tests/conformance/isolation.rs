//! Isolation, whatever the database's defaults are, and the end of abandoned transactions.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use rstest::rstest;
use sqlx::{Connection as _, PgConnection};
use vestibule_model::Role;

use crate::support::{Backend, World, at, record};

/// Returns how many transactions of this database are open and do nothing.
async fn abandoned(world: &World) -> i64 {
    let mut operator = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    let query = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    sqlx::query_scalar(query)
        .fetch_one(&mut operator)
        .await
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn five_hundred_callers_who_go_away_at_the_beginning_leave_no_open_transaction(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut cancelled = 0;
    for turn in 0..500 {
        let mut begin = Box::pin(world.store.begin());
        let mut begun = false;
        for _ in 0..turn % 7 {
            begun = (&mut begin).now_or_never().is_some();
            if begun {
                break;
            }
            std::thread::sleep(Duration::from_micros(20));
            tokio::task::yield_now().await;
        }
        cancelled += usize::from(!begun);
    }
    assert!(cancelled > 50, "{cancelled}");
    if backend == Backend::Postgres {
        let deadline = Instant::now() + Duration::from_secs(10);
        while abandoned(&world).await > 0 {
            assert!(Instant::now() < deadline, "a transaction is open still");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // Every connection can be used.
    for turn in 0..20 {
        let mut write = world.store.begin().await.unwrap();
        write
            .set_user_suspended(world.owner.id, Some(at(turn)))
            .await
            .unwrap();
        write.commit(record("test.done")).await.unwrap();
    }
    let owner = world.store.user(world.owner.id).await.unwrap().unwrap();
    assert_eq!(owner.suspended_at, Some(at(19)));
}

#[tokio::test]
async fn a_caller_who_goes_away_amid_a_transaction_leaves_none_open() {
    let world = World::new(Backend::Postgres).await;
    for turn in 0..100 {
        let mut write = world.store.begin().await.unwrap();
        let mut change = Box::pin(write.set_user_suspended(world.owner.id, Some(at(1))));
        for _ in 0..turn % 7 {
            if (&mut change).now_or_never().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_micros(20));
            tokio::task::yield_now().await;
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while abandoned(&world).await > 0 {
        assert!(Instant::now() < deadline, "a transaction is open still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let owner = world.store.user(world.owner.id).await.unwrap().unwrap();
    assert_eq!(owner.suspended_at, None);
}

// Every database of this suite defaults to SERIALIZABLE.
#[tokio::test]
async fn a_transaction_sees_what_was_committed_since_it_began() {
    let world = World::new(Backend::Postgres).await;
    let mut operator = PgConnection::connect(&world.database.postgres_url())
        .await
        .unwrap();
    let default: String = sqlx::query_scalar("SHOW transaction_isolation")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(default, "serializable");
    let other = world.database.connect().await;
    let mut early = world.store.begin().await.unwrap();
    let owners = early.count_owners(world.scope, 2).await.unwrap();
    assert_eq!(owners, 1);
    let mut late = other.begin().await.unwrap();
    late.set_role(world.scope, world.owner.id, Role::Admin)
        .await
        .unwrap();
    late.commit(record("test.done")).await.unwrap();
    assert_eq!(early.count_owners(world.scope, 2).await.unwrap(), 0);
}
