//! Grants.

use rstest::rstest;
use vestibule_model::{Capability, GrantHolder, GroupId, ResourcePath, Role};
use vestibule_store::{Conflict, GrantsBelow, Page, StoreError};

use crate::support::{Backend, World, at, grant, record, scope};

fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_grant_is_read_by_its_holder_whatever_that_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let group = world.group("Readers").await;
    let key = world.api_key(world.owner.id, "key", true).await;
    let other = scope(world.organization("Other").await.id);
    for holder in [
        GrantHolder::User(world.owner.id),
        GrantHolder::Group(group.id),
        GrantHolder::ApiKey(key.id),
    ] {
        let given = world
            .grant(holder, "/shared/with a space", Capability::ReadWrite)
            .await;
        let found = world.store.grant(world.scope, given.id).await.unwrap();
        assert_eq!(found, Some(given.clone()));
        let held = world.store.grants_of(world.scope, holder).await.unwrap();
        assert_eq!(held, std::slice::from_ref(&given));
        let mut write = world.store.begin().await.unwrap();
        assert_eq!(write.grant(world.scope, given.id).await.unwrap(), found);
        assert_eq!(write.grants_of(world.scope, holder).await.unwrap(), held);
        assert_eq!(write.grant(other, given.id).await.unwrap(), None);
        assert_eq!(write.grants_of(other, holder).await.unwrap(), []);
    }
}

#[rstest]
#[tokio::test]
async fn a_grant_needs_a_holder_who_exists(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let holder = GrantHolder::Group(GroupId::from_uuid(uuid::Uuid::from_u128(1)));
    let mut write = world.store.begin().await.unwrap();
    let refused = write
        .insert_grant(&grant(world.scope, holder, "/shared", Capability::ReadOnly))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(Conflict::Reference))),
        "{refused:?}"
    );
}

#[rstest]
#[tokio::test]
async fn a_user_s_grants_are_listed_by_capability_and_page(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let holder = GrantHolder::User(grace.id);
    for index in 0..3 {
        world
            .grant(holder, &format!("/read/{index}"), Capability::ReadOnly)
            .await;
    }
    let write_grant = world.grant(holder, "/write", Capability::ReadWrite).await;
    let list = async |scope, capability, page| {
        world
            .store
            .user_grants(scope, grace.id, capability, page)
            .await
            .unwrap()
    };
    let (grants, total) = list(world.scope, None, Page::at(3, 3)).await.into_counted();
    assert_eq!((grants.len(), total), (1, 4));
    let listed = list(world.scope, Some(Capability::ReadWrite), Page::default()).await;
    assert_eq!(listed.into_counted(), (vec![write_grant], 1));
    let other = scope(world.organization("Other").await.id);
    assert_eq!(
        list(other, None, Page::default()).await.into_counted(),
        (vec![], 0)
    );
}

#[rstest]
#[tokio::test]
async fn a_grant_is_changed_and_deleted_in_its_organization_only(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let holder = GrantHolder::User(world.owner.id);
    let mut given = world.grant(holder, "/shared", Capability::ReadOnly).await;
    let other = scope(world.organization("Other").await.id);
    given.path = path("/elsewhere");
    given.capability = Capability::ReadWriteDelete;
    given.can_approve = true;
    given.updated_at = at(5);
    let mut foreign = given.clone();
    foreign.organization_id = other.organization_id();
    let mut write = world.store.begin().await.unwrap();
    assert!(!write.update_grant(&foreign).await.unwrap());
    assert!(write.update_grant(&given).await.unwrap());
    assert!(!write.delete_grant(other, given.id).await.unwrap());
    write.commit(record("grant.changed")).await.unwrap();
    let found = world.store.grant(world.scope, given.id).await.unwrap();
    assert_eq!(found, Some(given.clone()));
    let mut write = world.store.begin().await.unwrap();
    assert!(write.delete_grant(world.scope, given.id).await.unwrap());
    assert!(!write.delete_grant(world.scope, given.id).await.unwrap());
    write.commit(record("grant.deleted")).await.unwrap();
    assert_eq!(
        world.store.grant(world.scope, given.id).await.unwrap(),
        None
    );
}

