//! Groups.

use rstest::rstest;
use vestibule_model::{Capability, GrantHolder, GroupId, Role};
use vestibule_store::{Conflict, Page, StoreError};

use crate::support::{Backend, World, at, record, scope};

#[rstest]
#[tokio::test]
async fn a_group_is_known_in_its_organization_only(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let group = world.group("Readers").await;
    let other = scope(world.organization("Other").await.id);
    assert_eq!(
        world
            .store
            .groups(world.scope, Page::default())
            .await
            .unwrap()
            .items,
        std::slice::from_ref(&group)
    );
    let found = world.store.group(world.scope, group.id).await.unwrap();
    assert_eq!(found, Some(group.clone()));
    assert_eq!(
        world
            .store
            .groups(other, Page::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(world.store.group(other, group.id).await.unwrap(), None);
    let mut twin = group.clone();
    twin.id = GroupId::from_uuid(uuid::Uuid::from_u128(1));
    let mut write = world.store.begin().await.unwrap();
    let refused = write.insert_group(&twin).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::GroupName))),
        "{refused:?}"
    );
    drop(write);
    twin.organization_id = other.organization_id();
    let mut write = world.store.begin().await.unwrap();
    write.insert_group(&twin).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn only_active_members_join_a_group_and_only_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let group = world.group("Readers").await;
    let grace = world.member("grace@example.com", Role::User).await;
    let stranger = world.user("eve@example.com").await;
    let asleep = world.member("asleep@example.com", Role::User).await;
    let other = scope(world.organization("Other").await.id);
    let mut write = world.store.begin().await.unwrap();
    write
        .set_membership_deactivated(world.scope, asleep.id, Some(at(1)))
        .await
        .unwrap();
    assert!(
        !write
            .add_group_member(world.scope, group.id, stranger.id, at(1))
            .await
            .unwrap()
    );
    assert!(
        !write
            .add_group_member(world.scope, group.id, asleep.id, at(1))
            .await
            .unwrap()
    );
    assert!(
        !write
            .add_group_member(other, group.id, grace.id, at(1))
            .await
            .unwrap()
    );
    assert!(
        write
            .add_group_member(world.scope, group.id, grace.id, at(1))
            .await
            .unwrap()
    );
    write.commit(record("group.member_added")).await.unwrap();
    let members = world
        .store
        .group_members(world.scope, group.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(members, [grace.id]);
    let mut write = world.store.begin().await.unwrap();
    let refused = write
        .add_group_member(world.scope, group.id, grace.id, at(1))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::GroupMember))),
        "{refused:?}"
    );
    drop(write);
    let mut write = world.store.begin().await.unwrap();
    assert!(
        !write
            .remove_group_member(other, group.id, grace.id)
            .await
            .unwrap()
    );
    assert!(
        write
            .remove_group_member(world.scope, group.id, grace.id)
            .await
            .unwrap()
    );
    assert!(
        !write
            .remove_group_member(world.scope, group.id, grace.id)
            .await
            .unwrap()
    );
}

#[rstest]
#[tokio::test]
async fn a_deleted_group_takes_its_grants_with_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let group = world.group("Readers").await;
    let holder = GrantHolder::Group(group.id);
    world.grant(holder, "/shared", Capability::ReadOnly).await;
    let other = scope(world.organization("Other").await.id);
    let mut write = world.store.begin().await.unwrap();
    write
        .add_group_member(world.scope, group.id, world.owner.id, at(1))
        .await
        .unwrap();
    assert!(!write.delete_group(other, group.id).await.unwrap());
    assert!(write.delete_group(world.scope, group.id).await.unwrap());
    write.commit(record("group.deleted")).await.unwrap();
    assert_eq!(
        world
            .store
            .groups(world.scope, Page::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(
        world.store.grants_of(world.scope, holder).await.unwrap(),
        []
    );
}
