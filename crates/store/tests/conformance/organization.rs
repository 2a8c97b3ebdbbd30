//! Workspaces.

use rstest::rstest;
use vestibule_model::Role;
use vestibule_store::Page;

use crate::support::{Backend, World, at, membership, organization, record, scope};

#[rstest]
#[tokio::test]
async fn an_organization_is_found_and_listed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let found = world
        .store
        .organization(world.organization.id)
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&world.organization));
    let mut write = world.store.begin().await.unwrap();
    let seen = write.organization(world.organization.id).await.unwrap();
    assert_eq!(seen, found);
    drop(write);
    let unknown = organization("Nowhere").id;
    assert_eq!(world.store.organization(unknown).await.unwrap(), None);
    let other = world.organization("Other").await;
    let (all, total) = world
        .store
        .organizations(Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(total, 2);
    assert!(all.contains(&other) && all.contains(&world.organization));
}

#[rstest]
#[tokio::test]
async fn a_user_s_organizations_are_those_where_the_user_may_act(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let second = world.organization("Second").await;
    let left = world.organization("Left").await;
    let closed = world.organization("Closed").await;
    world.organization("Foreign").await;
    let mut write = world.store.begin().await.unwrap();
    for (organization, joined) in [(&second, 9), (&left, 1), (&closed, 2)] {
        let mut membership = membership(scope(organization.id), world.owner.id, Role::User);
        membership.created_at = at(joined);
        write.insert_membership(&membership).await.unwrap();
    }
    let (user, since) = (world.owner.id, Some(at(10)));
    write
        .set_membership_deactivated(scope(left.id), user, since)
        .await
        .unwrap();
    write
        .set_organization_deactivated(scope(closed.id), since)
        .await
        .unwrap();
    write.commit(record("test.prepared")).await.unwrap();

    let listed = world
        .store
        .organizations_of(user, None, Page::default())
        .await
        .unwrap();
    let expected = vec![
        (world.organization.clone(), Role::Owner),
        (second.clone(), Role::User),
    ];
    assert_eq!(listed.into_counted(), (expected, 2));
    let page = Page::at(1, 1);
    let store = &world.store;
    let listed = store.organizations_of(user, None, page).await.unwrap();
    assert_eq!(
        listed.into_counted(),
        (vec![(second.clone(), Role::User)], 2)
    );
    let first = Page::first(5);
    let one = store.organizations_of(user, Some(second.id), first).await;
    assert_eq!(one.unwrap().into_counted(), (vec![(second, Role::User)], 1));
    let none = store.organizations_of(user, Some(left.id), first).await;
    assert_eq!(none.unwrap().into_counted(), (Vec::new(), 0));
}

#[rstest]
#[tokio::test]
async fn an_organization_changes_its_plan_and_is_deactivated(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let nowhere = scope(organization("Nowhere").id);
    let team = "team".parse().unwrap();
    let mut write = world.store.begin().await.unwrap();
    assert!(write.set_plan(world.scope, &team).await.unwrap());
    assert!(!write.set_plan(nowhere, &team).await.unwrap());
    assert!(
        write
            .set_organization_deactivated(world.scope, Some(at(1)))
            .await
            .unwrap()
    );
    assert!(
        !write
            .set_organization_deactivated(nowhere, None)
            .await
            .unwrap()
    );
    assert!(write.lock_organization(world.scope).await.unwrap());
    assert!(!write.lock_organization(nowhere).await.unwrap());
    write.commit(record("organization.plan_set")).await.unwrap();
    let found = world
        .store
        .organization(world.organization.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.plan, found.deactivated_at), (team, Some(at(1))));
}
