//! The end of a membership ends for good what its user could act with, also where the user comes
//! back.

use rstest::rstest;
use vestibule_accounts::SignIn;
use vestibule_model::{Role, UserId};

use crate::support::{Backend, CHEAP_HASH, Fixture, assert_revoked, details, new_key, record};

/// The two ways in which a membership ends and begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    Removed,
    Deactivated,
}

impl Leave {
    async fn end(self, fixture: &Fixture, user: UserId) {
        let (accounts, operator) = (&fixture.accounts, fixture.operator());
        match self {
            Self::Removed => accounts.remove_member(&operator, user).await.unwrap(),
            Self::Deactivated => drop(accounts.deactivate_member(&operator, user).await.unwrap()),
        }
    }

    async fn come_back(self, fixture: &Fixture, user: UserId, role: Role) {
        let (accounts, operator) = (&fixture.accounts, fixture.operator());
        match self {
            Self::Removed => drop(accounts.add_member(&operator, user, role).await.unwrap()),
            Self::Deactivated => drop(accounts.activate_member(&operator, user).await.unwrap()),
        }
    }

    const fn record(self) -> &'static str {
        match self {
            Self::Removed => "member.removed",
            Self::Deactivated => "member.deactivated",
        }
    }
}

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.parse().unwrap(),
        password: password.to_owned().try_into().unwrap(),
        organization_id: None,
        address: None,
        request_id: None,
    }
}

#[rstest]
#[tokio::test]
async fn the_sessions_of_a_former_member_stay_ended_when_the_member_comes_back(
    #[values(Leave::Removed, Leave::Deactivated)] leave: Leave,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (_, other_server) = fixture.second().await;
    let here = fixture.organization.id;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let heidi = fixture.member("heidi@example.com", Role::User).await.id;
    let entry = fixture.enter(grace, here).await;
    let of_another = fixture.enter(heidi, here).await;
    for token in [&entry.token, &of_another.token] {
        fixture.by_bearer(token).await.unwrap();
    }
    fixture.tick();
    leave.end(&fixture, grace).await;
    let ended = async || {
        assert_revoked(&fixture.by_bearer(&entry.token).await);
        assert_revoked(&fixture.by_cookie(&entry.cookie).await);
        assert_revoked(&crate::support::by_bearer(&other_server, &entry.token).await);
    };
    ended().await;
    leave.come_back(&fixture, grace, Role::User).await;
    ended().await;
    fixture.by_bearer(&of_another.token).await.unwrap();
    let records = fixture.records(leave.record()).await;
    assert_eq!(details(&records[0])["sessions_ended"], 1);
    // The new sign-in counts.
    let entry = fixture.enter(grace, here).await;
    fixture.by_bearer(&entry.token).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn sessions_in_other_organisations_stay_and_their_tokens_for_this_one_do_not(
    #[values(Leave::Removed, Leave::Deactivated)] leave: Leave,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let here = fixture.organization.id;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let other = fixture.organization_of("Other", grace).await;
    let elsewhere = fixture.enter(grace, other.id).await;
    let permit = fixture.by_bearer(&elsewhere.token).await.unwrap();
    let refresh = async || {
        let accounts = &fixture.accounts;
        let refreshed = accounts.refresh(&permit, &elsewhere.token, Some(here));
        refreshed.await.unwrap().token.expose().to_owned()
    };
    let token_for_it = refresh().await;
    fixture.by_bearer(&token_for_it).await.unwrap();
    fixture.tick();
    leave.end(&fixture, grace).await;
    assert_revoked(&fixture.by_bearer(&token_for_it).await);
    leave.come_back(&fixture, grace, Role::User).await;
    assert_revoked(&fixture.by_bearer(&token_for_it).await);
    fixture.by_bearer(&elsewhere.token).await.unwrap();
    fixture.by_cookie(&elsewhere.cookie).await.unwrap();
    // Whoever is back gets a token that works, and not the one of before once more.
    fixture.tick();
    let fresh = refresh().await;
    assert_ne!(fresh, token_for_it);
    fixture.by_bearer(&fresh).await.unwrap();
}

/// A version that let sessions stand may have removed the member.
#[rstest]
#[tokio::test]
async fn a_session_from_before_a_membership_never_comes_to_life(
    #[values(Leave::Removed, Leave::Deactivated)] leave: Leave,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    leave.end(&fixture, grace).await;
    let left = fixture.enter(grace, fixture.organization.id).await;
    fixture.by_bearer(&left.token).await.unwrap_err();
    leave.come_back(&fixture, grace, Role::User).await;
    assert_revoked(&fixture.by_bearer(&left.token).await);
    assert_revoked(&fixture.by_cookie(&left.cookie).await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sign_in_slips_past_the_end_of_a_membership(
    #[values(Leave::Removed, Leave::Deactivated)] leave: Leave,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let mut write = fixture.store().begin().await.unwrap();
    assert!(write.set_password(grace, CHEAP_HASH).await.unwrap());
    write.commit(record("test.prepared")).await.unwrap();
    for _ in 0..5 {
        let accounts = &fixture.accounts;
        let signing_in = || accounts.sign_in_for_token(sign_in("grace@example.com", "password"));
        let (one, (), two) = tokio::join!(signing_in(), leave.end(&fixture, grace), signing_in());
        leave.come_back(&fixture, grace, Role::User).await;
        for done in [one, two].into_iter().flatten() {
            assert_revoked(&fixture.by_bearer(done.token.expose()).await);
        }
    }
}

/// A removal revokes the keys; a deactivation lets them wait.
#[rstest]
#[tokio::test]
async fn keys_end_with_the_membership_and_wait_while_it_is_deactivated(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let key = fixture.key(grace, new_key("k")).await;
    let secret = key.secret.expose();
    Leave::Deactivated.end(&fixture, grace).await;
    fixture.by_bearer(secret).await.unwrap_err();
    Leave::Deactivated
        .come_back(&fixture, grace, Role::User)
        .await;
    fixture.by_bearer(secret).await.unwrap();
    Leave::Removed.end(&fixture, grace).await;
    Leave::Removed.come_back(&fixture, grace, Role::User).await;
    assert_revoked(&fixture.by_bearer(secret).await);
}
