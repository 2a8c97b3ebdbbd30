//! The signing keys.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{
    Bridge, ClockTrust, Duties, Intervals, KeyringParts, LoadKeyringError, OldKeys,
};
use vestibule_check::{Cause, Rejected};
use vestibule_credential::{Claims, Issuer, MasterKey, TokenError, TokenId};
use vestibule_model::{Clock as _, OsEntropy, Timestamp};
use vestibule_store::{ChangeSink as _, LEASE};

use crate::support::{Backend, Fixture, OPERATOR, by_bearer, new_key};

#[rstest]
#[tokio::test]
async fn a_rotation_holds_when_it_answers_and_old_tokens_live_out_their_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let before = fixture.accounts.keyring().active_key();
    let after = fixture
        .accounts
        .rotate_keyring(&OPERATOR, OldKeys::LiveOut)
        .await
        .unwrap();
    assert_ne!(after, before);
    assert_eq!(fixture.accounts.keyring().active_key(), after);
    fixture.by_bearer(&entry.token).await.unwrap();
    let fresh = fixture.token(&entry.session, fixture.organization.id);
    fixture.by_bearer(&fresh).await.unwrap();
    // Another process that starts now knows both.
    let (second, check) = fixture.second().await;
    assert_eq!(second.keyring().active_key(), after);
    by_bearer(&check, &entry.token).await.unwrap();

    fixture.clock.advance(Duration::from_secs(3_599));
    fixture.by_bearer(&entry.token).await.unwrap();
    fixture.clock.advance(Duration::from_secs(120));
    let late = fixture
        .accounts
        .keyring()
        .verify(&entry.token, fixture.now());
    assert_eq!(late, Err(TokenError::UnknownKey));
}

#[rstest]
#[tokio::test]
async fn nothing_that_a_deleted_key_has_signed_passes_and_all_else_stands(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let key = fixture.key(fixture.owner.id, new_key("robot")).await;
    fixture.by_bearer(&entry.token).await.unwrap();
    // A process that hears of nothing, and so goes on with the keyring that it has.
    let (deaf, check) = fixture.second().await;
    let before = deaf.keyring().active_key();

    let after = fixture.accounts.rotate_keyring(&OPERATOR, OldKeys::EndNow);
    let after = after.await.unwrap();
    let refused = fixture.by_bearer(&entry.token).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Cause::Rejected(Rejected::Token(TokenError::UnknownKey))
        ),
        "{refused:?}"
    );
    assert_eq!(deaf.keyring().active_key(), before);
    let refused = by_bearer(&check, &entry.token).await.unwrap_err();
    assert!(
        matches!(refused, Cause::Rejected(Rejected::Revoked)),
        "{refused:?}"
    );
    fixture.by_cookie(&entry.cookie).await.unwrap();
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    let fresh = fixture.token(&entry.session, fixture.organization.id);
    fixture.by_bearer(&fresh).await.unwrap();

    let rows = fixture.store().signing_keys().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [after]);
    let published = fixture.accounts.jwks().await.unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published["keys"][0]["kid"], after.to_string());
}

#[rstest]
#[tokio::test]
async fn who_keeps_an_old_key_passes_by_backdating_until_its_time_is_over_and_no_longer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let kept = fixture.accounts.keyring();
    let signed = |from: Timestamp, life: Duration| {
        let claims = Claims {
            subject: entry.session.user_id,
            organization: fixture.organization.id,
            session: entry.session.id,
            id: TokenId::mint(fixture.clock.as_ref(), &OsEntropy),
            issued_at: from,
            expires_at: from.after(life),
        };
        kept.sign(&claims).unwrap()
    };
    let refused = async |token: &str| match fixture.by_bearer(token).await {
        Err(Cause::Rejected(Rejected::Token(error))) => error,
        other => panic!("{other:?}"),
    };
    let (hour, second) = (fixture.lifetimes.access_token, Duration::from_secs(1));
    let long = || signed(fixture.now(), hour + second);
    fixture.by_bearer(&long()).await.unwrap();

    let rotated = fixture.accounts.rotate_keyring(&OPERATOR, OldKeys::LiveOut);
    rotated.await.unwrap();
    let retired = fixture.now();
    assert_eq!(refused(&long()).await, TokenError::UnknownKey);

    // The last that passes: dated as if it had been made while the key may still have signed.
    let last = retired.after(Duration::from_secs(60));
    fixture.clock.set(last.after(hour).before(second));
    let honest = signed(fixture.now(), hour);
    assert_eq!(refused(&honest).await, TokenError::UnknownKey);
    let too_late = signed(last.after(second), hour);
    assert_eq!(refused(&too_late).await, TokenError::UnknownKey);
    let backdated = signed(last, hour);
    fixture.by_bearer(&backdated).await.unwrap();
    fixture.clock.advance(second);
    assert_eq!(refused(&backdated).await, TokenError::UnknownKey);
}

