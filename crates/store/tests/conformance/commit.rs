//! Transactions end whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rstest::rstest;
use vestibule_model::Change;
use vestibule_store::{AuditFilter, ChangeSink, Page};

use crate::support::{Backend, Memory, Told, World, at, record};

#[rstest]
#[tokio::test]
async fn what_is_not_committed_never_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let memory = Arc::new(Memory::default());
    world
        .store
        .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let mut write = world.store.begin().await.unwrap();
    write
        .set_user_suspended(world.owner.id, Some(at(1)))
        .await
        .unwrap();
    write.change(Change::User(world.owner.id));
    drop(write);
    let found = world.store.user(world.owner.id).await.unwrap().unwrap();
    assert_eq!(found.suspended_at, None);
    assert_eq!(memory.all(), []);
}

#[rstest]
#[tokio::test]
async fn the_sinks_know_before_the_caller_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let memory = Arc::new(Memory::default());
    world
        .store
        .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let mut write = world.store.begin().await.unwrap();
    let changes = [Change::User(world.owner.id), Change::Keyring];
    for change in [changes[0], changes[1], changes[0]] {
        write.change(change);
    }
    write.commit(record("user.suspended")).await.unwrap();
    // Each once, in any order.
    let told = memory.all();
    assert_eq!(told.len(), changes.len(), "{told:?}");
    for change in changes.map(Told::Applied) {
        assert!(told.contains(&change), "{change:?} in {told:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_commit_whose_record_is_refused_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let memory = Arc::new(Memory::default());
    world
        .store
        .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
    let twice = record("user.suspended");
    let write = world.store.begin().await.unwrap();
    write.commit(twice.clone()).await.unwrap();
    let mut write = world.store.begin().await.unwrap();
    write
        .set_user_suspended(world.owner.id, Some(at(1)))
        .await
        .unwrap();
    write.change(Change::Everything);
    assert!(write.commit(twice).await.is_err());
    let found = world.store.user(world.owner.id).await.unwrap().unwrap();
    assert_eq!(found.suspended_at, None);
    assert_eq!(memory.all(), []);
}

// A client that goes away drops the future of its request wherever that stands. Whichever moment
// it is: either the row is stored, its record with it and the sinks told, or none of the three.
#[rstest]
#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_half_commit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    for polls in 0..40 {
        let memory = Arc::new(Memory::default());
        world
            .store
            .attach(Arc::clone(&memory) as Arc<dyn ChangeSink>);
        let mut audited = record("user.suspended");
        audited.organization_id = Some(world.organization.id);
        audited.subject = Some(format!("try {polls}"));
        let mut write = world.store.begin().await.unwrap();
        write
            .set_user_suspended(world.owner.id, Some(at(polls)))
            .await
            .unwrap();
        write.change(Change::User(world.owner.id));
        let mut commit = Box::pin(write.commit(audited));
        for _ in 0..polls {
            if (&mut commit).now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        drop(commit);
        // The next transaction waits for the one before on SQLite; on PostgreSQL the row does.
        let mut write = world.store.begin().await.unwrap();
        write.lock_organization(world.scope).await.unwrap();
        write
            .set_role(world.scope, world.owner.id, vestibule_model::Role::Owner)
            .await
            .unwrap();
        write.set_password(world.owner.id, "$").await.unwrap();
        write.commit(record("test.done")).await.unwrap();
        let found = world.store.user(world.owner.id).await.unwrap().unwrap();
        let stored = found.suspended_at == Some(at(polls));
        let filter = AuditFilter {
            subject: Some(format!("try {polls}")),
            ..AuditFilter::default()
        };
        let (_, recorded) = world
            .store
            .audit(world.scope, &filter, Page::default())
            .await
            .unwrap()
            .into_counted();
        assert_eq!(recorded, u64::from(stored));
        if stored {
            let told = Told::Applied(Change::User(world.owner.id));
            memory.wait_for(told, Duration::from_secs(1)).await;
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_transaction_in_which_a_query_failed_is_not_committed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut write = world.store.begin().await.unwrap();
    write
        .set_user_suspended(world.owner.id, Some(at(1)))
        .await
        .unwrap();
    assert!(write.insert_user(&world.owner, None).await.is_err());
    assert!(write.set_password(world.owner.id, "$").await.is_err());
    assert!(write.commit(record("test.done")).await.is_err());
    let found = world.store.user(world.owner.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&world.owner));
    assert_eq!(world.store.password_of(world.owner.id).await.unwrap(), None);
}
