//! API keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_accounts::{Caller, NewApiKey, NewGrant, Page};
use vestibule_model::{ApiKey, ApiKeyId, Capability, Digest, OsEntropy, Role};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, assert_revoked, by_bearer, details, new_key,
    record, refused_fields,
};

fn grant(path: &str, capability: Capability) -> NewGrant {
    NewGrant {
        path: path.parse().unwrap(),
        capability,
        can_approve: false,
    }
}

fn narrowed(grants: Vec<NewGrant>) -> NewApiKey {
    new_key("narrowed").narrowed_to(Some(grants))
}

#[rstest]
#[tokio::test]
async fn a_new_key_has_its_owner_s_rights_and_is_listed_without_its_secret(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = fixture.caller(fixture.owner.id).await;
    fixture.tick();
    let made = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), new_key("ci"))
        .await;
    let made = made.unwrap();
    assert!(made.secret.expose().ends_with(&made.key.suffix));
    assert!(!format!("{made:?}").contains(made.secret.expose()));

    let permit = fixture.by_bearer(made.secret.expose()).await.unwrap();
    assert_eq!(permit.user_id(), fixture.owner.id);
    assert_eq!(permit.organization_id(), fixture.organization.id);
    assert_eq!(permit.role(), Role::Owner);

    let listed = fixture
        .accounts
        .api_keys(caller.permit().unwrap())
        .await
        .unwrap();
    assert!(listed.contains(&(made.key.clone(), None)));
    let one = fixture
        .accounts
        .api_key(caller.permit().unwrap(), made.key.id)
        .await
        .unwrap();
    assert_eq!(one, (made.key.clone(), None));

    let records = fixture.records("api_key.created").await;
    let row = &records[0];
    assert_eq!(row.user_id, Some(fixture.owner.id));
    assert_eq!(row.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(row.request_id.as_deref(), Some("request-1"));
    assert_eq!(row.subject, Some(made.key.id.to_string()));
    assert_eq!(details(row)["after"]["name"], "ci");
    assert!(!row.details.contains(made.secret.expose()));
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_has_its_grants_and_manages_no_keys(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = fixture.caller(fixture.owner.id).await;
    let grants = vec![
        grant("/shared", Capability::ReadOnly),
        grant("/shared/out", Capability::ReadWrite),
    ];
    let made = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), narrowed(grants));
    let made = made.await.unwrap();
    assert_eq!(made.grants.as_ref().unwrap().len(), 2);
    let permit = fixture.by_bearer(made.secret.expose()).await.unwrap();
    let may = |path: &str, capability| permit.may(&path.parse().unwrap(), capability).is_ok();
    assert!(may("/shared/out/x", Capability::ReadWrite));
    assert!(!may("/shared/in", Capability::ReadWrite));
    assert!(!may("/private", Capability::ReadOnly));

    let narrow = Caller::from(&permit);
    let accounts = &fixture.accounts;
    let reason = "key_is_narrowed";
    assert_refused(
        accounts
            .create_api_key(narrow.permit().unwrap(), new_key("x"))
            .await,
        reason,
    );
    assert_refused(accounts.api_keys(narrow.permit().unwrap()).await, reason);
    assert_refused(
        accounts
            .api_key(narrow.permit().unwrap(), made.key.id)
            .await,
        reason,
    );
    assert_refused(
        accounts
            .revoke_api_key(narrow.permit().unwrap(), made.key.id)
            .await,
        reason,
    );
}

#[tokio::test]
async fn a_key_that_ends_in_the_past_or_outlives_its_maker_is_refused() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let caller = fixture.caller(fixture.owner.id).await;
    let now = fixture.now();
    let ending = |expires_at| new_key("ending").expiring(expires_at);
    let past = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), ending(Some(now)));
    assert_eq!(
        refused_fields(past.await),
        [("expires_at".to_owned(), "not_in_future")]
    );

    let hour = now.after(Duration::from_secs(3_600));
    let maker = fixture.key(fixture.owner.id, ending(Some(hour))).await;
    let maker = fixture.by_bearer(maker.secret.expose()).await.unwrap();
    let maker = Caller::from(&maker);
    let day = now.after(Duration::from_secs(86_400));
    for later in [None, Some(day)] {
        let made = fixture
            .accounts
            .create_api_key(maker.permit().unwrap(), ending(later))
            .await;
        assert_eq!(
            refused_fields(made),
            [("expires_at".to_owned(), "outlives_creating_key")]
        );
    }
    let made = fixture
        .accounts
        .create_api_key(maker.permit().unwrap(), ending(Some(hour)));
    assert_eq!(made.await.unwrap().key.expires_at, Some(hour));
}

