//! API keys.

use rstest::rstest;
use vestibule_model::{
    ApiKey, ApiKeyId, Capability, Digest, GrantHolder, OsEntropy, Role, SystemClock,
};
use vestibule_store::{Conflict, Page, StoreError};

use crate::single_sign_on::connection;
use crate::support::{Backend, World, api_key, at, record, scope};

#[rstest]
#[tokio::test]
async fn a_user_sees_only_own_keys_that_are_not_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let plain = world.api_key(world.owner.id, "plain", false).await;
    let narrowed = world.api_key(world.owner.id, "narrowed", true).await;
    let narrowed_id = narrowed.id;
    let holder = GrantHolder::ApiKey(narrowed_id);
    let grant = world.grant(holder, "/shared", Capability::ReadOnly).await;
    let bare = world.api_key(world.owner.id, "bare", true).await;
    world.api_key(grace.id, "grace", false).await;
    let other = scope(world.organization("Other").await.id);

    let keys = world
        .store
        .api_keys_of(world.scope, world.owner.id)
        .await
        .unwrap();
    assert_eq!(
        keys,
        [
            (plain.clone(), None),
            (narrowed.clone(), Some(vec![grant.clone()])),
            (bare, Some(vec![]))
        ]
    );
    let one = async |scope, owner, id| world.store.api_key(scope, owner, id).await.unwrap();
    assert_eq!(
        one(world.scope, world.owner.id, narrowed.id).await,
        Some((narrowed, Some(vec![grant])))
    );
    let found = one(world.scope, world.owner.id, plain.id).await;
    assert_eq!(found, Some((plain.clone(), None)));
    assert_eq!(one(world.scope, grace.id, plain.id).await, None);
    assert_eq!(one(other, world.owner.id, plain.id).await, None);
    let (all, total) = world
        .store
        .api_keys(world.scope, Page::first(3))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((all.len(), total), (3, 4));
    let of_narrowed = all.iter().find(|(key, _)| key.id == narrowed_id);
    assert_eq!(of_narrowed.unwrap().1.as_ref().unwrap().len(), 1);
    assert_eq!(all[0].1, None);
    assert_eq!(
        world
            .store
            .api_keys(other, Page::default())
            .await
            .unwrap()
            .into_counted(),
        (vec![], 0)
    );
}

#[rstest]
#[tokio::test]
async fn a_key_is_deleted_once_by_its_owner_in_its_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let other = scope(world.organization("Other").await.id);
    let key = world.api_key(world.owner.id, "key", false).await;
    let mut write = world.store.begin().await.unwrap();
    let owner = world.owner.id;
    assert!(
        !write
            .revoke_api_key(world.scope, grace.id, key.id, at(3))
            .await
            .unwrap()
    );
    assert!(
        !write
            .revoke_api_key(other, owner, key.id, at(3))
            .await
            .unwrap()
    );
    assert!(
        write
            .revoke_api_key(world.scope, owner, key.id, at(3))
            .await
            .unwrap()
    );
    assert!(
        !write
            .revoke_api_key(world.scope, owner, key.id, at(4))
            .await
            .unwrap()
    );
    write.commit(record("api_key.deleted")).await.unwrap();
    assert_eq!(
        world.store.api_keys_of(world.scope, owner).await.unwrap(),
        []
    );
    assert_eq!(
        world
            .store
            .api_key(world.scope, owner, key.id)
            .await
            .unwrap(),
        None
    );
    let (all, _) = world
        .store
        .api_keys(world.scope, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(all[0].0.revoked_at, Some(at(3)));
}

#[rstest]
#[tokio::test]
async fn a_user_s_keys_are_counted_whether_expired_or_not_until_they_are_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (scope, owner) = (world.scope, world.owner.id);
    let grace = world.member("grace@example.com", Role::User).await;
    world.api_key(grace.id, "grace", false).await;
    let deleted = world.api_key(owner, "deleted", false).await;
    world.api_key(owner, "plain", false).await;
    let mut expired = api_key(scope, owner, "expired");
    expired.expires_at = Some(at(-1));
    let mut write = world.store.begin().await.unwrap();
    let digest = Digest::of(b"expired");
    write
        .insert_api_key(&expired, &digest, false)
        .await
        .unwrap();
    let revoked = write.revoke_api_key(scope, owner, deleted.id, at(0)).await;
    assert!(revoked.unwrap());
    for (up_to, counted) in [(1, 1), (2, 2), (3, 2)] {
        let count = write.count_api_keys(scope, owner, up_to).await;
        assert_eq!(count.unwrap(), counted);
    }
}

#[rstest]
#[tokio::test]
async fn the_newest_keys_of_a_user_are_found_in_all_organizations_revoked_or_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (scope, owner) = (world.scope, world.owner.id);
    let elsewhere = crate::support::scope(world.organization("Other").await.id);
    let grace = world.member("grace@example.com", Role::User).await.id;
    let mut write = world.store.begin().await.unwrap();
    for (second, scope, owner) in [
        (1, scope, owner),
        (2, elsewhere, owner),
        (3, scope, grace),
        (4, scope, owner),
    ] {
        let mut key = api_key(scope, owner, "key");
        key.created_at = at(second);
        key.revoked_at = Some(at(second));
        let digest = Digest::of(&second.to_le_bytes());
        write.insert_api_key(&key, &digest, false).await.unwrap();
    }
    for (since, newer, expected) in [
        (0, 0, Some(4)),
        (0, 1, Some(2)),
        (0, 2, Some(1)),
        (0, 3, None),
        (1, 2, None),
    ] {
        let found = write.nth_newest_api_key(owner, at(since), newer).await;
        assert_eq!(found.unwrap(), expected.map(at), "{newer} since {since}");
    }
}

