//! The audit log.

use std::net::{IpAddr, Ipv4Addr};

use rstest::rstest;
use vestibule_model::clock::ManualClock;
use vestibule_model::{Actor, ActorKind, AuditId, AuditRecord, Clock, CredentialRef, OsEntropy};
use vestibule_store::{AuditFilter, Count, Followed, Page, Start};

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
        .unwrap()
        .into_counted();
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
    assert_eq!(rows.into_counted(), (vec![], 0));
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
        let (rows, total) = world
            .store
            .audit(world.scope, &filter, page)
            .await
            .unwrap()
            .into_counted();
        let kinds: Vec<_> = rows.into_iter().map(|row| row.kind).collect();
        (kinds.join(" "), total)
    };
    let all = "api_keyring.odd api_key.deleted api_key.created";
    let everything = AuditFilter::default();
    assert_eq!(
        kinds(everything.clone(), Page::default()).await,
        (all.to_owned(), 3)
    );
    let page = Page::at(1, 1);
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
    let (_, before) = of_the_installation().await.unwrap().into_counted();
    let suspended = record("user.suspended");
    let mut write = world.store.begin().await.unwrap();
    let in_an_organisation = about(&world, "user.joined", 1);
    write.append_audit(&[in_an_organisation]).await.unwrap();
    write.commit(suspended).await.unwrap();
    let (rows, total) = of_the_installation().await.unwrap().into_counted();
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
        let mut write = world.store.begin_unaudited().await.unwrap();
        write.append_denials(&batch).await.unwrap();
        write.commit().await.unwrap();
    }
    let filter = AuditFilter {
        kind: Some("access.denied".to_owned()),
        ..AuditFilter::default()
    };
    let found = world.store.audit(world.scope, &filter, Page::default());
    let (_, total) = found.await.unwrap().into_counted();
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
        .unwrap()
        .into_counted();
    assert_eq!((rows.len(), total), (10, 10));
}

#[rstest]
#[tokio::test]
async fn a_record_that_comes_in_its_order_keeps_its_id_and_a_denial_is_written_once_as_the_last(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    world.raw("DELETE FROM audit_record").await;
    let first = by_clock("test.done", 1_000);
    let write = world.store.begin().await.unwrap();
    write.commit(first.clone()).await.unwrap();
    let last = world.store.last_audit_record().await.unwrap();
    assert_eq!(last, Some((first.id, first.at)));
    // Written again where the first answer was lost, also beside others and in another order.
    let [one, two] = [500, 499].map(|seconds| by_clock("access.denied", seconds));
    for batch in [
        vec![one.clone()],
        vec![one.clone(), two.clone()],
        vec![two, one],
    ] {
        let mut write = world.store.begin_unaudited().await.unwrap();
        write.append_denials(&batch).await.unwrap();
        write.commit().await.unwrap();
    }
    let rows = world
        .store
        .audit_after(Followed::Everything, None, 100)
        .await;
    let rows = rows.unwrap();
    let times: Vec<_> = rows.iter().map(|row| row.at).collect();
    assert_eq!(times, [at(1_000), at(500), at(499)]);
    assert_eq!(rows[0].id, first.id);
    // Those who ask for the newest still find them where they happened.
    let filter = AuditFilter::default();
    let listed = world
        .store
        .audit_of_the_installation(&filter, Page::first(2));
    let listed = listed.await.unwrap().items;
    assert_eq!((listed[0].at, listed[1].at), (at(1_000), at(500)));
}