#[tokio::test]
async fn a_key_whose_tokens_are_dead_is_published_no_more() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let rotated = fixture.accounts.rotate_keyring(&OPERATOR, OldKeys::LiveOut);
    rotated.await.unwrap();
    let published = async || {
        let keys = fixture.accounts.jwks().await.unwrap();
        keys["keys"].as_array().unwrap().len()
    };
    assert_eq!(published().await, 2);
    let life = fixture.lifetimes.access_token + Duration::from_secs(60);
    fixture.clock.advance(life);
    assert_eq!(published().await, 1);
}

#[rstest]
#[tokio::test]
async fn a_process_that_was_stopped_publishes_no_key_that_was_deleted_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (stopped, check) = fixture.second().await;
    let bridge = Bridge::new(check.core(), &stopped);
    bridge.resume(fixture.clock.boot().after(LEASE));
    let old = stopped.jwks().await.unwrap();
    let rotated = fixture.accounts.rotate_keyring(&OPERATOR, OldKeys::EndNow);
    let new = rotated.await.unwrap().to_string();
    assert_eq!(stopped.jwks().await.unwrap(), old, "remembered");
    fixture.clock.advance(LEASE);
    let published = stopped.jwks().await.unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published["keys"][0]["kid"], new);
}

#[tokio::test]
async fn the_newest_key_signs_even_if_the_clock_was_set_back() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let first = fixture.accounts.keyring().active_key();
    fixture.clock.set(Timestamp::from_seconds(1_700_000_000));
    let second = fixture
        .accounts
        .rotate_keyring(&OPERATOR, OldKeys::LiveOut)
        .await
        .unwrap();
    let third = fixture
        .accounts
        .rotate_keyring(&OPERATOR, OldKeys::LiveOut)
        .await
        .unwrap();
    assert_eq!(fixture.accounts.keyring().active_key(), third);
    let rows = fixture.store().signing_keys().await.unwrap();
    let live: Vec<_> = rows.iter().filter(|row| row.retired_at.is_none()).collect();
    assert_eq!(live.len(), 1);
    assert!([first, second].iter().all(|id| *id != live[0].id));
}

#[rstest]
#[tokio::test]
async fn another_process_follows_a_rotation(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (second, check) = fixture.second().await;
    let duties = Duties::new(
        second.clone(),
        check.core(),
        Intervals::default(),
        ClockTrust::confirmed(),
    );
    let store = second.store().clone();
    let clock = fixture.clock.clone();
    let feed = tokio::spawn(async move { store.run_feed(&*clock, std::future::pending()).await });
    let keyring = tokio::spawn(async move { duties.follow_keyring(std::future::pending()).await });
    // Until it hears, nothing is promised; afterwards the rotation comes within the lease.
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    by_bearer(&check, &entry.token).await.unwrap();
    let after = fixture
        .accounts
        .rotate_keyring(&OPERATOR, OldKeys::LiveOut)
        .await
        .unwrap();
    let followed = async {
        while second.keyring().active_key() != after {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), followed)
        .await
        .unwrap();
    let fresh = fixture.token(&entry.session, fixture.organization.id);
    by_bearer(&check, &fresh).await.unwrap();
    feed.abort();
    keyring.abort();
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let parts = KeyringParts {
        store: fixture.store(),
        master_key: &MasterKey::from_bytes([8; 32]),
        issuer: Issuer {
            issuer: "https://auth.example.com".to_owned(),
            audience: "https://auth.example.com".to_owned(),
        },
        lifetimes: &fixture.lifetimes,
    };
    let refused = parts
        .load_or_create(fixture.clock.as_ref(), &OsEntropy)
        .await;
    assert!(
        matches!(refused, Err(LoadKeyringError::MasterKey)),
        "{refused:?}"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_agree_on_what_signs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    fixture.raw("DELETE FROM signing_key").await;
    let started = futures_util::future::join_all((0..4).map(|_| fixture.second())).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    // Whatever was made at the same moment: after one more reading all verify for all.
    for (accounts, _) in &started {
        accounts.reload_keyring().await.unwrap();
    }
    let claims_of = started[0].0.keyring().active_key();
    assert!(
        started
            .iter()
            .all(|(accounts, _)| accounts.keyring().active_key() == claims_of)
    );
    // The keys of before are gone, and with them their tokens.
    match by_bearer(&started[0].1, &entry.token).await {
        Err(Cause::Rejected(Rejected::Token(TokenError::UnknownKey))) => {}
        other => panic!("{other:?}"),
    }
}
