//! The end of a membership ends for good what its user could act with, also where the user comes
//! back.

use rstest::rstest;
use vestibule_accounts::SignIn;
use vestibule_model::{Role, UserId};

use crate::provider::Connected;
use crate::support::{
    Backend, CHEAP_HASH, Fixture, OPERATOR, assert_refused, assert_revoked, details, new_key,
    record,
};

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

/// Suspension is the operator's and not the organisation's: role, groups and exemption stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Demoted,
    Removed,
    Deactivated,
    Suspended,
}

#[rstest]
#[tokio::test]
async fn whoever_becomes_an_owner_again_is_exempt_from_single_sign_on_only_when_named_again(
    #[values(Gone::Demoted, Gone::Removed, Gone::Deactivated, Gone::Suspended)] gone: Gone,
    #[values(true, false)] enforced: bool,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let grace = fixture.member("grace@example.com", Role::Owner).await.id;
    for user in [ada, grace] {
        let password = "correct horse".to_owned().try_into().unwrap();
        let given = accounts.set_password(&OPERATOR, user, password).await;
        given.unwrap();
    }
    let both = [ada, grace];
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    if enforced {
        world.sso.enforce_sso(&operator, true).await.unwrap();
    }
    let exempt = async || {
        let policy = world.sso.sso_policy(&operator).await.unwrap();
        policy.break_glass.contains(&grace)
    };
    assert!(exempt().await);

    let kind = match gone {
        Gone::Demoted => {
            for role in [Role::Admin, Role::Owner] {
                let changed = accounts.set_role(&operator, grace, role).await;
                changed.unwrap();
                fixture.tick();
            }
            "member.role_changed"
        }
        Gone::Removed => {
            accounts.remove_member(&operator, grace).await.unwrap();
            let added = accounts.add_member(&operator, grace, Role::Owner).await;
            added.unwrap();
            "member.removed"
        }
        Gone::Deactivated => {
            accounts.deactivate_member(&operator, grace).await.unwrap();
            accounts.activate_member(&operator, grace).await.unwrap();
            "member.deactivated"
        }
        Gone::Suspended => {
            accounts.suspend_user(&OPERATOR, grace).await.unwrap();
            accounts.unsuspend_user(&OPERATOR, grace).await.unwrap();
            assert!(exempt().await);
            return;
        }
    };
    assert!(!exempt().await);
    let records = fixture.records(kind).await;
    let told = |row| details(row)["break_glass_ended"] == true;
    assert_eq!(records.iter().filter(|row| told(row)).count(), 1);
    world.sso.enforce_sso(&operator, true).await.unwrap();
    let enter = || accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    assert_refused(enter().await, "sso_required");
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    enter().await.unwrap();
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