#[rstest]
#[tokio::test]
async fn a_denial_that_is_written_late_is_found_by_following_and_not_by_its_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let write = world.store.begin().await.unwrap();
    write.commit(about(&world, "test.done", 100)).await.unwrap();
    let followed = Followed::Organization(world.scope);
    let all = world.store.audit_after(followed, None, 10).await.unwrap();
    let cursor = all.last().unwrap().id;

    let denial = about(&world, "access.denied", 50);
    let mut write = world.store.begin_unaudited().await.unwrap();
    write
        .append_denials(std::slice::from_ref(&denial))
        .await
        .unwrap();
    write.commit().await.unwrap();
    let elsewhere = world.organization("Other").await;
    let mut stranger = record("test.done");
    stranger.organization_id = Some(elsewhere.id);
    let write = world.store.begin().await.unwrap();
    write.commit(stranger).await.unwrap();

    let by_time = AuditFilter {
        since: Some(at(101)),
        ..AuditFilter::default()
    };
    let found = world.store.audit(world.scope, &by_time, Page::default());
    assert_eq!(found.await.unwrap().items, []);
    let found = world.store.audit_after(followed, Some(cursor), 10).await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind.as_str(), found[0].at),
        ("access.denied", at(50))
    );
    let cursor = Some(found[0].id);
    let found = world.store.audit_after(followed, cursor, 10).await.unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn nobody_reads_past_what_another_transaction_may_still_commit() {
    let world = World::new(Backend::Postgres).await;
    let mut early = world.store.begin().await.unwrap();
    early
        .append_audit(&[about(&world, "test.early", 1)])
        .await
        .unwrap();
    let write = world.store.begin().await.unwrap();
    write.commit(about(&world, "test.late", 2)).await.unwrap();
    let followed = Followed::Organization(world.scope);
    let store = world.store.clone();
    let follow = tokio::spawn(async move { store.audit_after(followed, None, 10).await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!follow.is_finished(), "the larger id is there already");
    early.commit(about(&world, "test.early", 3)).await.unwrap();
    let kinds: Vec<_> = follow.await.unwrap().unwrap();
    let kinds: Vec<_> = kinds.iter().map(|row| row.kind.as_str()).collect();
    assert!(
        kinds.contains(&"test.early") && kinds.contains(&"test.late"),
        "{kinds:?}"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_gets_each_record_of_many_writers_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const WRITERS: usize = 6;
    const EACH: usize = 25;
    let world = World::new(backend).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (store, organization) = (world.store.clone(), world.organization.id);
        writers.spawn(async move {
            for number in 0..EACH {
                let mut done = record("test.done");
                done.organization_id = Some(organization);
                done.subject = Some(format!("{writer} {number}"));
                if number % 3 == 0 {
                    let mut write = store.begin_unaudited().await.unwrap();
                    write.append_denials(&[done]).await.unwrap();
                    write.commit().await.unwrap();
                } else {
                    let write = store.begin().await.unwrap();
                    write.commit(done).await.unwrap();
                }
            }
        });
    }
    let followed = Followed::Organization(world.scope);
    let (mut cursor, mut found) = (None, Vec::new());
    loop {
        let is_over = writers.is_empty();
        let rows = world.store.audit_after(followed, cursor, 7).await.unwrap();
        cursor = rows.last().map(|row| row.id).or(cursor);
        let is_all = is_over && rows.is_empty();
        found.extend(rows.into_iter().map(|row| row.subject.unwrap()));
        if is_all {
            break;
        }
        while let Some(done) = writers.try_join_next() {
            done.unwrap();
        }
    }
    let unique: std::collections::HashSet<_> = found.iter().collect();
    assert_eq!(
        (found.len(), unique.len()),
        (WRITERS * EACH, WRITERS * EACH)
    );
}

#[rstest]
#[tokio::test]
async fn a_list_is_read_forwards_and_backwards_by_its_cursors(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    // Some in one moment, in which ids alone are in order.
    let records: Vec<_> = (0..10).map(|n| about(&world, "test.done", n / 4)).collect();
    let mut write = world.store.begin().await.unwrap();
    write.append_audit(&records).await.unwrap();
    write.commit(about(&world, "test.other", 0)).await.unwrap();
    for kind in [None, Some("test.done"), Some("test.*")] {
        let filter = AuditFilter {
            kind: kind.map(str::to_owned),
            ..AuditFilter::default()
        };
        let list = async |page| world.store.audit(world.scope, &filter, page).await.unwrap();
        let whole = list(Page::first(100)).await;
        assert_eq!((whole.previous, whole.next), (None, None));
        assert_eq!(whole.total, Count::Exact(whole.items.len() as u64));
        let mut part = list(Page::first(3)).await;
        let mut forwards = part.items.clone();
        while let Some(next) = part.next {
            part = list(Page::after(3, next)).await;
            assert_eq!(part.skipped, forwards.len() as u64);
            forwards.extend(part.items.clone());
        }
        assert_eq!(forwards, whole.items);
        let mut backwards = part.items.clone();
        while let Some(previous) = part.previous {
            let start = Start::Before(previous);
            part = list(Page { limit: 3, start }).await;
            backwards.splice(0..0, part.items.clone());
        }
        assert_eq!(part.skipped, 0);
        assert_eq!(backwards, whole.items);
        assert_eq!(list(Page::at(3, 4)).await.items, whole.items[4..7]);
    }
}

#[rstest]
#[tokio::test]
async fn a_search_ends_after_ten_thousand_records_and_goes_on_where_it_ended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut wanted = about(&world, "test.wanted", 0);
    wanted.subject = Some("key_1".to_owned());
    let write = world.store.begin().await.unwrap();
    write.commit(wanted).await.unwrap();
    world
        .raw(match backend {
            Backend::Sqlite => {
                "INSERT INTO audit_record (id, at, organization_id, kind, subject, details)
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10001)
                 SELECT randomblob(16), at + n, organization_id, 'test.other', subject, '{}'
                 FROM n CROSS JOIN (SELECT * FROM audit_record WHERE subject = 'key_1')"
            }
            Backend::Postgres => {
                "INSERT INTO audit_record (id, at, organization_id, kind, subject, details)
                 SELECT gen_random_uuid(), at + n, organization_id, 'test.other', subject, '{}'
                 FROM audit_record CROSS JOIN generate_series(1, 10001) AS n
                 WHERE subject = 'key_1'"
            }
        })
        .await;
    let filter = |kind: Option<&str>, subject: Option<&str>| AuditFilter {
        kind: kind.map(str::to_owned),
        subject: subject.map(str::to_owned),
        ..AuditFilter::default()
    };
    let list = async |filter: &AuditFilter, page| {
        world.store.audit(world.scope, filter, page).await.unwrap()
    };
    // What one index answers is found at once, and counted no further than to ten thousand.
    let rare = list(&filter(Some("test.wanted"), None), Page::first(3)).await;
    assert_eq!((rare.items.len(), rare.total), (1, Count::Exact(1)));
    let common = list(&filter(None, Some("key_1")), Page::first(3)).await;
    assert_eq!(common.total, Count::MoreThan(10_000));
    let both = filter(Some("test.wanted"), Some("key_1"));
    let first = list(&both, Page::first(3)).await;
    assert_eq!((first.items.len(), first.total), (0, Count::AtLeast(0)));
    let second = list(&both, Page::after(3, first.next.unwrap())).await;
    assert_eq!(second.items.len(), 1);
    assert_eq!(second.next, None);
    let before = Start::Before(second.previous.unwrap());
    let back = list(
        &both,
        Page {
            limit: 3,
            start: before,
        },
    )
    .await;
    assert_eq!(back.items.len(), 0);
}
