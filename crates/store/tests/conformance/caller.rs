//! Who is calling.

use rstest::rstest;
use vestibule_model::{Capability, Digest, GrantHolder, HeldGrant, Role, SigningKeyId};
use vestibule_store::SealedKeyRow;

use crate::support::{Backend, World, at, record, scope, session};

#[rstest]
#[tokio::test]
async fn a_key_resolves_to_all_that_a_decision_needs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let group = world.group("Readers").await;
    let foreign = world.organization("Other").await;
    let mut write = world.store.begin().await.unwrap();
    write
        .add_group_member(world.scope, group.id, grace.id, at(0))
        .await
        .unwrap();
    let mut elsewhere = crate::support::grant(
        scope(foreign.id),
        GrantHolder::User(grace.id),
        "/foreign",
        Capability::ReadOnly,
    );
    elsewhere.can_approve = true;
    write.insert_grant(&elsewhere).await.unwrap();
    write.commit(record("test.prepared")).await.unwrap();
    let own = world
        .grant(GrantHolder::User(grace.id), "/a b/c", Capability::ReadOnly)
        .await;
    let through = world
        .grant(
            GrantHolder::Group(group.id),
            "/",
            Capability::ReadWriteDelete,
        )
        .await;
    let stranger = GrantHolder::User(world.owner.id);
    world.grant(stranger, "/owner", Capability::ReadWrite).await;
    let key = world.api_key(grace.id, "plain", false).await;

    let found = world
        .store
        .caller_by_key(&Digest::of(b"plain"))
        .await
        .unwrap();
    let (found, caller) = found.unwrap();
    assert_eq!(found, key);
    assert_eq!(caller.user_id, grace.id);
    assert_eq!(caller.organization_id, world.organization.id);
    assert_eq!(caller.plan, world.organization.plan);
    assert_eq!(caller.membership, Some((Role::User, None)));
    assert_eq!(
        (caller.user_suspended_at, caller.organization_deactivated_at),
        (None, None)
    );
    assert_eq!(caller.narrowed_to, None);
    let mut expected = vec![
        HeldGrant {
            id: own.id,
            through: None,
            path: own.path,
            capability: Capability::ReadOnly,
            can_approve: false,
        },
        HeldGrant {
            id: through.id,
            through: Some(group.id),
            path: through.path,
            capability: Capability::ReadWriteDelete,
            can_approve: false,
        },
    ];
    expected.sort_unstable_by_key(|grant| grant.id);
    assert_eq!(caller.grants, expected);
    let unknown = world
        .store
        .caller_by_key(&Digest::of(b"unknown"))
        .await
        .unwrap();
    assert_eq!(unknown, None);
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_has_its_own_grants_even_if_there_are_none(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let key = world.api_key(world.owner.id, "narrowed", true).await;
    let narrowed = async || {
        let found = world
            .store
            .caller_by_key(&Digest::of(b"narrowed"))
            .await
            .unwrap();
        found.unwrap().1.narrowed_to
    };
    assert_eq!(narrowed().await, Some(vec![]));
    let mut grant = world
        .grant(GrantHolder::ApiKey(key.id), "/shared", Capability::ReadOnly)
        .await;
    grant.can_approve = true;
    let mut write = world.store.begin().await.unwrap();
    write.update_grant(&grant).await.unwrap();
    write.commit(record("test.prepared")).await.unwrap();
    let held = narrowed().await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].can_approve && held[0].path.as_str() == "/shared");
}

#[rstest]
#[tokio::test]
async fn what_ended_is_found_with_the_cause(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let key = world.api_key(world.owner.id, "key", false).await;
    let session = world.session(world.owner.id, "cookie").await;
    let owner = world.owner.id;
    let mut write = world.store.begin().await.unwrap();
    write
        .revoke_api_key(world.scope, owner, key.id, at(1))
        .await
        .unwrap();
    write.end_session(session.id, at(2)).await.unwrap();
    write.set_user_suspended(owner, Some(at(3))).await.unwrap();
    write
        .set_organization_deactivated(world.scope, Some(at(4)))
        .await
        .unwrap();
    write
        .set_membership_deactivated(world.scope, owner, Some(at(5)))
        .await
        .unwrap();
    write.commit(record("test.prepared")).await.unwrap();
    let found = world
        .store
        .caller_by_key(&Digest::of(b"key"))
        .await
        .unwrap();
    let (key, by_key) = found.unwrap();
    assert_eq!(key.revoked_at, Some(at(1)));
    let found = world
        .store
        .caller_by_cookie(&Digest::of(b"cookie"))
        .await
        .unwrap();
    let (session, by_cookie) = found.unwrap();
    assert_eq!(session.ended_at, Some(at(2)));
    assert_eq!(by_key, by_cookie);
    assert_eq!(by_key.user_suspended_at, Some(at(3)));
    assert_eq!(by_key.organization_deactivated_at, Some(at(4)));
    assert_eq!(by_key.membership, Some((Role::Owner, Some(at(5)))));
}

#[rstest]
#[tokio::test]
async fn a_token_s_organization_is_its_own_and_not_the_cookie_s(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.organization("Other").await;
    let found_session = world.session(world.owner.id, "cookie").await;
    let (found, caller) = world
        .store
        .caller_by_session(found_session.id, other.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, found_session);
    assert_eq!(
        (caller.organization_id, caller.membership),
        (other.id, None)
    );
    // By a token so, too, as long as the key that signed it is kept.
    let key = SigningKeyId::from_uuid(uuid::Uuid::from_u128(1));
    let by_token = world.store.caller_by_token(found.id, other.id, key).await;
    assert_eq!(by_token.unwrap(), None);
    let mut write = world.store.begin().await.unwrap();
    let row = SealedKeyRow {
        id: key,
        sealed: vec![1; 48],
        created_at: at(1),
        retired_at: Some(at(2)),
    };
    write.insert_signing_key(&row).await.unwrap();
    write.commit(record("keyring.created")).await.unwrap();
    let by_token = world.store.caller_by_token(found.id, other.id, key).await;
    assert_eq!(by_token.unwrap().unwrap(), (found, caller));
    let unknown = session(world.scope, world.owner.id).id;
    let found = world
        .store
        .caller_by_session(unknown, other.id)
        .await
        .unwrap();
    assert_eq!(found, None);
    let unknown = crate::support::organization("Nowhere").id;
    let found = world
        .store
        .caller_by_session(found_session.id, unknown)
        .await
        .unwrap();
    assert_eq!(found, None);
}
