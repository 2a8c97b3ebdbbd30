//! Changes of resources: each is taken once, and those that nobody asks for are forgotten.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_model::clock::ManualClock;
use vestibule_model::{
    Actor, ActorKind, ApiKeyId, Change, CredentialRef, OsEntropy, ResourceChangeId, SystemClock,
    UserId,
};
use vestibule_store::ResourceChange;

use crate::support::{Backend, World, at, scope};

fn change(world: &World, seconds: i64) -> ResourceChange {
    ResourceChange {
        id: ResourceChangeId::mint(&ManualClock::new(at(seconds)), &OsEntropy),
        organization_id: world.organization.id,
        from: "/shared/from".parse().unwrap(),
        to: Some("/shared/to".parse().unwrap()),
        actor: Actor {
            kind: ActorKind::User,
            user_id: Some(UserId::mint(&SystemClock, &OsEntropy)),
            credential: Some(CredentialRef::ApiKey(ApiKeyId::mint(
                &SystemClock,
                &OsEntropy,
            ))),
            address: Some("2001:db8::1".parse().unwrap()),
            request_id: Some("request-1".to_owned()),
        },
        created_at: at(seconds),
    }
}

async fn insert(world: &World, change: &ResourceChange) {
    let write = world.store.begin().await.unwrap();
    write.commit_noting(change).await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_take_a_change_one_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = scope(world.organization("Other").await.id);
    let (moved, mut gone) = (change(&world, 0), change(&world, 1));
    gone.to = None;
    gone.actor = Actor::operator();
    let take = async |scope, id| {
        let mut write = world.store.begin_unaudited().await.unwrap();
        let taken = write.take_resource_change(scope, id).await.unwrap();
        write.commit().await.unwrap();
        taken
    };
    for noted in [moved, gone] {
        insert(&world, &noted).await;
        let found = world.store.scope_of_resource_change(noted.id).await;
        assert_eq!(found.unwrap(), Some(world.scope));
        assert_eq!(take(other, noted.id).await, None);
        let all = join_all((0..6).map(|_| take(world.scope, noted.id))).await;
        let taken: Vec<_> = all.into_iter().flatten().collect();
        assert_eq!(taken, std::slice::from_ref(&noted));
        let found = world.store.scope_of_resource_change(noted.id).await;
        assert_eq!(found.unwrap(), None);
    }
}

#[rstest]
#[tokio::test]
async fn a_change_that_nobody_asks_for_is_forgotten_after_thirty_days(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const DAYS: i64 = 24 * 60 * 60;
    let world = World::new(backend).await;
    let (old, new) = (change(&world, 0), change(&world, 60));
    insert(&world, &old).await;
    insert(&world, &new).await;
    for (at, forgotten) in [(at(30 * DAYS - 60), 0), (at(30 * DAYS + 30), 1)] {
        let mut write = world.store.begin_unaudited().await.unwrap();
        let pruned = write.prune(at).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(pruned.resource_changes, forgotten);
    }
    let left = world.store.scope_of_resource_change(new.id).await.unwrap();
    assert_eq!(left, Some(world.scope));
}

/// Probes that come at once ask once, and all have an answer.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn many_probes_share_an_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let answers = join_all((0..100).map(|_| world.store.pulse())).await;
    let first = *answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|it| *it.as_ref().unwrap() == first));
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(world.store.pulse().await.unwrap() > first);
    assert_eq!(world.store.writes_fail(), None);
}

#[rstest]
#[tokio::test]
async fn what_changes_a_right_is_not_committed_without_a_record(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let noted = change(&world, 0);
    let mut write = world.store.begin().await.unwrap();
    write
        .set_user_suspended(world.owner.id, Some(at(1)))
        .await
        .unwrap();
    write.change(Change::User(world.owner.id));
    assert!(write.commit_noting(&noted).await.is_err());
    let owner = world.store.user(world.owner.id).await.unwrap().unwrap();
    assert_eq!(owner.suspended_at, None);
    let found = world.store.scope_of_resource_change(noted.id).await;
    assert_eq!(found.unwrap(), None);
}
