//! Sessions.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use vestibule_model::session::Lifetimes;
use vestibule_model::{Digest, Role, Session, SessionId};

use crate::single_sign_on::{came_by, connection};
use crate::support::{Backend, World, at, organization, record, scope, session};

#[rstest]
#[tokio::test]
async fn a_session_is_found_listed_and_ended_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let one = world.session(world.owner.id, "one").await;
    let two = world.session(world.owner.id, "two").await;
    let bare = session(world.scope, world.owner.id);
    let mut write = world.store.begin().await.unwrap();
    write.insert_session(&bare, None).await.unwrap();
    write
        .insert_session(&session(world.scope, world.owner.id), None)
        .await
        .unwrap();
    write.commit(record("session.started")).await.unwrap();
    assert_eq!(
        world.store.session(one.id).await.unwrap(),
        Some(one.clone())
    );
    let by_cookie = async |cookie: &[u8]| {
        let found = world.store.session_by_cookie(&Digest::of(cookie)).await;
        found.unwrap()
    };
    assert_eq!(by_cookie(b"one").await, Some(one.clone()));
    assert_eq!(by_cookie(b"three").await, None);
    let mut write = world.store.begin().await.unwrap();
    assert!(write.end_session(one.id, at(5)).await.unwrap());
    assert!(!write.end_session(one.id, at(6)).await.unwrap());
    let unknown = SessionId::from_uuid(uuid::Uuid::from_u128(1));
    assert!(!write.end_session(unknown, at(6)).await.unwrap());
    write.commit(record("session.ended")).await.unwrap();
    let found = world.store.session(one.id).await.unwrap().unwrap();
    assert_eq!(found.ended_at, Some(at(5)));
    let standing = world.store.sessions_of(world.owner.id, None, at(5), at(-1));
    let sessions = standing.await.unwrap();
    assert_eq!(sessions.len(), 3);
    assert!(sessions.contains(&two) && sessions.contains(&bare));
}

#[rstest]
#[tokio::test]
async fn all_sessions_of_a_user_end_together(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.user("grace@example.com").await;
    let one = world.session(world.owner.id, "one").await;
    let two = world.session(world.owner.id, "two").await;
    let over = world.session(world.owner.id, "over").await;
    let hers = world.session(grace.id, "hers").await;
    let mut write = world.store.begin().await.unwrap();
    write.end_session(over.id, at(1)).await.unwrap();
    let mut ended = write.end_sessions_of(world.owner.id, at(5)).await.unwrap();
    write.commit(record("user.signed_out")).await.unwrap();
    ended.sort_unstable();
    let mut expected = [one.id, two.id];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    let standing = world.store.sessions_of(grace.id, None, at(5), at(-1));
    assert_eq!(standing.await.unwrap(), [hers]);
    let over = world.store.session(over.id).await.unwrap().unwrap();
    assert_eq!(over.ended_at, Some(at(1)));
}

