//! The audit log.

use std::net::{IpAddr, Ipv4Addr};

use rstest::rstest;
use vestibule_model::clock::ManualClock;
use vestibule_model::{Actor, ActorKind, AuditId, AuditRecord, Clock, CredentialRef, OsEntropy};
use vestibule_store::{AuditFilter, Page};

use crate::support::{Backend, World, at, record, scope, session};

fn about(world: &World, kind: &'static str, seconds: i64) -> AuditRecord {
    AuditRecord {
        at: at(seconds),
        organization_id: Some(world.organization.id),
        ..record(kind)
    }
}

#[rstest]
#[tokio::test]
async fn a_record_is_read_back_as_it_was_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let session = session(world.scope, world.owner.id);
    let written = AuditRecord {
        actor: Actor {
            kind: ActorKind::User,
            user_id: Some(world.owner.id),
            credential: Some(CredentialRef::AccessToken(session.id)),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            request_id: Some("req-1".to_owned()),
        },
        subject: Some("key_1".to_owned()),
        details: r#"{"after":{"name":"ci"}}"#.to_owned(),
        ..about(&world, "api_key.created", 3)
    };
    let write = world.store.begin().await.unwrap();
    write.commit(written.clone()).await.unwrap();
    let (rows, total) = world
        .store
        .audit(world.scope, &AuditFilter::default(), Page::default())
        .await
        .unwrap();
    assert_eq!((rows.len(), total), (1, 1));
    let row = &rows[0];
    assert_eq!((row.id, row.at), (written.id, written.at));
    assert_eq!(row.organization_id, written.organization_id);
    assert_eq!(row.actor, Some(ActorKind::User));
    assert_eq!(row.user_id, Some(world.owner.id));
    assert_eq!(row.credential, Some(format!("access_token:{}", session.id)));
    assert_eq!(row.address.as_deref(), Some("127.0.0.1"));
    assert_eq!(row.request_id.as_deref(), Some("req-1"));
    assert_eq!(row.kind, "api_key.created");
    assert_eq!(row.subject.as_deref(), Some("key_1"));
    assert_eq!(row.details, written.details);
    let other = scope(world.organization("Other").await.id);
    let rows = world
        .store
        .audit(other, &AuditFilter::default(), Page::default())
        .await
        .unwrap();
    assert_eq!(rows, (vec![], 0));
}

#[rstest]
#[tokio::test]
async fn records_are_filtered_and_paged_the_newest_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut by_owner = about(&world, "api_key.created", 1);
    by_owner.actor.user_id = Some(world.owner.id);
    let mut about_key = about(&world, "api_key.deleted", 2);
    about_key.subject = Some("key_2".to_owned());
    let mut write = world.store.begin().await.unwrap();
    write.append_audit(&[by_owner, about_key]).await.unwrap();
    write
        .commit(about(&world, "api_keyring.odd", 3))
        .await
        .unwrap();

    let kinds = async |filter: AuditFilter, page| {
        let (rows, total) = world.store.audit(world.scope, &filter, page).await.unwrap();
        let kinds: Vec<_> = rows.into_iter().map(|row| row.kind).collect();
        (kinds.join(" "), total)
    };
    let all = "api_keyring.odd api_key.deleted api_key.created";
    let everything = AuditFilter::default();
    assert_eq!(
        kinds(everything.clone(), Page::default()).await,
        (all.to_owned(), 3)
    );
    let page = Page {
        limit: 1,
        offset: 1,
    };
    assert_eq!(
        kinds(everything, page).await,
        ("api_key.deleted".to_owned(), 3)
    );
    let cases = [
        (
            AuditFilter {
                kind: Some("api_key.*".to_owned()),
                ..AuditFilter::default()
            },
            "api_key.deleted api_key.created",
        ),
        (
            AuditFilter {
                kind: Some("api_key.created".to_owned()),
                ..AuditFilter::default()
            },
            "api_key.created",
        ),
        (
            AuditFilter {
                user_id: Some(world.owner.id),
                ..AuditFilter::default()
            },
            "api_key.created",
        ),
        (
            AuditFilter {
                subject: Some("key_2".to_owned()),
                ..AuditFilter::default()
            },
            "api_key.deleted",
        ),
        (
            AuditFilter {
                since: Some(at(2)),
                until: Some(at(3)),
                ..AuditFilter::default()
            },
            "api_key.deleted",
        ),
    ];
    for (filter, expected) in cases {
        let (found, total) = kinds(filter.clone(), Page::default()).await;
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(total, expected.split(' ').count() as u64);
    }
}

