//! Groups.

use rstest::rstest;
use vestibule_accounts::{NewGrant, Page};
use vestibule_model::{Capability, Group, GroupId, OsEntropy, Role, SystemClock};

use crate::support::{Backend, Fixture, OPERATOR, assert_refused, new_key};

#[rstest]
#[tokio::test]
async fn what_is_granted_to_a_group_its_members_have_as_long_as_they_are_in_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let key = fixture.key(grace, new_key("k")).await;
    let reads = async || {
        let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
        let path = "/shared/x".parse().unwrap();
        permit.may(&path, Capability::ReadOnly).is_ok()
    };
    let accounts = &fixture.accounts;
    let group = accounts.create_group(&owner, "eng".parse().unwrap()).await;
    let group = group.unwrap();
    accounts
        .add_to_group(&owner, group.id, grace)
        .await
        .unwrap();
    assert!(!reads().await);
    let grant = NewGrant {
        path: "/shared".parse().unwrap(),
        capability: Capability::ReadOnly,
        can_approve: false,
    };
    accounts
        .grant_to_group(&owner, group.id, grant.clone())
        .await
        .unwrap();
    assert!(reads().await);
    assert_eq!(
        accounts
            .groups(&owner, Page::default())
            .await
            .unwrap()
            .items,
        std::slice::from_ref(&group)
    );
    let members = accounts
        .group_members(&owner, group.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(members, [grace]);
    let twice = accounts.add_to_group(&owner, group.id, grace).await;
    assert_refused(twice, "already_in_group");

    let remove = async || accounts.remove_from_group(&owner, group.id, grace).await;
    remove().await.unwrap();
    assert!(!reads().await);
    assert_refused(remove().await, "not_found");
    accounts
        .add_to_group(&owner, group.id, grace)
        .await
        .unwrap();
    assert!(reads().await);
    accounts.delete_group(&owner, group.id).await.unwrap();
    assert!(!reads().await);
    assert_refused(accounts.delete_group(&owner, group.id).await, "not_found");

    // Deactivation takes a member out of all groups for good.
    let group = accounts.create_group(&owner, "eng".parse().unwrap()).await;
    let group = group.unwrap();
    accounts
        .grant_to_group(&owner, group.id, grant)
        .await
        .unwrap();
    accounts
        .add_to_group(&owner, group.id, grace)
        .await
        .unwrap();
    assert!(reads().await);
    accounts.deactivate_member(&owner, grace).await.unwrap();
    accounts.activate_member(&owner, grace).await.unwrap();
    assert!(!reads().await);
}

#[rstest]
#[tokio::test]
async fn groups_are_managed_by_admins_and_joined_by_active_members(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let user = fixture.caller(grace).await;
    let accounts = &fixture.accounts;
    let group = accounts.create_group(&owner, "eng".parse().unwrap()).await;
    let group = group.unwrap().id;
    let again = accounts.create_group(&owner, "eng".parse().unwrap()).await;
    assert_refused(again, "group_name_taken");

    let role = "role_required";
    let made = accounts.create_group(&user, "x".parse().unwrap()).await;
    assert_refused(made, role);
    assert_refused(accounts.groups(&user, Page::default()).await, role);
    assert_refused(
        accounts.group_members(&user, group, Page::default()).await,
        role,
    );
    assert_refused(accounts.delete_group(&user, group).await, role);
    assert_refused(accounts.add_to_group(&user, group, grace).await, role);
    assert_refused(accounts.remove_from_group(&user, group, grace).await, role);

    let missing = "not_found";
    let stranger = fixture.user("stranger@example.com").await.id;
    let unknown = GroupId::mint(&SystemClock, &OsEntropy);
    assert_refused(
        accounts.add_to_group(&owner, group, stranger).await,
        missing,
    );
    assert_refused(accounts.add_to_group(&owner, unknown, grace).await, missing);
    assert_refused(
        accounts
            .group_members(&owner, unknown, Page::default())
            .await,
        missing,
    );
    let elsewhere = fixture.organization_of("Elsewhere", fixture.owner.id).await;
    let elsewhere = vestibule_accounts::Caller::operator(&OPERATOR, elsewhere.id);
    assert_refused(accounts.delete_group(&elsewhere, group).await, missing);
    accounts.deactivate_member(&owner, grace).await.unwrap();
    assert_refused(accounts.add_to_group(&owner, group, grace).await, missing);
}

#[rstest]
#[tokio::test]
async fn fifty_groups_are_the_most_a_member_may_be_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let accounts = &fixture.accounts;
    let mut groups = Vec::new();
    for number in 0..=Group::MAX_PER_USER {
        let name = format!("group {number}").parse().unwrap();
        groups.push(accounts.create_group(&owner, name).await.unwrap().id);
    }
    let last = groups.pop().unwrap();
    for group in &groups {
        accounts.add_to_group(&owner, *group, grace).await.unwrap();
    }
    let one_more = accounts.add_to_group(&owner, last, grace).await;
    assert_refused(one_more, "too_many_groups");
    let twice = accounts.add_to_group(&owner, groups[0], grace).await;
    assert_refused(twice, "already_in_group");
    let other = fixture.member("zoe@example.com", Role::User).await.id;
    accounts.add_to_group(&owner, last, other).await.unwrap();
    let out = accounts.remove_from_group(&owner, groups[0], grace).await;
    out.unwrap();
    accounts.add_to_group(&owner, last, grace).await.unwrap();
}
