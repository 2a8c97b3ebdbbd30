//! Sign-in by e-mail address and password.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_accounts::{Error, SignIn, SignInLimits};
use vestibule_credential::HasherConfig;
use vestibule_model::{Digest, OrganizationId, Role, Session, User};

use crate::support::{
    Backend, CHEAP_HASH, Fixture, OPERATOR, Options, assert_refused, assert_revoked, details,
    record,
};

fn sign_in(email: &str, password: &str, organization_id: Option<OrganizationId>) -> SignIn {
    SignIn {
        email: email.parse().unwrap(),
        password: password.to_owned().try_into().unwrap(),
        organization_id,
        address: Some("192.0.2.1".parse().unwrap()),
        request_id: Some("request-1".to_owned()),
    }
}

async fn set_hash(fixture: &Fixture, user: &User, hash: &str) {
    let mut write = fixture.store().begin().await.unwrap();
    write.set_password(user.id, hash).await.unwrap();
    write.commit(record("test.prepared")).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_right_password_gives_a_token_or_a_cookie_of_a_new_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let password = "correct horse".to_owned().try_into().unwrap();
    let set = fixture
        .accounts
        .set_password(&OPERATOR, fixture.owner.id, password);
    set.await.unwrap();

    let asked = sign_in("ADA@example.com", "correct horse", None);
    assert!(!format!("{asked:?}").contains("horse"));
    let by_token = fixture.accounts.sign_in_for_token(asked).await.unwrap();
    let me = &by_token.signed_in.me;
    assert_eq!(me.user, fixture.owner);
    assert_eq!(by_token.signed_in.organization, fixture.organization);
    assert_eq!(me.organization_id, fixture.organization.id);
    assert_eq!(me.default_organization_id, fixture.organization.id);
    assert_eq!(me.role, Role::Owner);
    assert_eq!(by_token.token.expires_in(), Duration::from_secs(3_600));
    assert!(!format!("{by_token:?}").contains(by_token.token.expose()));
    let permit = fixture.by_bearer(by_token.token.expose()).await.unwrap();
    assert_eq!(
        permit.credential().session(),
        Some(by_token.signed_in.session.id)
    );
    fixture.tick();

    let asked = sign_in("ada@example.com", "correct horse", None);
    let by_cookie = fixture
        .accounts
        .sign_in_for_cookie(asked, &[])
        .await
        .unwrap();
    fixture.by_cookie(&by_cookie.cookie).await.unwrap();
    assert_ne!(
        by_cookie.signed_in.session.id,
        by_token.signed_in.session.id
    );

    let records = fixture.records("session.started").await;
    assert_eq!(records.len(), 2);
    assert_eq!(details(&records[0])["for"], "session_cookie");
    assert_eq!(records[0].user_id, Some(fixture.owner.id));
    assert_eq!(records[0].request_id.as_deref(), Some("request-1"));
}

#[rstest]
#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    fixture.member("no.password@example.com", Role::User).await;
    let lonely = fixture.user("lonely@example.com").await;
    set_hash(&fixture, &lonely, CHEAP_HASH).await;
    let suspended = fixture.member("suspended@example.com", Role::User).await;
    set_hash(&fixture, &suspended, CHEAP_HASH).await;
    fixture
        .accounts
        .suspend_user(&OPERATOR, suspended.id)
        .await
        .unwrap();
    let still = fixture.member("still@example.com", Role::User).await;
    set_hash(&fixture, &still, CHEAP_HASH).await;
    fixture
        .accounts
        .deactivate_member(&fixture.operator(), still.id)
        .await
        .unwrap();
    let absurd = fixture.member("absurd@example.com", Role::User).await;
    set_hash(
        &fixture,
        &absurd,
        "$argon2id$v=19$m=4194304,t=9,p=9$c29tZXNhbHQ$AA",
    )
    .await;
    let other = fixture.organization_of("Elsewhere", lonely.id).await;
    fixture
        .accounts
        .remove_member(
            &vestibule_accounts::Caller::operator(&OPERATOR, other.id),
            lonely.id,
        )
        .await
        .unwrap_err();
    let closed = fixture.user("closed@example.com").await;
    set_hash(&fixture, &closed, CHEAP_HASH).await;
    let shut = fixture.organization_of("Closed", closed.id).await;
    fixture
        .accounts
        .deactivate_organization(&OPERATOR, shut.id)
        .await
        .unwrap();

    let mut sentences = Vec::new();
    for (email, password, organization) in [
        ("nobody@example.com", "password", None),
        ("ada@example.com", "Password", None),
        ("ada@example.com", "password", Some(other.id)),
        ("no.password@example.com", "password", None),
        ("suspended@example.com", "password", None),
        ("still@example.com", "password", None),
        ("absurd@example.com", "password", None),
        ("closed@example.com", "password", None),
    ] {
        let refused = sign_in(email, password, organization);
        let refused = fixture
            .accounts
            .sign_in_for_token(refused)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Error::BadCredentials),
            "{email}: {refused:?}"
        );
        sentences.push(refused.to_string());
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1);
    assert!(fixture.records("session.*").await.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_sign_in_begins_in_the_oldest_membership_or_in_the_one_that_is_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let begin = async |organization| {
        let asked = sign_in("ada@example.com", "password", organization);
        fixture
            .accounts
            .sign_in_for_cookie(asked, &[])
            .await
            .unwrap()
    };
    let oldest = begin(None).await.signed_in;
    assert_eq!(oldest.session.organization_id, fixture.organization.id);
    let named = begin(Some(second.id)).await.signed_in;
    assert_eq!(named.session.organization_id, second.id);
    assert_eq!(named.me.default_organization_id, fixture.organization.id);
}