#[rstest]
#[tokio::test]
async fn what_concerns_no_single_organisation_is_read_on_its_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let filter = AuditFilter {
        kind: Some("user.*".to_owned()),
        ..AuditFilter::default()
    };
    let of_the_installation = async || {
        let page = Page::default();
        world.store.audit_of_the_installation(&filter, page).await
    };
    let (_, before) = of_the_installation().await.unwrap();
    let suspended = record("user.suspended");
    let mut write = world.store.begin().await.unwrap();
    let in_an_organisation = about(&world, "user.joined", 1);
    write.append_audit(&[in_an_organisation]).await.unwrap();
    write.commit(suspended).await.unwrap();
    let (rows, total) = of_the_installation().await.unwrap();
    assert_eq!(total, before + 1);
    // Its id may be another: the one before it was made later.
    assert!(rows.iter().any(|row| row.kind == "user.suspended"));
    assert!(rows.iter().all(|row| row.organization_id.is_none()));
}

#[rstest]
#[tokio::test]
async fn denials_that_were_written_already_are_not_written_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let denial = about(&world, "access.denied", 1);
    let later = about(&world, "access.denied", 2);
    // The answer to the first commit may be lost, and the batch is written again.
    for batch in [vec![denial.clone()], vec![denial, later]] {
        let mut write = world.store.begin().await.unwrap();
        write.append_denials(&batch).await.unwrap();
        write.commit_unaudited().await.unwrap();
    }
    let filter = AuditFilter {
        kind: Some("access.denied".to_owned()),
        ..AuditFilter::default()
    };
    let found = world.store.audit(world.scope, &filter, Page::default());
    let (_, total) = found.await.unwrap();
    assert_eq!(total, 2);
}

/// A record of a clock that shows this.
fn by_clock(kind: &'static str, seconds: i64) -> AuditRecord {
    let clock = ManualClock::new(at(seconds));
    AuditRecord {
        id: AuditId::mint(&clock, &OsEntropy),
        at: clock.now(),
        ..record(kind)
    }
}

#[rstest]
#[tokio::test]
async fn the_record_that_was_committed_last_is_the_last_whatever_the_clocks_said(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.raw("DELETE FROM audit_record").await;
    let last = async || world.store.last_audit_record().await.unwrap();
    assert_eq!(last().await, None);
    let mut ids = Vec::new();
    for seconds in [1_000, 2_000, 500_000, 3_000, 3_000, 2_500, 600_000] {
        let write = world.store.begin().await.unwrap();
        write.commit(by_clock("test.done", seconds)).await.unwrap();
        let (id, time) = last().await.unwrap();
        assert_eq!(time, at(seconds));
        ids.push(id);
    }
    assert!(ids.is_sorted(), "{ids:?}");
    // One transaction's records are in the order in which they were added.
    let mut write = world.store.begin().await.unwrap();
    let several = [4_000, 3_999].map(|seconds| by_clock("test.done", seconds));
    write.append_audit(&several).await.unwrap();
    write.commit(by_clock("test.done", 3_998)).await.unwrap();
    assert_eq!(last().await.unwrap().1, at(3_998));
    let filter = AuditFilter::default();
    let page = Page::first(100);
    let (rows, total) = world
        .store
        .audit_of_the_installation(&filter, page)
        .await
        .unwrap();
    assert_eq!((rows.len(), total), (10, 10));
}

#[rstest]
#[tokio::test]
async fn a_record_that_comes_in_its_order_keeps_its_id_and_a_denial_always_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.raw("DELETE FROM audit_record").await;
    let first = by_clock("test.done", 1_000);
    let write = world.store.begin().await.unwrap();
    write.commit(first.clone()).await.unwrap();
    let last = world.store.last_audit_record().await.unwrap();
    assert_eq!(last, Some((first.id, first.at)));
    // Written again where the first answer was lost.
    let denial = by_clock("access.denied", 500);
    for _ in 0..2 {
        let mut write = world.store.begin().await.unwrap();
        let records = std::slice::from_ref(&denial);
        write.append_denials(records).await.unwrap();
        write.commit_unaudited().await.unwrap();
    }
    let last = world.store.last_audit_record().await.unwrap();
    assert_eq!(last, Some((first.id, first.at)));
    let filter = AuditFilter::default();
    let page = Page::first(100);
    let rows = world.store.audit_of_the_installation(&filter, page).await;
    let ids: Vec<_> = rows.unwrap().0.iter().map(|row| row.id).collect();
    assert_eq!(ids, [first.id, denial.id]);
}
