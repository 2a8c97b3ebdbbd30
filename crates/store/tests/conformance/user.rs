//! People.

use rstest::rstest;
use vestibule_model::{Role, UserId};
use vestibule_store::{Conflict, Page, StoreError};

use crate::support::{Backend, World, at, membership, record, scope, user};

#[rstest]
#[tokio::test]
async fn a_user_is_found_by_id_and_by_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let found = world.store.user(world.owner.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&world.owner));
    let by_email = world.store.user_by_email(&world.owner.email).await.unwrap();
    assert_eq!(by_email, found);
    let stranger = user("eve@example.com");
    assert_eq!(world.store.user(stranger.id).await.unwrap(), None);
    let by_email = world.store.user_by_email(&stranger.email).await.unwrap();
    assert_eq!(by_email, None);
}

#[rstest]
#[tokio::test]
async fn an_address_belongs_to_one_user(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut write = world.store.begin().await.unwrap();
    let refused = write.insert_user(&user("ada@example.com"), None).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Email))),
        "{refused:?}"
    );
    drop(write);
    let mut twin = user("twin@example.com");
    twin.id = world.owner.id;
    let mut write = world.store.begin().await.unwrap();
    let refused = write.insert_user(&twin, None).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Identity))),
        "{refused:?}"
    );
}

#[rstest]
#[tokio::test]
async fn a_password_is_set_and_read(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let id = world.owner.id;
    assert_eq!(world.store.password_of(id).await.unwrap(), None);
    let mut write = world.store.begin().await.unwrap();
    assert!(write.set_password(id, "$argon2id$1").await.unwrap());
    let nobody = user("nobody@example.com").id;
    assert!(!write.set_password(nobody, "$argon2id$2").await.unwrap());
    write.commit(record("user.password_set")).await.unwrap();
    let stored = world.store.password_of(id).await.unwrap();
    assert_eq!(stored.as_deref(), Some("$argon2id$1"));
    assert_eq!(world.store.password_of(nobody).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_user_is_suspended_and_let_in_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    for since in [Some(at(7)), None] {
        let mut write = world.store.begin().await.unwrap();
        assert!(
            write
                .set_user_suspended(world.owner.id, since)
                .await
                .unwrap()
        );
        write.commit(record("user.suspended")).await.unwrap();
        let found = world.store.user(world.owner.id).await.unwrap().unwrap();
        assert_eq!(found.suspended_at, since);
    }
    let mut write = world.store.begin().await.unwrap();
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    assert!(!write.set_user_suspended(nobody, None).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_sign_in_sees_active_memberships_the_oldest_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.user("grace@example.com").await;
    let row = world
        .store
        .sign_in_row(&grace.email)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.user, grace);
    assert_eq!((row.password_hash, row.memberships), (None, vec![]));

    let young = world.organization("Young").await;
    let left = world.organization("Left").await;
    let closed = world.organization("Closed").await;
    let mut write = world.store.begin().await.unwrap();
    for (organization, joined) in [
        (&young, 9),
        (&world.organization, 5),
        (&left, 1),
        (&closed, 2),
    ] {
        let mut membership = membership(scope(organization.id), grace.id, Role::User);
        membership.created_at = at(joined);
        write.insert_membership(&membership).await.unwrap();
    }
    let since = Some(at(10));
    write
        .set_membership_deactivated(scope(left.id), grace.id, since)
        .await
        .unwrap();
    write
        .set_organization_deactivated(scope(closed.id), since)
        .await
        .unwrap();
    write.set_password(grace.id, "$argon2id$").await.unwrap();
    write.commit(record("test.prepared")).await.unwrap();

    let row = world
        .store
        .sign_in_row(&grace.email)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.password_hash.as_deref(), Some("$argon2id$"));
    assert!(!format!("{row:?}").contains("argon2id"));
    assert_eq!(
        row.memberships,
        [(world.organization.id, Role::User), (young.id, Role::User)]
    );
    let nobody = user("nobody@example.com").email;
    assert_eq!(world.store.sign_in_row(&nobody).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn users_are_listed_in_pages(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let world = World::new(backend).await;
    for index in 0..4 {
        world.user(&format!("user{index}@example.com")).await;
    }
    let (users, total) = world
        .store
        .users(Page::at(3, 3))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((users.len(), total), (2, 5));
    let (users, total) = world
        .store
        .users(Page::at(3, 9))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((users.len(), total), (0, 5));
}

#[rstest]
#[tokio::test]
async fn a_user_is_held_while_not_suspended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let unknown = user("nobody@example.com").id;
    let mut write = world.store.begin().await.unwrap();
    assert!(write.hold_user(world.owner.id).await.unwrap());
    assert!(!write.hold_user(unknown).await.unwrap());
    let suspended = write.set_user_suspended(world.owner.id, Some(at(1))).await;
    assert!(suspended.unwrap());
    assert!(!write.hold_user(world.owner.id).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_password_is_held_while_it_is_that_of_a_user_who_is_not_suspended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let id = world.owner.id;
    let mut write = world.store.begin().await.unwrap();
    assert!(!write.hold_password(id, "one").await.unwrap());
    write.set_password(id, "one").await.unwrap();
    assert!(write.hold_password(id, "one").await.unwrap());
    assert!(!write.hold_password(id, "two").await.unwrap());
    write.set_user_suspended(id, Some(at(1))).await.unwrap();
    assert!(!write.hold_password(id, "one").await.unwrap());
}
