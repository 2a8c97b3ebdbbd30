//! The audit log, read.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use vestibule_accounts::{AuditFilter, Caller, NewGrant, Page};
use vestibule_model::{ActorKind, Capability, Role};

use crate::support::{Backend, Fixture, OPERATOR, assert_refused, details};

#[rstest]
#[tokio::test]
async fn admins_find_records_by_kind_actor_and_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let accounts = &fixture.accounts;
    fixture.clock.advance(Duration::from_secs(10));
    let begun = fixture.now();
    let group = accounts.create_group(&owner, "a".parse().unwrap()).await;
    fixture.clock.advance(Duration::from_secs(10));
    accounts
        .delete_group(&owner, group.unwrap().id)
        .await
        .unwrap();
    let find = async |filter| {
        let found = accounts.audit(&owner, &filter, Page::default()).await;
        let (rows, total) = found.unwrap().into_counted();
        assert_eq!(rows.len() as u64, total);
        rows.into_iter().map(|row| row.kind).collect::<Vec<_>>()
    };
    let all = AuditFilter {
        kind: Some("group.*".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(find(all.clone()).await, ["group.deleted", "group.created"]);
    let late = AuditFilter {
        since: Some(begun.after(Duration::from_secs(1))),
        ..all.clone()
    };
    assert_eq!(find(late).await, ["group.deleted"]);
    let early = AuditFilter {
        until: Some(begun.after(Duration::from_secs(1))),
        ..all.clone()
    };
    assert_eq!(find(early).await, ["group.created"]);
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let by_another = AuditFilter {
        user_id: Some(grace),
        ..all
    };
    assert!(find(by_another).await.is_empty());

    let user = fixture.caller(grace).await;
    let filter = AuditFilter::default();
    let read = accounts.audit(&user, &filter, Page::default()).await;
    assert_refused(read, "role_required");
    let elsewhere = fixture.organization_of("Elsewhere", grace).await;
    let elsewhere = Caller::operator(&OPERATOR, elsewhere.id);
    let (rows, _) = accounts
        .audit(&elsewhere, &filter, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert!(rows.iter().all(|row| row.kind == "organization.created"));
}

#[rstest]
#[tokio::test]
async fn a_record_says_what_kind_of_actor_it_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    for (caller, name) in [(fixture.operator(), "a"), (owner, "b")] {
        fixture.tick();
        let made = fixture
            .accounts
            .create_group(&caller, name.parse().unwrap())
            .await;
        made.unwrap();
    }
    let kinds = async |kind: &str| {
        let rows = fixture.records(kind).await;
        rows.iter().map(|row| row.actor).collect::<Vec<_>>()
    };
    let (user, operator) = (Some(ActorKind::User), Some(ActorKind::Operator));
    assert_eq!(kinds("group.created").await, [user, operator]);
    let filter = AuditFilter::default();
    let page = Page::first(100);
    let found = fixture
        .accounts
        .audit_of_the_installation(&OPERATOR, &filter, page);
    let (rows, _) = found.await.unwrap().into_counted();
    let made = rows.iter().find(|row| row.kind == "keyring.created");
    assert_eq!(made.unwrap().actor, Some(ActorKind::Server));
    // Written by a version that wrote down users alone.
    fixture.raw("UPDATE audit_record SET actor = NULL").await;
    assert_eq!(kinds("group.created").await, [user, None]);
}

#[rstest]
#[tokio::test]
async fn a_record_tells_what_a_member_and_an_organization_were_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (accounts, operator) = (&fixture.accounts, fixture.operator());
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let group = accounts.create_group(&operator, "g".parse().unwrap()).await;
    let group = group.unwrap().id;
    let join = async || {
        let joined = accounts.add_to_group(&operator, group, grace).await;
        joined.unwrap();
    };
    join().await;
    accounts.deactivate_member(&operator, grace).await.unwrap();
    let record = details(&fixture.records("member.deactivated").await[0]);
    let before = json!({ "active": true, "groups": [group] });
    assert_eq!(record["before"], before);
    assert_eq!(record["after"], json!({ "active": false, "groups": [] }));

    accounts.activate_member(&operator, grace).await.unwrap();
    join().await;
    let new = NewGrant {
        path: "/shared".parse().unwrap(),
        capability: Capability::ReadOnly,
        can_approve: false,
    };
    accounts.grant_to_user(&operator, grace, new).await.unwrap();
    accounts.remove_member(&operator, grace).await.unwrap();
    let record = details(&fixture.records("member.removed").await[0]);
    assert_eq!(record["before"]["groups"], json!([group]));
    assert_eq!(record["before"]["grants"][0]["path"], "/shared");

    accounts
        .deactivate_organization(&OPERATOR, operator.organization_id())
        .await
        .unwrap();
    let record = details(&fixture.records("organization.deactivated").await[0]);
    assert_eq!(record["before"], json!({ "active": true }));
    assert_eq!(record["after"], json!({ "active": false }));
}
