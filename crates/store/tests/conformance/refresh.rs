//! Successors of access tokens.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use vestibule_store::Successor;

use crate::support::{Backend, World, at, record};

const WINDOW: Duration = Duration::from_secs(30);

fn candidate(id: &str, seconds: i64) -> Successor {
    Successor {
        token_id: id.to_owned(),
        issued_at: at(seconds),
        expires_at: at(seconds + 3_600),
    }
}

async fn refresh(world: &World, token: &str, candidate: &Successor) -> Successor {
    let mut write = world.store.begin().await.unwrap();
    let successor = write
        .refresh_successor(token, world.organization.id, candidate, WINDOW)
        .await
        .unwrap();
    write.commit(record("session.refreshed")).await.unwrap();
    successor
}

#[rstest]
#[tokio::test]
async fn callers_who_refresh_at_once_all_get_one_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Arc::new(World::new(backend).await);
    let mut tries = Vec::new();
    for index in 0..20 {
        let world = Arc::clone(&world);
        tries.push(tokio::spawn(async move {
            refresh(&world, "token", &candidate(&format!("next {index}"), 0)).await
        }));
    }
    let mut successors = Vec::new();
    for attempt in tries {
        successors.push(attempt.await.unwrap());
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "{successors:?}");
}

#[rstest]
#[tokio::test]
async fn after_the_window_there_is_another_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.organization("Other").await.id;
    let first = candidate("first", 0);
    let late = candidate("late", 29);
    let next = candidate("next", 30);
    assert_eq!(refresh(&world, "token", &first).await, first);
    assert_eq!(refresh(&world, "token", &late).await, first);
    assert_eq!(refresh(&world, "token", &next).await, next);
    assert_eq!(refresh(&world, "another", &late).await, late);
    let mut write = world.store.begin().await.unwrap();
    let switched = write
        .refresh_successor("token", other, &late, WINDOW)
        .await
        .unwrap();
    assert_eq!(switched, late, "each organisation has its own");
}