#[tokio::test]
async fn a_list_of_grants_that_gives_nothing_too_much_or_twice_is_refused() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let caller = fixture.caller(fixture.owner.id).await;
    let refused = async |new| {
        refused_fields(
            fixture
                .accounts
                .create_api_key(caller.permit().unwrap(), new)
                .await,
        )
    };
    let read = Capability::ReadOnly;

    assert_eq!(
        refused(narrowed(vec![])).await,
        [("grants".to_owned(), "empty_grants")]
    );
    let many = (0..51).map(|n| grant(&format!("/{n}"), read)).collect();
    assert_eq!(
        refused(narrowed(many)).await,
        [("grants".to_owned(), "too_many_grants")]
    );
    // Covered by a later and wider one; and of two equal ones the second.
    let covered = vec![
        grant("/a/b", read),
        grant("/a", Capability::ReadWrite),
        grant("/c", read),
        grant("/c", read),
    ];
    assert_eq!(
        refused(narrowed(covered)).await,
        [
            ("grants[0]".to_owned(), "subsumed"),
            ("grants[3]".to_owned(), "subsumed")
        ]
    );
    // All that is wrong is told at once.
    let both = narrowed(vec![]).expiring(Some(fixture.now()));
    assert_eq!(refused(both).await.len(), 2);
    let fifty = (0..50).map(|n| grant(&format!("/{n}"), read)).collect();
    let made = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), narrowed(fifty));
    assert_eq!(made.await.unwrap().grants.unwrap().len(), 50);
}

/// Keys of the owner that have expired.
async fn expired_keys(fixture: &Fixture, count: u32) {
    let mut write = fixture.store().begin().await.unwrap();
    for number in 0..count {
        let key = ApiKey {
            id: ApiKeyId::mint(fixture.clock.as_ref(), &OsEntropy),
            organization_id: fixture.organization.id,
            owner_id: fixture.owner.id,
            name: "many".parse().unwrap(),
            suffix: "0000".to_owned(),
            connection_id: None,
            created_at: fixture.now(),
            expires_at: Some(fixture.now()),
            last_used_at: None,
            revoked_at: None,
        };
        let digest = Digest::of(&number.to_le_bytes());
        write.insert_api_key(&key, &digest, false).await.unwrap();
    }
    write.commit(record("test.prepared")).await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_keys_are_the_most_however_many_are_made_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = fixture.caller(fixture.owner.id).await;
    // With the caller's own, five are left.
    expired_keys(&fixture, 94).await;
    let one_more = || {
        fixture
            .accounts
            .create_api_key(caller.permit().unwrap(), new_key("x"))
    };
    let (made, refused): (Vec<_>, Vec<_>) = join_all((0..12).map(|_| one_more()))
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(made.len(), 5);
    for answer in refused {
        assert_refused(answer, "too_many_keys");
    }
    // Another member's allowance is another.
    let grace = fixture.member("grace@example.com", Role::User).await;
    let grace = fixture.caller(grace.id).await;
    let hers = fixture
        .accounts
        .create_api_key(grace.permit().unwrap(), new_key("x"));
    hers.await.unwrap();
    // One that is deleted makes room.
    let id = made[0].as_ref().unwrap().key.id;
    fixture
        .accounts
        .revoke_api_key(caller.permit().unwrap(), id)
        .await
        .unwrap();
    one_more().await.unwrap();
    assert_refused(one_more().await, "too_many_keys");
}

#[tokio::test]
async fn the_paths_of_a_key_s_grants_are_bounded_in_all() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let caller = fixture.caller(fixture.owner.id).await;
    let of_length = |length: usize| {
        let path = |n: usize| format!("/{n:02}{}", "x".repeat(length - 3));
        let grants = (0..32).map(|n| grant(&path(n), Capability::ReadOnly));
        narrowed(grants.collect())
    };
    let fits = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), of_length(256));
    assert_eq!(fits.await.unwrap().grants.unwrap().len(), 32);
    let refused = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), of_length(257));
    assert_eq!(
        refused_fields(refused.await),
        [("grants".to_owned(), "grants_too_long")]
    );
}

