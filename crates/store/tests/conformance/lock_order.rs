//! Transactions that hold some of the same rows wait for one another, and never each for the other.

use rstest::rstest;
use vestibule_model::Role;

use crate::single_sign_on::{came_by, connection};
use crate::support::{Backend, World, at, membership, record, scope, user};

#[rstest]
#[tokio::test]
async fn organisations_that_share_their_people_can_demand_the_provider_at_the_same_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = scope(world.organization("Other").await.id);
    let mut write = world.store.begin().await.unwrap();
    for number in 0..1_000 {
        let user = user(&format!("{number}@example.com"));
        write.insert_user(&user, None).await.unwrap();
        for scope in [world.scope, other] {
            let member = membership(scope, user.id, Role::User);
            write.insert_membership(&member).await.unwrap();
        }
    }
    write.commit(record("test.prepared")).await.unwrap();
    for _ in 0..20 {
        let enforce = async |scope| {
            let mut write = world.store.begin().await.unwrap();
            write.end_password_sessions(scope, at(2)).await.unwrap();
            write.commit(record("sso.enforced")).await.unwrap();
        };
        tokio::join!(enforce(world.scope), enforce(other));
    }
}

/// Everything but the people is locked in no order: without them these two wait for each other.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_and_a_person_can_end_the_same_sessions_at_the_same_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let (scope, id) = (world.scope, connection.id);
    let user = world.owner.id;
    for round in 0..10 {
        let mut sessions = Vec::new();
        for number in 0..40 {
            let made = world.session(user, &format!("{round} {number}")).await;
            let mut write = world.store.begin().await.unwrap();
            let came_by = came_by(&connection, "x", None);
            write.insert_sso_session(made.id, &came_by).await.unwrap();
            write.commit(record("test.prepared")).await.unwrap();
            sessions.push(made.id);
        }
        let provider = async {
            let mut write = world.store.begin().await.unwrap();
            let held = write.hold_sso_people(scope, id, Some("x"), None, None);
            held.await.unwrap();
            let ended = write.end_sso_sessions(scope, id, Some("x"), None, at(1));
            ended.await.unwrap();
            write.commit(record("sso.logout_received")).await.unwrap();
        };
        let kept = sessions[39];
        let person = async {
            let mut write = world.store.begin().await.unwrap();
            assert!(write.hold_user(user).await.unwrap());
            write.hold_session(kept, at(1), at(-1)).await.unwrap();
            write
                .end_other_sessions_of(user, kept, None, at(1))
                .await
                .unwrap();
            write.commit(record("user.sessions_ended")).await.unwrap();
        };
        tokio::join!(provider, person);
        for session in sessions {
            let stored = world.store.session(session).await.unwrap().unwrap();
            assert_eq!(stored.ended_at, Some(at(1)));
        }
    }
}

#[tokio::test]
async fn noting_what_was_used_waits_for_nobody() {
    let world = World::new(Backend::Postgres).await;
    let held = world.session(world.owner.id, "held").await;
    let free = world.session(world.owner.id, "free").await;
    let mut holder = world.store.begin().await.unwrap();
    assert!(holder.hold_session(held.id, at(1), at(-1)).await.unwrap());
    let mut write = world.store.begin_unaudited().await.unwrap();
    let uses = [(held.id, at(5)), (free.id, at(5))];
    write.flush_usage(&[], &uses).await.unwrap();
    write.commit().await.unwrap();
    drop(holder);
    let seen = async |id| world.store.session(id).await.unwrap().unwrap().last_seen_at;
    assert_ne!(seen(held.id).await, at(5));
    assert_eq!(seen(free.id).await, at(5));
}
