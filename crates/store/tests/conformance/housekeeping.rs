//! Tidying up.

use std::time::Duration;

use rstest::rstest;
use vestibule_model::{ApiKey, Capability, Change, Digest, GrantHolder};
use vestibule_store::{AuditFilter, Page, Pruned, Successor};

use crate::support::{Backend, World, api_key, at, record, session};

#[rstest]
#[tokio::test]
async fn only_what_nobody_asks_for_again_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let month = 30 * 24 * 60 * 60;
    let live = world.session(world.owner.id, "live").await;
    let mut old = session(world.scope, world.owner.id);
    old.expires_at = at(-month - 1);
    let mut write = world.store.begin().await.unwrap();
    write.insert_session(&old, None).await.unwrap();
    for (token, ends) in [("dead", -1), ("alive", 1)] {
        let successor = Successor {
            token_id: format!("{token} next"),
            issued_at: at(-3_600),
            expires_at: at(ends),
        };
        write
            .refresh_successor(token, world.organization.id, &successor, Duration::ZERO)
            .await
            .unwrap();
    }
    write.change(Change::Everything);
    write.commit(record("test.prepared")).await.unwrap();
    let mut write = world.store.begin_unaudited().await.unwrap();
    let pruned = write.prune(at(0)).await.unwrap();
    write.commit().await.unwrap();
    let expected = Pruned {
        resource_changes: 0,
        refreshes: 1,
        api_keys: 0,
        sessions: 1,
        sso: 0,
        changes: 0,
        more: false,
    };
    assert_eq!(pruned, expected);
    assert_eq!(world.store.session(old.id).await.unwrap(), None);
    assert_eq!(world.store.session(live.id).await.unwrap(), Some(live));
}

#[rstest]
#[tokio::test]
async fn one_transaction_deletes_a_part_and_says_that_there_may_be_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut write = world.store.begin().await.unwrap();
    for number in 0..1_001 {
        let successor = Successor {
            token_id: format!("next {number}"),
            issued_at: at(-3_600),
            expires_at: at(-1),
        };
        let token = format!("token {number}");
        write
            .refresh_successor(&token, world.organization.id, &successor, Duration::ZERO)
            .await
            .unwrap();
    }
    write.commit(record("test.prepared")).await.unwrap();
    for (refreshes, more) in [(1_000, true), (1, false)] {
        let mut write = world.store.begin_unaudited().await.unwrap();
        let pruned = write.prune(at(0)).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!((pruned.refreshes, pruned.more), (refreshes, more));
    }
}

#[rstest]
#[tokio::test]
async fn a_key_is_forgotten_long_after_its_end_and_its_records_are_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let day = 24 * 60 * 60;
    let plain = |name: &str| api_key(world.scope, world.owner.id, name);
    let expired = |name: &str, end| ApiKey {
        expires_at: Some(at(end)),
        ..plain(name)
    };
    let deleted = |name: &str, end| ApiKey {
        revoked_at: Some(at(end)),
        ..plain(name)
    };
    let keys = [
        (expired("expired long ago", -30 * day - 1), false),
        (deleted("deleted long ago", -90 * day - 1), false),
        (expired("expired of late", -30 * day), true),
        (deleted("deleted of late", -90 * day), true),
        (expired("ends tomorrow", day), true),
        (plain("endless"), true),
    ];
    let mut write = world.store.begin().await.unwrap();
    for (key, _) in &keys {
        let digest = Digest::of(key.name.as_str().as_bytes());
        write.insert_api_key(key, &digest, true).await.unwrap();
    }
    let mut record = record("api_key.created");
    record.organization_id = Some(world.organization.id);
    record.subject = Some(keys[0].0.id.to_string());
    write.commit(record).await.unwrap();
    for (key, _) in &keys {
        let holder = GrantHolder::ApiKey(key.id);
        world.grant(holder, "/shared", Capability::ReadOnly).await;
    }

    let mut write = world.store.begin_unaudited().await.unwrap();
    let pruned = write.prune(at(0)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(pruned.api_keys, 2);
    for (key, kept) in keys {
        let digest = Digest::of(key.name.as_str().as_bytes());
        let found = world.store.caller_by_key(&digest).await.unwrap();
        let narrowed_to = found.and_then(|(_, caller)| caller.narrowed_to);
        let grants = narrowed_to.map(|grants| grants.len());
        assert_eq!(grants, kept.then_some(1), "{}", key.name.as_str());
    }
    let filter = AuditFilter::default();
    let records = world.store.audit(world.scope, &filter, Page::default());
    assert_eq!(records.await.unwrap().total.counted(), 1);
}

#[rstest]
#[tokio::test]
async fn doubt_about_the_clock_keeps_the_earliest_moment_until_it_is_forgotten(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let store = &world.store;
    assert_eq!(store.clock_doubt().await.unwrap(), None);
    for (doubted, kept) in [(5, 5), (9, 5), (3, 3)] {
        let mut write = store.begin_unaudited().await.unwrap();
        write.doubt_clock(at(doubted)).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(store.clock_doubt().await.unwrap(), Some(at(kept)));
    }
    let mut write = store.begin_unaudited().await.unwrap();
    write.trust_clock().await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(store.clock_doubt().await.unwrap(), None);
    let own = store.own_time().await.unwrap();
    assert_eq!(own.is_some(), backend == Backend::Postgres);
}