#[rstest]
#[tokio::test]
async fn a_key_of_somebody_else_or_of_elsewhere_does_not_exist(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let made = fixture.key(fixture.owner.id, new_key("mine")).await;
    let admin = fixture.member("grace@example.com", Role::Admin).await;
    let admin = fixture.caller(admin.id).await;
    let accounts = &fixture.accounts;
    assert_refused(
        accounts.api_key(admin.permit().unwrap(), made.key.id).await,
        "not_found",
    );
    assert_refused(
        accounts
            .revoke_api_key(admin.permit().unwrap(), made.key.id)
            .await,
        "not_found",
    );
    let listed = accounts.api_keys(admin.permit().unwrap()).await.unwrap();
    assert!(listed.iter().all(|(key, _)| key.id != made.key.id));

    let elsewhere = fixture.organization_of("Elsewhere", fixture.owner.id).await;
    let entry = fixture.enter(fixture.owner.id, elsewhere.id).await;
    let there = Caller::from(&fixture.by_bearer(&entry.token).await.unwrap());
    assert_refused(
        accounts.api_key(there.permit().unwrap(), made.key.id).await,
        "not_found",
    );
    assert_refused(
        accounts
            .revoke_api_key(there.permit().unwrap(), made.key.id)
            .await,
        "not_found",
    );
    fixture.by_bearer(made.secret.expose()).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_deleted_key_is_refused_from_the_next_request_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = fixture.caller(fixture.owner.id).await;
    let made = fixture.key(fixture.owner.id, new_key("doomed")).await;
    fixture.by_bearer(made.secret.expose()).await.unwrap();
    let delete = async || {
        fixture
            .accounts
            .revoke_api_key(caller.permit().unwrap(), made.key.id)
            .await
    };
    delete().await.unwrap();
    assert_revoked(&fixture.by_bearer(made.secret.expose()).await);
    assert_refused(delete().await, "not_found");
    assert_eq!(fixture.records("api_key.deleted").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn the_operator_makes_lists_and_deletes_keys_of_members(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let operator = fixture.operator();
    let accounts = &fixture.accounts;
    let stranger = fixture.user("stranger@example.com").await;
    assert_refused(
        accounts
            .create_api_key_for(
                &OPERATOR,
                operator.organization_id(),
                stranger.id,
                new_key("x"),
            )
            .await,
        "not_found",
    );
    let made = fixture.key(fixture.owner.id, new_key("x")).await;
    let (keys, total) = accounts
        .api_keys_of_organization(&operator, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!((keys, total), (vec![(made.key.clone(), None)], 1));

    let owner = fixture.owner.id;
    accounts
        .revoke_api_key_of(&operator, owner, made.key.id)
        .await
        .unwrap();
    assert_revoked(&fixture.by_bearer(made.secret.expose()).await);
}

#[rstest]
#[tokio::test]
async fn admins_see_all_keys_and_delete_those_of_members_and_owners_those_of_owners(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let owner = fixture.owner.id;
    let admin = fixture.member("admin@example.com", Role::Admin).await;
    let plain = fixture.member("plain@example.com", Role::User).await;
    let owners = fixture.key(owner, new_key("owner's")).await;
    let plains = fixture.key(plain.id, new_key("plain's")).await;
    let (admin, plain_caller) = (
        fixture.caller(admin.id).await,
        fixture.caller(plain.id).await,
    );
    let listed = accounts.api_keys_of_organization(&admin, Page::default());
    // The two, and those that the callers call with.
    assert_eq!(listed.await.unwrap().total.counted(), 4);
    let listed = accounts.api_keys_of_organization(&plain_caller, Page::default());
    assert_refused(listed.await, "role_required");
    let deleted = accounts.revoke_api_key_of(&plain_caller, plain.id, plains.key.id);
    assert_refused(deleted.await, "role_required");
    let deleted = accounts.revoke_api_key_of(&admin, owner, owners.key.id);
    assert_refused(deleted.await, "role_required");
    fixture.by_bearer(owners.secret.expose()).await.unwrap();
    let deleted = accounts.revoke_api_key_of(&admin, plain.id, plains.key.id);
    deleted.await.unwrap();
    assert_revoked(&fixture.by_bearer(plains.secret.expose()).await);
}

#[rstest]
#[tokio::test]
async fn who_is_no_member_any_more_makes_no_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let caller = fixture.caller(grace.id).await;
    fixture
        .accounts
        .deactivate_member(&fixture.operator(), grace.id)
        .await
        .unwrap();
    let made = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), new_key("late"));
    assert_refused(made.await, "credential_ended");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_that_starts_after_the_deletion_passes_while_others_are_being_looked_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = fixture.caller(fixture.owner.id).await;
    for _ in 0..20 {
        let made = fixture.key(fixture.owner.id, new_key("raced")).await;
        let secret: Arc<str> = made.secret.expose().into();
        let deleted = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (check, secret) = (fixture.check.clone(), Arc::clone(&secret));
                let deleted = Arc::clone(&deleted);
                tokio::spawn(async move {
                    let mut late = 0;
                    while late < 10 {
                        let after = deleted.load(Ordering::SeqCst);
                        let passed = by_bearer(&check, &secret).await.is_ok();
                        assert!(!(after && passed), "passed after the deletion");
                        late += u32::from(after);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        fixture
            .accounts
            .revoke_api_key(caller.permit().unwrap(), made.key.id)
            .await
            .unwrap();
        deleted.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
    }
}
