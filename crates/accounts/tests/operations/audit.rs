//! The audit log, read.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{AuditFilter, Caller, Page};
use vestibule_model::Role;

use crate::support::{Backend, House, assert_refused};

#[rstest]
#[tokio::test]
async fn admins_find_records_by_kind_actor_and_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let house = House::new(backend).await;
    let owner = house.caller(house.owner.id).await;
    let accounts = &house.accounts;
    house.clock.advance(Duration::from_secs(10));
    let begun = house.now();
    let group = accounts.create_group(&owner, "a".parse().unwrap()).await;
    house.clock.advance(Duration::from_secs(10));
    accounts
        .delete_group(&owner, group.unwrap().id)
        .await
        .unwrap();
    let find = async |filter| {
        let found = accounts.audit(&owner, &filter, Page::default()).await;
        let (rows, total) = found.unwrap();
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
    let grace = house.member("grace@example.com", Role::User).await.id;
    let by_another = AuditFilter {
        user_id: Some(grace),
        ..all
    };
    assert!(find(by_another).await.is_empty());

    let user = house.caller(grace).await;
    let filter = AuditFilter::default();
    let read = accounts.audit(&user, &filter, Page::default()).await;
    assert_refused(read, "role_required");
    let elsewhere = house.organization_of("Elsewhere", grace).await;
    let elsewhere = Caller::operator(elsewhere.id);
    let (rows, _) = accounts
        .audit(&elsewhere, &filter, Page::default())
        .await
        .unwrap();
    assert!(rows.iter().all(|row| row.kind == "organization.created"));
}
