//! Members.

use std::sync::Arc;

use rstest::rstest;
use vestibule_model::{AuditRecord, Capability, GrantHolder, Role};
use vestibule_store::{Conflict, Page, StoreError};

use crate::support::{Backend, World, at, membership, record, scope, user};

#[rstest]
#[tokio::test]
async fn a_member_is_added_once_and_only_if_known(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let found = world.store.membership(world.scope, grace.id).await.unwrap();
    assert_eq!(found, Some(membership(world.scope, grace.id, Role::User)));
    let mut write = world.store.begin().await.unwrap();
    assert_eq!(
        write.membership(world.scope, grace.id).await.unwrap(),
        found
    );
    let refused = write
        .insert_membership(&membership(world.scope, grace.id, Role::Admin))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Membership))),
        "{refused:?}"
    );
    drop(write);
    let mut write = world.store.begin().await.unwrap();
    let unknown = user("nobody@example.com").id;
    let refused = write
        .insert_membership(&membership(world.scope, unknown, Role::Admin))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Reference))),
        "{refused:?}"
    );
}

#[rstest]
#[tokio::test]
async fn the_owners_of_one_organization_are_its_active_ones(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.member("grace@example.com", Role::User).await;
    world.member("alan@example.com", Role::Admin).await;
    let other = world.member("charles@example.com", Role::Owner).await;
    let listed = async |scope| {
        let owners = world.store.owners(scope).await.unwrap();
        owners
            .into_iter()
            .map(|(user, _)| user.id)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(listed(world.scope).await, [world.owner.id, other.id].into());
    let mut write = world.store.begin().await.unwrap();
    write
        .set_membership_deactivated(world.scope, other.id, Some(at(9)))
        .await
        .unwrap();
    write.commit(record("member.deactivated")).await.unwrap();
    assert_eq!(listed(world.scope).await, [world.owner.id].into());
    let elsewhere = scope(world.organization("Other").await.id);
    assert_eq!(listed(elsewhere).await, [].into());
}

#[rstest]
#[tokio::test]
async fn members_are_listed_with_their_users_and_nobody_else_s(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let other = world.organization("Other").await;
    let (members, total) = world
        .store
        .members(world.scope, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(total, 2);
    let expected = (grace.clone(), membership(world.scope, grace.id, Role::User));
    assert!(members.contains(&expected), "{members:?}");
    let (members, total) = world
        .store
        .members(world.scope, Page::at(1, 1))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((members.len(), total), (1, 2));
    let members = world
        .store
        .members(scope(other.id), Page::default())
        .await
        .unwrap();
    assert_eq!(members.into_counted(), (vec![], 0));
    assert_eq!(
        world
            .store
            .membership(scope(other.id), grace.id)
            .await
            .unwrap(),
        None
    );
}

#[rstest]
#[tokio::test]
async fn a_role_is_set_in_one_organization_only(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let other = scope(world.organization("Other").await.id);
    let mut write = world.store.begin().await.unwrap();
    assert!(!write.set_role(other, grace.id, Role::Owner).await.unwrap());
    assert!(
        write
            .set_role(world.scope, grace.id, Role::Admin)
            .await
            .unwrap()
    );
    write.commit(record("member.role_set")).await.unwrap();
    let found = world.store.membership(world.scope, grace.id).await.unwrap();
    assert_eq!(found.unwrap().role, Role::Admin);
}

#[rstest]
#[tokio::test]
async fn deactivation_ends_group_memberships_for_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let group = world.group("Readers").await;
    let mut write = world.store.begin().await.unwrap();
    assert!(
        write
            .add_group_member(world.scope, group.id, grace.id, at(1))
            .await
            .unwrap()
    );
    assert_eq!(write.count_members(world.scope, 10).await.unwrap(), 2);
    write
        .set_membership_deactivated(world.scope, grace.id, Some(at(2)))
        .await
        .unwrap();
    assert_eq!(write.count_members(world.scope, 10).await.unwrap(), 1);
    write
        .set_membership_deactivated(world.scope, grace.id, None)
        .await
        .unwrap();
    write.commit(record("member.deactivated")).await.unwrap();
    let members = world
        .store
        .group_members(world.scope, group.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(members, []);
    let found = world.store.membership(world.scope, grace.id).await.unwrap();
    assert_eq!(found.unwrap().deactivated_at, None);
}

#[rstest]
#[tokio::test]
async fn a_removed_member_leaves_no_right_behind(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let group = world.group("Readers").await;
    let key = world.api_key(grace.id, "grace's key", true).await;
    let holder = GrantHolder::User(grace.id);
    world.grant(holder, "/shared", Capability::ReadOnly).await;
    world
        .grant(GrantHolder::ApiKey(key.id), "/shared", Capability::ReadOnly)
        .await;
    let mut write = world.store.begin().await.unwrap();
    write
        .add_group_member(world.scope, group.id, grace.id, at(1))
        .await
        .unwrap();
    assert!(
        write
            .remove_membership(world.scope, grace.id, at(2))
            .await
            .unwrap()
    );
    assert!(
        !write
            .remove_membership(world.scope, grace.id, at(2))
            .await
            .unwrap()
    );
    write.commit(record("member.removed")).await.unwrap();
    assert_eq!(
        world.store.membership(world.scope, grace.id).await.unwrap(),
        None
    );
    assert_eq!(
        world.store.grants_of(world.scope, holder).await.unwrap(),
        []
    );
    assert_eq!(
        world
            .store
            .api_keys_of(world.scope, grace.id)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        world
            .store
            .group_members(world.scope, group.id, Page::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(world.store.user(grace.id).await.unwrap(), Some(grace));
}

#[rstest]
#[tokio::test]
async fn owners_who_cannot_act_are_not_counted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let asleep = world.member("asleep@example.com", Role::Owner).await;
    let suspended = world.member("suspended@example.com", Role::Owner).await;
    world.member("admin@example.com", Role::Admin).await;
    let mut write = world.store.begin().await.unwrap();
    assert_eq!(write.count_owners(world.scope, 10).await.unwrap(), 3);
    write
        .set_membership_deactivated(world.scope, asleep.id, Some(at(1)))
        .await
        .unwrap();
    write
        .set_user_suspended(suspended.id, Some(at(1)))
        .await
        .unwrap();
    assert_eq!(write.count_owners(world.scope, 10).await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Arc::new(World::new(backend).await);
    for round in 0..5 {
        let second = world
            .member(&format!("second{round}@example.com"), Role::Owner)
            .await;
        let leave = |user| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut write = world.store.begin().await.unwrap();
                assert!(write.lock_organization(world.scope).await.unwrap());
                if write.count_owners(world.scope, 10).await.unwrap() < 2 {
                    return false;
                }
                write.set_role(world.scope, user, Role::User).await.unwrap();
                write.commit(record("member.role_set")).await.unwrap();
                true
            })
        };
        let (first, other) = tokio::join!(leave(world.owner.id), leave(second.id));
        assert!(first.unwrap() ^ other.unwrap());
        let mut write = world.store.begin().await.unwrap();
        assert_eq!(write.count_owners(world.scope, 10).await.unwrap(), 1);
        write
            .set_role(world.scope, second.id, Role::User)
            .await
            .unwrap();
        write
            .set_role(world.scope, world.owner.id, Role::Owner)
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn the_role_of_an_active_member_of_an_active_organization_is_seen_in_the_transaction(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (scope, owner) = (world.scope, world.owner.id);
    let stranger = world.user("stranger@example.com").await;
    let mut write = world.store.begin().await.unwrap();
    assert_eq!(write.active_role(scope, stranger.id).await.unwrap(), None);
    assert_eq!(
        write.active_role(scope, owner).await.unwrap(),
        Some(Role::Owner)
    );
    write.set_role(scope, owner, Role::User).await.unwrap();
    assert_eq!(
        write.active_role(scope, owner).await.unwrap(),
        Some(Role::User)
    );
    let since = Some(at(1));
    write
        .set_membership_deactivated(scope, owner, since)
        .await
        .unwrap();
    assert_eq!(write.active_role(scope, owner).await.unwrap(), None);
    write
        .set_membership_deactivated(scope, owner, None)
        .await
        .unwrap();
    write
        .set_organization_deactivated(scope, since)
        .await
        .unwrap();
    assert_eq!(write.active_role(scope, owner).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn the_end_of_a_membership_is_known_after_there_is_a_new_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (grace, here) = (
        world.member("grace@example.com", Role::User).await.id,
        world.organization.id,
    );
    let ended = async |since| {
        let found = world.store.has_membership_ended_since(grace, here, since);
        found.await.unwrap()
    };
    assert!(!ended(at(0)).await);
    for (seconds, kind, user) in [
        (5, "member.deactivated", grace),
        (6, "member.activated", grace),
        (9, "member.removed", world.owner.id),
    ] {
        let write = world.store.begin().await.unwrap();
        let record = AuditRecord {
            at: at(seconds),
            organization_id: Some(here),
            subject: Some(user.to_string()),
            ..record(kind)
        };
        write.commit(record).await.unwrap();
    }
    assert!(ended(at(0)).await);
    assert!(ended(at(4)).await);
    assert!(!ended(at(5)).await, "in that moment, and not after it");
    let elsewhere = world.organization("Other").await.id;
    let found = world
        .store
        .has_membership_ended_since(grace, elsewhere, at(0));
    assert!(!found.await.unwrap());
}