#[rstest]
#[tokio::test]
async fn grants_follow_their_folder_by_whole_segments(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let holder = GrantHolder::User(world.owner.id);
    for text in [
        "/shared/f",
        "/shared/f/x",
        "/shared/f/é/y",
        "/shared/fx",
        "/shared/f%",
        "/shared",
    ] {
        world.grant(holder, text, Capability::ReadOnly).await;
    }
    let (from, to) = (path("/shared/f"), path("/private/g"));
    let mut write = world.store.begin().await.unwrap();
    let moved = write
        .rebase_grants(world.scope, &from, &to, at(9), 2)
        .await
        .unwrap();
    write.commit(record("folder.moved")).await.unwrap();
    assert_eq!(moved.count, 3);
    let described: Vec<_> = moved
        .first
        .iter()
        .map(|grant| (grant.path.as_str(), grant.updated_at))
        .collect();
    let expected = [("/private/g", at(9)), ("/private/g/x", at(9))];
    assert_eq!(described, expected, "two of three");
    let held = world.store.grants_of(world.scope, holder).await.unwrap();
    let mut paths: Vec<_> = held.iter().map(|grant| grant.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/private/g",
            "/private/g/x",
            "/private/g/é/y",
            "/shared",
            "/shared/f%",
            "/shared/fx"
        ]
    );
    let mut write = world.store.begin().await.unwrap();
    let root = ResourcePath::root();
    assert_eq!(
        write
            .rebase_grants(world.scope, &root, &to, at(9), 2)
            .await
            .unwrap(),
        GrantsBelow::default()
    );
    assert_eq!(
        write
            .rebase_grants(world.scope, &to, &to, at(9), 2)
            .await
            .unwrap(),
        GrantsBelow::default()
    );
    let long = path(&format!("/{}", "x".repeat(1_022)));
    let moved = write
        .rebase_grants(world.scope, &to, &long, at(9), 2)
        .await
        .unwrap();
    let only_itself = "only the folder itself still has a spelling";
    assert_eq!((moved.count, moved.first.len()), (1, 1), "{only_itself}");
    assert_eq!(moved.first[0].path, long);
    let moved = write.rebase_grants(world.scope, &long, &root, at(9), 2);
    let moved = moved.await.unwrap();
    assert_eq!((moved.count, moved.first[0].path.as_str()), (1, "/"));
    // Those that stayed come to the root without their folder's path.
    let moved = write.rebase_grants(world.scope, &to, &root, at(9), 2);
    let moved = moved.await.unwrap();
    let paths: Vec<_> = moved.first.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["/x", "/é/y"]);
    write.commit(record("folder.moved")).await.unwrap();
    let held = world.store.grants_of(world.scope, holder).await.unwrap();
    let mut stored: Vec<_> = held.iter().map(|it| it.path.as_str()).collect();
    stored.sort_unstable();
    let expected = ["/", "/shared", "/shared/f%", "/shared/fx", "/x", "/é/y"];
    assert_eq!(stored, expected);
}

#[rstest]
#[tokio::test]
async fn grants_end_with_their_folder_by_whole_segments(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let group = world.group("Readers").await;
    let key = world.api_key(world.owner.id, "key", true).await;
    let holder = GrantHolder::User(world.owner.id);
    for text in ["/shared", "/shared/f", "/shared/fx", "/shared/f%"] {
        world.grant(holder, text, Capability::ReadOnly).await;
    }
    for (holder, text) in [
        (GrantHolder::Group(group.id), "/shared/f/x"),
        (GrantHolder::ApiKey(key.id), "/shared/f/é/y"),
    ] {
        world.grant(holder, text, Capability::ReadOnly).await;
    }
    let other = scope(world.organization("Other").await.id);
    let mut write = world.store.begin().await.unwrap();
    let mut delete = async |scope, text: &str| {
        let gone = write
            .delete_grants_below(scope, &path(text), 1)
            .await
            .unwrap();
        assert_eq!(gone.first.is_empty(), gone.count == 0);
        gone.count
    };
    assert_eq!(delete(other, "/shared/f").await, 0);
    assert_eq!(delete(world.scope, "/").await, 0);
    assert_eq!(delete(world.scope, "/shared/f").await, 3);
    assert_eq!(delete(world.scope, "/shared/f").await, 0);
    write.commit(record("folder.deleted")).await.unwrap();
    let held = world.store.grants_of(world.scope, holder).await.unwrap();
    let mut paths: Vec<_> = held.iter().map(|grant| grant.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/shared", "/shared/f%", "/shared/fx"]);
}

#[rstest]
#[tokio::test]
async fn a_grant_on_a_path_says_whose_the_key_is_that_holds_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::Admin).await.id;
    let group = world.group("Readers").await;
    let other = scope(world.organization("Other").await.id);
    let (standing, gone) = (
        world.api_key(grace, "standing", true).await,
        world.api_key(world.owner.id, "gone", true).await,
    );
    for (holder, text) in [
        (GrantHolder::User(grace), "/shared/f"),
        (GrantHolder::Group(group.id), "/shared/f/x"),
        (GrantHolder::ApiKey(standing.id), "/shared/f/x/y"),
        (GrantHolder::ApiKey(gone.id), "/shared/f"),
        (GrantHolder::ApiKey(gone.id), "/shared/fx"),
    ] {
        world.grant(holder, text, Capability::ReadOnly).await;
    }
    let mut write = world.store.begin().await.unwrap();
    let owner = world.owner.id;
    let revoked = write
        .revoke_api_key(world.scope, owner, gone.id, at(5))
        .await;
    assert!(revoked.unwrap());
    let below = path("/shared/f");
    let placed = write.grants_below(world.scope, &below).await.unwrap();
    assert_eq!(placed.len(), 4);
    for placed in placed {
        let GrantHolder::ApiKey(id) = placed.grant.holder else {
            assert_eq!(placed.key, None);
            continue;
        };
        let key = placed.key.unwrap();
        let wanted = if id == gone.id {
            (owner, Some(Role::Owner), Some(at(5)))
        } else {
            (grace, Some(Role::Admin), None)
        };
        assert_eq!((key.owner_id, key.owner_role, key.revoked_at), wanted);
        assert_eq!(key.has_ended(at(6)), id == gone.id);
    }
    // The root is nobody's to come to, and other organisations are nowhere.
    let root = ResourcePath::root();
    assert_eq!(write.grants_below(world.scope, &root).await.unwrap(), []);
    assert_eq!(write.grants_below(other, &below).await.unwrap(), []);
}