#[rstest]
#[case::of_one_email(10_000, 2, "sign_ins_per_email")]
#[case::from_one_address(2, 10_000, "sign_ins_per_address")]
#[tokio::test]
async fn too_many_attempts_are_told_to_wait_before_anything_is_hashed(
    #[case] per_address: u32,
    #[case] per_email: u32,
    #[case] name: &str,
) {
    let limits = SignInLimits {
        per_address: NonZeroU32::new(per_address).unwrap(),
        per_email: NonZeroU32::new(per_email).unwrap(),
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let fixture = Fixture::with(Backend::Sqlite, options).await;
    let attempt = async || {
        let asked = sign_in("nobody@example.com", "password", None);
        fixture.accounts.sign_in_for_token(asked).await.unwrap_err()
    };
    for _ in 0..2 {
        assert!(matches!(attempt().await, Error::BadCredentials));
    }
    match attempt().await {
        Error::Limited(limited) => {
            assert_eq!(limited.name, name);
            assert!(limited.retry_after <= Duration::from_secs(30));
        }
        other => panic!("{other:?}"),
    }
    // Another e-mail address from elsewhere is not held up.
    let mut asked = sign_in("somebody@example.com", "password", None);
    asked.address = Some("198.51.100.7".parse().unwrap());
    let answer = fixture.accounts.sign_in_for_token(asked).await;
    assert!(matches!(answer, Err(Error::BadCredentials)), "{answer:?}");
}

#[test]
fn the_default_limits_are_thirty_an_address_and_ten_an_email() {
    let limits = SignInLimits::default();
    assert_eq!((limits.per_address.get(), limits.per_email.get()), (30, 10));
}

#[tokio::test]
async fn sign_ins_beyond_the_queue_are_refused_at_once() {
    let options = Options {
        hasher: HasherConfig {
            threads: 1,
            queue: 1,
            nice: 0,
        },
        ..Options::default()
    };
    let fixture = Fixture::with(Backend::Sqlite, options).await;
    let attempts = (0..8).map(|_| {
        let asked = sign_in("nobody@example.com", "password", None);
        fixture.accounts.sign_in_for_token(asked)
    });
    let answers = join_all(attempts).await;
    let busy = answers.iter().filter(
        |answer| matches!(answer, Err(Error::Busy { retry_after }) if !retry_after.is_zero()),
    );
    assert!(busy.count() >= 4);
}

#[rstest]
#[tokio::test]
async fn a_password_hashed_with_other_parameters_is_hashed_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let again = async || {
        let asked = sign_in("ada@example.com", "password", None);
        fixture.accounts.sign_in_for_token(asked).await.unwrap();
        fixture.store().password_of(fixture.owner.id).await.unwrap()
    };
    let fresh = again().await.unwrap();
    assert!(fresh.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(again().await.unwrap(), fresh);
}

#[tokio::test]
async fn a_stopped_user_does_not_sign_in_and_a_released_one_does() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let attempt = async || {
        let asked = sign_in("ada@example.com", "password", None);
        fixture.accounts.sign_in_for_token(asked).await
    };
    fixture
        .accounts
        .suspend_user(&OPERATOR, fixture.owner.id)
        .await
        .unwrap();
    assert_refused(attempt().await, "bad_credentials");
    fixture
        .accounts
        .unsuspend_user(&OPERATOR, fixture.owner.id)
        .await
        .unwrap();
    attempt().await.unwrap();
}