#[rstest]
#[tokio::test]
async fn two_keys_never_share_a_secret(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.api_key(world.owner.id, "one", false).await;
    let mut write = world.store.begin().await.unwrap();
    let twin = api_key(world.scope, world.owner.id, "two");
    let refused = write
        .insert_api_key(&twin, &Digest::of(b"one"), false)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Identity))),
        "{refused:?}"
    );
}

#[rstest]
#[tokio::test]
async fn use_is_noted_and_only_moves_forward(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let key = world.api_key(world.owner.id, "key", false).await;
    let session = world.session(world.owner.id, "cookie").await;
    for (noted, expected) in [(50, 50), (20, 50), (70, 70)] {
        let mut write = world.store.begin_unaudited().await.unwrap();
        write
            .flush_usage(&[(key.id, at(noted))], &[(session.id, at(noted))])
            .await
            .unwrap();
        write.commit().await.unwrap();
        let found = world
            .store
            .api_key(world.scope, world.owner.id, key.id)
            .await
            .unwrap();
        assert_eq!(found.unwrap().0.last_used_at, Some(at(expected)));
        let found = world.store.session(session.id).await.unwrap();
        assert_eq!(found.unwrap().last_seen_at, at(expected));
    }
}

#[rstest]
#[tokio::test]
async fn a_key_is_held_until_it_expires_or_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let endless = world.api_key(world.owner.id, "endless", false).await;
    let mut ending = api_key(world.scope, world.owner.id, "ending");
    ending.expires_at = Some(at(5));
    let mut write = world.store.begin().await.unwrap();
    let digest = Digest::of(b"ending");
    write.insert_api_key(&ending, &digest, false).await.unwrap();
    for (key, now, expected) in [
        (endless.id, 4, true),
        (ending.id, 4, true),
        (ending.id, 5, false),
    ] {
        assert_eq!(write.hold_api_key(key, at(now)).await.unwrap(), expected);
    }
    let deleted = write.revoke_api_key(world.scope, world.owner.id, endless.id, at(4));
    assert!(deleted.await.unwrap());
    assert!(!write.hold_api_key(endless.id, at(4)).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn keys_of_a_connection_are_revoked_together_and_no_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let foreign = scope(world.organization("Other").await.id);
    let (scope, ada) = (world.scope, world.owner.id);
    let grace = world.member("grace@example.com", Role::User).await.id;
    let (one, other) = (connection(&world).await.id, connection(&world).await.id);
    let new = async |owner, name: &str, connection_id, expires_at| {
        let key = ApiKey {
            connection_id,
            expires_at,
            ..api_key(scope, owner, name)
        };
        let mut write = world.store.begin().await.unwrap();
        let digest = Digest::of(name.as_bytes());
        write.insert_api_key(&key, &digest, true).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        key
    };
    let adas = new(ada, "ada's", Some(one), None).await;
    let graces = new(grace, "grace's", Some(one), Some(at(100))).await;
    let expired = new(grace, "expired", Some(one), Some(at(5))).await;
    let others = new(grace, "another's", Some(other), None).await;
    let free = new(grace, "free", None, None).await;
    let holder = GrantHolder::ApiKey(graces.id);
    let grant = world.grant(holder, "/a", Capability::ReadOnly).await;
    for (key, expected) in [
        (adas.id, Some(Some(one))),
        (others.id, Some(Some(other))),
        (free.id, Some(None)),
        (ApiKeyId::mint(&SystemClock, &OsEntropy), None),
    ] {
        let found = world.store.connection_of_api_key(key).await.unwrap();
        assert_eq!(found, expected);
        let mut write = world.store.begin().await.unwrap();
        assert_eq!(write.connection_of_api_key(key).await.unwrap(), expected);
    }

    let revoke = async |scope, owner| {
        let mut write = world.store.begin().await.unwrap();
        let revoked = write.revoke_api_keys_of_connection(scope, one, owner, at(10));
        let revoked = revoked.await.unwrap();
        write.commit(record("test.revoked")).await.unwrap();
        revoked
    };
    assert_eq!(revoke(foreign, None).await, []);
    let gone = |key: &ApiKey| ApiKey {
        revoked_at: Some(at(10)),
        ..key.clone()
    };
    let revoked = revoke(scope, Some(grace)).await;
    assert_eq!(revoked, [(gone(&graces), Some(vec![grant]))]);
    let revoked = revoke(scope, None).await;
    assert_eq!(revoked, [(gone(&adas), Some(Vec::new()))]);
    assert_eq!(revoke(scope, None).await, []);
    for untouched in [&expired, &others, &free] {
        let found = world.store.api_key(scope, grace, untouched.id).await;
        assert_eq!(&found.unwrap().unwrap().0, untouched);
    }
}
