//! Members: who may change them, seats, and the last owner.

use futures_util::future::{join, join_all};
use rstest::rstest;
use vestibule_accounts::{Caller, Page};
use vestibule_model::{OsEntropy, Role, SystemClock, UserId};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, assert_revoked, bearer_at, details, new_key,
};

#[rstest]
#[tokio::test]
async fn another_role_holds_for_the_next_request(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let admin_page = async || bearer_at(&fixture.check, "/v1/admin", key.secret.expose()).await;
    admin_page().await.unwrap_err();
    let accounts = &fixture.accounts;
    let after = accounts.set_role(&owner, grace.id, Role::Admin).await;
    assert_eq!(after.unwrap().role, Role::Admin);
    admin_page().await.unwrap();
    fixture.tick();
    accounts
        .set_role(&owner, grace.id, Role::User)
        .await
        .unwrap();
    admin_page().await.unwrap_err();
    // The same role again is no change and leaves no record.
    accounts
        .set_role(&owner, grace.id, Role::User)
        .await
        .unwrap();
    let records = fixture.records("member.role_changed").await;
    assert_eq!(records.len(), 2);
    assert_eq!(details(&records[0])["before"]["role"], "ADMIN");
}

#[rstest]
#[tokio::test]
async fn nothing_of_a_deactivated_or_removed_member_passes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let entry = fixture.enter(grace.id, fixture.organization.id).await;
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    fixture.by_cookie(&entry.cookie).await.unwrap();
    let accounts = &fixture.accounts;
    for _ in 0..2 {
        let still = accounts.deactivate_member(&owner, grace.id).await.unwrap();
        assert!(still.deactivated_at.is_some());
    }
    fixture.by_bearer(key.secret.expose()).await.unwrap_err();
    fixture.by_cookie(&entry.cookie).await.unwrap_err();
    for _ in 0..2 {
        let active = accounts.activate_member(&owner, grace.id).await.unwrap();
        assert_eq!(active.deactivated_at, None);
    }
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    accounts.remove_member(&owner, grace.id).await.unwrap();
    assert_revoked(&fixture.by_bearer(key.secret.expose()).await);
    fixture.by_cookie(&entry.cookie).await.unwrap_err();
    assert_refused(accounts.remove_member(&owner, grace.id).await, "not_found");
    for (kind, times) in [
        ("member.deactivated", 1),
        ("member.activated", 1),
        ("member.removed", 1),
    ] {
        assert_eq!(fixture.records(kind).await.len(), times, "{kind}");
    }
}

#[rstest]
#[tokio::test]
async fn an_admin_manages_members_and_never_owners_and_a_user_nobody(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::Admin).await;
    let alan = fixture.member("alan@example.com", Role::User).await;
    let admin = fixture.caller(grace.id).await;
    let user = fixture.caller(alan.id).await;
    let accounts = &fixture.accounts;
    let (owner, nobody) = (fixture.owner.id, UserId::mint(&SystemClock, &OsEntropy));
    let role = "role_required";

    assert_refused(accounts.set_role(&admin, grace.id, Role::Owner).await, role);
    assert_refused(accounts.set_role(&admin, owner, Role::User).await, role);
    assert_refused(accounts.deactivate_member(&admin, owner).await, role);
    assert_refused(accounts.activate_member(&admin, owner).await, role);
    assert_refused(accounts.remove_member(&admin, owner).await, role);
    let stranger = fixture.user("stranger@example.com").await;
    let added = accounts.add_member(&admin, stranger.id, Role::Owner).await;
    assert_refused(added, role);

    assert_refused(accounts.members(&user, Page::default()).await, role);
    assert_refused(accounts.set_role(&user, alan.id, Role::Admin).await, role);
    assert_refused(
        accounts.add_member(&user, stranger.id, Role::User).await,
        role,
    );
    assert_refused(accounts.deactivate_member(&user, grace.id).await, role);
    assert_refused(accounts.activate_member(&user, grace.id).await, role);
    assert_refused(accounts.remove_member(&user, grace.id).await, role);

    let missing = "not_found";
    assert_refused(
        accounts.add_member(&admin, nobody, Role::User).await,
        missing,
    );
    assert_refused(accounts.set_role(&admin, nobody, Role::User).await, missing);
    assert_refused(accounts.deactivate_member(&admin, nobody).await, missing);
    assert_refused(accounts.activate_member(&admin, nobody).await, missing);
    let twice = accounts.add_member(&admin, alan.id, Role::User).await;
    assert_refused(twice, "already_member");

    accounts
        .add_member(&admin, stranger.id, Role::Admin)
        .await
        .unwrap();
    let (members, total) = accounts
        .members(&admin, Page::first(2))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((members.len(), total), (2, 4));
}