/// What is changed while a password is being checked.
#[derive(Debug, Clone, Copy)]
enum Changed {
    Password,
    User,
    Membership,
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_overtaken_by_a_change_begins_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Changed::Password, Changed::User, Changed::Membership)] changed: Changed,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let id = fixture.owner.id;
    let scope = fixture.operator().scope();
    let other = fixture.member("other@example.com", Role::User).await;
    let password = "another password".to_owned().try_into().unwrap();
    let set = fixture.accounts.set_password(&OPERATOR, other.id, password);
    set.await.unwrap();
    let other_hash = fixture
        .store()
        .password_of(other.id)
        .await
        .unwrap()
        .unwrap();

    // Made and not committed: the sign-in reads what was there before, and then waits.
    let mut write = fixture.store().begin().await.unwrap();
    let made = match changed {
        Changed::Password => write.set_password(id, &other_hash).await,
        Changed::User => write.set_user_suspended(id, Some(fixture.now())).await,
        Changed::Membership => {
            // So that the sign-in waits on PostgreSQL, too.
            write.hold_user(id).await.unwrap();
            write.remove_membership(scope, id, fixture.now()).await
        }
    };
    assert!(made.unwrap());
    let asked = sign_in("ada@example.com", "password", None);
    let signing_in = fixture.accounts.sign_in_for_token(asked);
    let changing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        write.commit(record("test.changed")).await.unwrap();
    };
    let (signed_in, ()) = futures_util::future::join(signing_in, changing).await;
    assert_refused(signed_in, "bad_credentials");
    assert!(fixture.records("session.started").await.is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_that_hash_the_password_again_at_the_same_time_all_succeed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let attempts = (0..4).map(|_| {
        let asked = sign_in("ada@example.com", "password", None);
        fixture.accounts.sign_in_for_token(asked)
    });
    for answer in join_all(attempts).await {
        answer.unwrap();
    }
    assert_eq!(fixture.records("session.started").await.len(), 4);
}

#[rstest]
#[tokio::test]
async fn a_browser_that_signs_in_again_leaves_no_session_behind(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let hers = fixture.enter(grace.id, fixture.organization.id).await;
    fixture.by_cookie(&hers.cookie).await.unwrap();
    fixture.by_bearer(&hers.token).await.unwrap();
    let again = async |password, replaces: &[Digest]| {
        let asked = sign_in("ada@example.com", password, None);
        fixture.accounts.sign_in_for_cookie(asked, replaces).await
    };
    let old = [hers.cookie.digest()];
    assert_refused(again("wrong", &old).await, "bad_credentials");
    fixture.by_cookie(&hers.cookie).await.unwrap();

    let first = again("password", &old).await.unwrap();
    assert_revoked(&fixture.by_cookie(&hers.cookie).await);
    assert_revoked(&fixture.by_bearer(&hers.token).await);
    fixture.by_cookie(&first.cookie).await.unwrap();
    let old = [first.cookie.digest(), Digest::of(b"unknown")];
    let second = again("password", &old).await.unwrap();
    assert_revoked(&fixture.by_cookie(&first.cookie).await);
    fixture.by_cookie(&second.cookie).await.unwrap();
    let records = fixture.records("session.ended").await;
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|row| details(row)["by"] == "sign_in"));
    assert!(
        records
            .iter()
            .all(|row| row.user_id == Some(fixture.owner.id))
    );
}

#[rstest]
#[tokio::test]
async fn beyond_the_most_sessions_a_sign_in_ends_the_one_unused_for_longest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    set_hash(&fixture, &fixture.owner, CHEAP_HASH).await;
    let (owner, organization) = (fixture.owner.id, fixture.organization.id);
    let grace = fixture.member("grace@example.com", Role::User).await;
    let hers = fixture.enter(grace.id, organization).await;
    let oldest = fixture.enter(owner, organization).await;
    fixture.by_bearer(&oldest.token).await.unwrap();
    fixture.tick();
    let next = fixture.enter(owner, organization).await;
    for _ in 2..Session::MAX_PER_USER {
        fixture.enter(owner, organization).await;
    }
    fixture.tick();
    fixture.by_cookie(&oldest.cookie).await.unwrap();

    let asked = sign_in("ada@example.com", "password", None);
    let new = fixture
        .accounts
        .sign_in_for_cookie(asked, &[])
        .await
        .unwrap();
    // Its cookie and its tokens are refused with the next request.
    assert_revoked(&fixture.by_cookie(&oldest.cookie).await);
    assert_revoked(&fixture.by_bearer(&oldest.token).await);
    fixture.by_cookie(&next.cookie).await.unwrap();
    fixture.by_cookie(&hers.cookie).await.unwrap();
    let permit = fixture.by_cookie(&new.cookie).await.unwrap();
    let listed = fixture.accounts.own_sessions(&permit).await.unwrap();
    assert_eq!(listed.len(), Session::MAX_PER_USER as usize);
    let records = fixture.records("session.started").await;
    assert_eq!(details(&records[0])["sessions_ended"], 1);
}