#[rstest]
#[tokio::test]
async fn a_cookie_is_exchanged_once_however_many_try(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Arc::new(World::new(backend).await);
    let other = world.organization("Other").await.id;
    let session = world.session(world.owner.id, "old").await;
    let mut tries = Vec::new();
    for index in 0..10 {
        let (world, id) = (Arc::clone(&world), session.id);
        tries.push(tokio::spawn(async move {
            let new = Digest::of(format!("new {index}").as_bytes());
            let mut write = world.store.begin().await.unwrap();
            let won = write
                .rotate_cookie(id, &Digest::of(b"old"), &new, other, at(8))
                .await
                .unwrap();
            write.commit(record("session.switched")).await.unwrap();
            won.then_some(new)
        }));
    }
    let mut winners = Vec::new();
    for attempt in tries {
        winners.extend(attempt.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    let found = world.store.caller_by_cookie(&winners[0]).await.unwrap();
    let (found, caller) = found.unwrap();
    assert_eq!((found.id, found.last_seen_at), (session.id, at(8)));
    assert_eq!(caller.organization_id, other);
    let dead = world
        .store
        .caller_by_cookie(&Digest::of(b"old"))
        .await
        .unwrap();
    assert_eq!(dead, None);
}

#[rstest]
#[tokio::test]
async fn an_ended_session_gets_no_new_cookie(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let session = world.session(world.owner.id, "old").await;
    let mut write = world.store.begin().await.unwrap();
    write.end_session(session.id, at(1)).await.unwrap();
    let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
    let rotated = write
        .rotate_cookie(session.id, &old, &new, world.organization.id, at(2))
        .await
        .unwrap();
    assert!(!rotated);
}

#[rstest]
#[tokio::test]
async fn a_session_is_held_until_it_is_idle_over_or_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    // Last seen at 0, over at 1000.
    let session = world.session(world.owner.id, "cookie").await;
    let mut write = world.store.begin().await.unwrap();
    for (now, idle_since, expected) in [(999, -1, true), (1_000, -1, false), (10, 0, false)] {
        let held = write.hold_session(session.id, at(now), at(idle_since));
        assert_eq!(held.await.unwrap(), expected, "{now} {idle_since}");
    }
    write.end_session(session.id, at(1)).await.unwrap();
    assert!(!write.hold_session(session.id, at(2), at(-1)).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_session_is_ended_once_by_its_cookie(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let session = world.session(world.owner.id, "cookie").await;
    let mut write = world.store.begin().await.unwrap();
    for (cookie, expected) in [
        ("another", None),
        ("cookie", Some((session.id, session.organization_id))),
        ("cookie", None),
    ] {
        let digest = Digest::of(cookie.as_bytes());
        let ended = write.end_session_by_cookie(&digest, at(1)).await;
        assert_eq!(ended.unwrap(), expected);
    }
}

#[rstest]
#[tokio::test]
async fn the_sessions_that_stand_are_listed_in_one_organization_or_in_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let user = world.owner.id;
    let other = organization("Elsewhere");
    let here = session(world.scope, user);
    let mut there = session(scope(other.id), user);
    there.created_at = at(1);
    let (mut over, mut idle, mut ended) = (here.clone(), here.clone(), here.clone());
    (over.id, over.expires_at) = (session(world.scope, user).id, at(5));
    (idle.id, idle.last_seen_at) = (session(world.scope, user).id, at(-10));
    (ended.id, ended.ended_at) = (session(world.scope, user).id, Some(at(1)));
    let mut write = world.store.begin().await.unwrap();
    write.insert_organization(&other).await.unwrap();
    for one in [&here, &there, &over, &idle, &ended] {
        write.insert_session(one, None).await.unwrap();
    }
    write.commit(record("session.started")).await.unwrap();
    let listed = async |within| {
        let found = world.store.sessions_of(user, within, at(5), at(-10));
        found.await.unwrap()
    };
    assert_eq!(listed(None).await, [there.clone(), here.clone()]);
    assert_eq!(listed(Some(other.id)).await, [there.clone()]);

    let mut write = world.store.begin().await.unwrap();
    let mut others = write
        .end_other_sessions_of(user, here.id, Some(world.organization.id), at(5))
        .await
        .unwrap();
    others.sort_unstable();
    let mut expected = [over.id, idle.id];
    expected.sort_unstable();
    assert_eq!(others, expected);
    let last = write.end_other_sessions_of(user, here.id, None, at(5));
    assert_eq!(last.await.unwrap(), [there.id]);
}

/// As long as the times below need.
const LIFETIMES: Lifetimes = Lifetimes {
    access_token: Duration::from_secs(100),
    session_idle: Duration::from_secs(600),
    session_absolute: Duration::from_secs(2_000),
};

#[rstest]
#[tokio::test]
async fn beyond_the_most_that_a_user_may_have_the_sessions_end_that_are_missed_least(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let user = world.owner.id;
    let grace = world.user("grace@example.com").await;
    let hers = world.session(grace.id, "hers").await;
    let mut write = world.store.begin().await.unwrap();
    // Those that nobody can use any more count for nothing, and neither does one by a provider.
    let (mut over, mut idle) = (session(world.scope, user), session(world.scope, user));
    (over.last_seen_at, over.expires_at) = (at(900), at(901));
    (idle.last_seen_at, idle.expires_at) = (at(300), at(2_000));
    for one in [&over, &idle] {
        write.insert_session(one, None).await.unwrap();
    }
    let mut by_provider = session(world.scope, user);
    (by_provider.last_seen_at, by_provider.expires_at) = (at(400), at(2_000));
    write.insert_session(&by_provider, None).await.unwrap();
    let came_by = came_by(&connection, "x", None);
    let noted = write.insert_sso_session(by_provider.id, &came_by);
    noted.await.unwrap();
    let mut all = Vec::new();
    for second in 1..=i64::from(Session::MAX_PER_USER) + 3 {
        let mut one = session(world.scope, user);
        (one.last_seen_at, one.expires_at) = (at(500 + second), at(2_000));
        // The last token of the tenth is dead, and it has no cookie.
        let cookie = (second != 10).then(|| Digest::of(&second.to_be_bytes()));
        write.insert_session(&one, cookie.as_ref()).await.unwrap();
        all.push(one);
    }
    // The new one stays, also where a clock has made it the oldest.
    let ended = write.end_oldest_sessions_of(&all[0], None, at(950), &LIFETIMES);
    let mut ended = ended.await.unwrap();
    ended.sort_unstable();
    let mut expected = [all[1].id, all[2].id, all[9].id];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    let from = Some(world.organization.id);
    for (new, from) in [(&all[0], None), (&by_provider, from)] {
        let again = write.end_oldest_sessions_of(new, from, at(950), &LIFETIMES);
        assert_eq!(again.await.unwrap(), []);
    }
    write.commit(record("session.started")).await.unwrap();
    let kept = world.store.session(hers.id).await.unwrap().unwrap();
    assert_eq!(kept.ended_at, None);
}

#[rstest]
#[tokio::test]
async fn the_sessions_of_a_user_in_one_organisation_end_and_no_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await.id;
    let other = scope(world.organization("Other").await.id);
    let here = world.session(grace, "here").await.id;
    world.session(world.owner.id, "of another").await;
    let there = session(other, grace);
    let mut write = world.store.begin().await.unwrap();
    write.insert_session(&there, None).await.unwrap();
    let ended = write.end_sessions_in(world.scope, grace, at(5)).await;
    assert_eq!(ended.unwrap(), [here]);
    let again = write.end_sessions_in(world.scope, grace, at(6)).await;
    assert_eq!(again.unwrap(), []);
    write.commit(record("test.ended")).await.unwrap();
    let standing = world.store.sessions_of(grace, None, at(5), at(-1));
    assert_eq!(standing.await.unwrap(), [there]);
    let found = world.store.session(here).await.unwrap();
    assert_eq!(found.unwrap().ended_at, Some(at(5)));
}