#[rstest]
#[tokio::test]
async fn the_last_active_owner_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let accounts = &fixture.accounts;
    let id = fixture.owner.id;
    let last = "last_owner";
    let refused = async || {
        assert_refused(accounts.set_role(&owner, id, Role::Admin).await, last);
        assert_refused(accounts.deactivate_member(&owner, id).await, last);
        assert_refused(accounts.remove_member(&owner, id).await, last);
    };
    refused().await;
    // Another owner who stands still, or is suspended, is none.
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    accounts.deactivate_member(&owner, grace.id).await.unwrap();
    refused().await;
    accounts.activate_member(&owner, grace.id).await.unwrap();
    accounts.suspend_user(&OPERATOR, grace.id).await.unwrap();
    refused().await;
    accounts.unsuspend_user(&OPERATOR, grace.id).await.unwrap();
    accounts.set_role(&owner, id, Role::Admin).await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_unmake_each_other_one_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(true, false)] by_removal: bool,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    let (ada, grace) = (fixture.owner.id, grace.id);
    let operator = fixture.operator();
    let accounts = &fixture.accounts;
    let unmake = async |user| {
        if by_removal {
            accounts.remove_member(&operator, user).await
        } else {
            accounts
                .set_role(&operator, user, Role::User)
                .await
                .map(drop)
        }
    };
    for _ in 0..5 {
        let answers: [_; 2] = Box::pin(join(unmake(ada), unmake(grace))).await.into();
        let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), refused.len()), (1, 1));
        for answer in refused {
            assert_refused(answer, "last_owner");
        }
        let (members, _) = accounts
            .members(&operator, Page::default())
            .await
            .unwrap()
            .into_counted();
        for user in [ada, grace] {
            match members.iter().find(|(it, _)| it.id == user) {
                None => drop(
                    accounts
                        .add_member(&operator, user, Role::Owner)
                        .await
                        .unwrap(),
                ),
                Some(_) => drop(
                    accounts
                        .set_role(&operator, user, Role::Owner)
                        .await
                        .unwrap(),
                ),
            }
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_additions_take_no_more_seats_than_there_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let small = fixture.organization_of("Small", fixture.owner.id).await;
    let operator = Caller::operator(&OPERATOR, small.id);
    let accounts = &fixture.accounts;
    let mut users = Vec::new();
    for number in 0..6 {
        users.push(fixture.user(&format!("user{number}@example.com")).await.id);
    }
    let added = users
        .iter()
        .map(|user| accounts.add_member(&operator, *user, Role::User));
    let (done, refused): (Vec<_>, Vec<_>) =
        join_all(added).await.into_iter().partition(Result::is_ok);
    // Two seats on the plan `free`, of which the owner has one.
    assert_eq!((done.len(), refused.len()), (1, 5));
    for answer in refused {
        assert_refused(answer, "no_seat");
    }
    // A seat that is given up can be taken, and is then missing.
    let first = done[0].as_ref().unwrap().user_id;
    accounts.deactivate_member(&operator, first).await.unwrap();
    let other = users.iter().find(|user| **user != first).unwrap();
    accounts
        .add_member(&operator, *other, Role::User)
        .await
        .unwrap();
    assert_refused(accounts.activate_member(&operator, first).await, "no_seat");
}
