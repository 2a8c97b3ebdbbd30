//! Single sign-on, demanded.

use rstest::rstest;
use vestibule_accounts::SignIn;
use vestibule_federation::{AlsoEnd, CallbackOutcome, ReturnTo};
use vestibule_model::{Role, UserId};

use crate::provider::Connected;
use crate::support::{Backend, OPERATOR, assert_refused, assert_revoked, details};

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.parse().unwrap(),
        password: password.to_owned().try_into().unwrap(),
        organization_id: None,
        address: None,
        request_id: None,
    }
}

async fn give_password(world: &Connected, user: UserId) {
    let password = "correct horse".to_owned().try_into().unwrap();
    let accounts = &world.fixture.accounts;
    let given = accounts.set_password(&OPERATOR, user, password).await;
    given.unwrap();
}

/// Demands single sign-on of everybody but these owners.
async fn enforce(world: &Connected, owners: &[UserId]) {
    let operator = world.fixture.operator();
    world.sso.set_break_glass(&operator, owners).await.unwrap();
    world.sso.enforce_sso(&operator, true).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn where_single_sign_on_is_enforced_the_right_password_is_not_enough(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let accounts = &world.fixture.accounts;
    let grace = world.fixture.member("grace@example.com", Role::Admin).await;
    assert_refused(
        world.sso.enforce_sso(&operator, true).await,
        "break_glass_needed",
    );
    give_password(&world, world.fixture.owner.id).await;
    give_password(&world, grace.id).await;
    let not_owner = world.sso.set_break_glass(&operator, &[grace.id]).await;
    assert_refused(not_owner, "not_an_owner");
    let owners = [world.fixture.owner.id];
    world.sso.set_break_glass(&operator, &owners).await.unwrap();
    let before = accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    let before = before.await.unwrap();
    world.sso.enforce_sso(&operator, true).await.unwrap();

    let wrong = accounts.sign_in_for_token(sign_in("grace@example.com", "wrong"));
    assert_refused(wrong.await, "bad_credentials");
    let right = accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    assert_refused(right.await, "sso_required");
    let right = accounts.sign_in_for_cookie(sign_in("grace@example.com", "correct horse"), &[]);
    assert_refused(right.await, "sso_required");
    let glass = accounts.sign_in_for_token(sign_in("ada@example.com", "correct horse"));
    glass.await.unwrap();
    assert_revoked(&world.fixture.by_bearer(before.token.expose()).await);

    // A member of two begins in the other, and does not get from there into this one.
    let other = world.fixture.organization_of("Other", grace.id).await;
    let there = accounts.sign_in_for_cookie(sign_in("grace@example.com", "correct horse"), &[]);
    let there = there.await.unwrap();
    assert_eq!(there.signed_in.me.organization_id, other.id);
    let permit = world.fixture.by_cookie(&there.cookie).await.unwrap();
    let here = world.fixture.organization.id;
    let presented = there.cookie.digest();
    let switched = accounts.switch_organization(&permit, &presented, here);
    assert_refused(switched.await, "sso_required");

    let disabled = world
        .sso
        .disable_connection(&operator, world.id, AlsoEnd::default())
        .await;
    assert_refused(disabled, "sso_enforced");
    world.sign_in(ReturnTo::Json).await.unwrap();
    world.sso.enforce_sso(&operator, false).await.unwrap();
    let right = accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    right.await.unwrap();
}

#[rstest]
#[tokio::test]
async fn sessions_by_password_end_with_the_enforcement_and_those_of_break_glass_owners_do_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let fixture = &world.fixture;
    let (ada, here) = (fixture.owner.id, fixture.organization.id);
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    let other = fixture.organization_of("Other", grace.id).await;
    give_password(&world, ada).await;
    let by_provider = world.sign_in(ReturnTo::Json).await.unwrap();
    let CallbackOutcome::Json(by_provider) = by_provider else {
        panic!("{by_provider:?}");
    };
    let exempt = fixture.enter(ada, here).await;
    let in_it = fixture.enter(grace.id, here).await;
    let elsewhere = fixture.enter(grace.id, other.id).await;
    let token_for_it = fixture.token(&elsewhere.session, here);
    for token in [&exempt.token, &in_it.token, &token_for_it] {
        fixture.by_bearer(token).await.unwrap();
    }
    fixture.by_cookie(&in_it.cookie).await.unwrap();

    enforce(&world, &[ada]).await;
    assert_revoked(&fixture.by_bearer(&in_it.token).await);
    assert_revoked(&fixture.by_cookie(&in_it.cookie).await);
    assert_revoked(&fixture.by_bearer(&token_for_it).await);
    // Sessions elsewhere, of exempt owners or from the provider go on.
    fixture.by_bearer(&elsewhere.token).await.unwrap();
    fixture.by_cookie(&elsewhere.cookie).await.unwrap();
    fixture.by_bearer(&exempt.token).await.unwrap();
    fixture.by_bearer(by_provider.token.expose()).await.unwrap();
    let records = fixture.records("sso.enforced").await;
    assert_eq!(details(&records[0])["sessions_ended"], 1);
}

#[rstest]
#[tokio::test]
async fn whoever_is_exempt_no_longer_is_signed_out_where_the_password_was_the_way_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let here = fixture.organization.id;
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    let heidi = fixture.member("heidi@example.com", Role::Owner).await;
    for user in [ada, grace.id, heidi.id] {
        give_password(&world, user).await;
    }
    enforce(&world, &[ada, grace.id, heidi.id]).await;
    let unlisted = fixture.enter(grace.id, here).await;
    let demoted = fixture.enter(heidi.id, here).await;
    let owners = [ada, heidi.id];
    world.sso.set_break_glass(&operator, &owners).await.unwrap();
    assert_revoked(&fixture.by_bearer(&unlisted.token).await);
    fixture.by_bearer(&demoted.token).await.unwrap();
    let changed = accounts.set_role(&operator, heidi.id, Role::Admin).await;
    changed.unwrap();
    assert_revoked(&fixture.by_bearer(&demoted.token).await);
}

#[rstest]
#[tokio::test]
async fn who_leaves_and_comes_back_comes_by_the_provider(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let here = fixture.organization.id;
    give_password(&world, ada).await;
    // Removed before it is demanded, and added after.
    let bob = fixture.member("bob@example.com", Role::User).await;
    let early = fixture.enter(bob.id, here).await;
    accounts.remove_member(&operator, bob.id).await.unwrap();
    // Exempt, then removed, and added back without the exemption.
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    give_password(&world, grace.id).await;
    enforce(&world, &[ada, grace.id]).await;
    let exempt = fixture.enter(grace.id, here).await;
    fixture.by_cookie(&exempt.cookie).await.unwrap();
    accounts.remove_member(&operator, grace.id).await.unwrap();
    for (user, entered) in [(bob.id, early), (grace.id, exempt)] {
        let added = accounts.add_member(&operator, user, Role::User).await;
        added.unwrap();
        assert_revoked(&fixture.by_cookie(&entered.cookie).await);
        assert_revoked(&fixture.by_bearer(&entered.token).await);
    }
}

#[rstest]
#[tokio::test]
async fn a_policy_is_changed_as_a_whole_or_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, ada) = (&world.fixture, world.fixture.owner.id);
    let operator = fixture.operator();
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    give_password(&world, ada).await;
    world.sso.set_break_glass(&operator, &[ada]).await.unwrap();
    // Grace has no password, so that nobody could come in.
    let owners = [grace.id];
    let refused = world
        .sso
        .change_sso_policy(&operator, Some(true), Some(&owners))
        .await;
    assert_refused(refused, "break_glass_needed");
    let policy = world.sso.sso_policy(&operator).await.unwrap();
    assert_eq!(
        (policy.enforced_since, policy.break_glass),
        (None, vec![ada])
    );

    // The change is complete although it ends the very session that asked for it.
    enforce(&world, &[ada]).await;
    give_password(&world, grace.id).await;
    let by = fixture.caller(ada).await;
    let changed = world
        .sso
        .change_sso_policy(&by, Some(true), Some(&owners))
        .await;
    assert_eq!(changed.unwrap().break_glass, owners);
}

#[rstest]
#[tokio::test]
async fn the_last_break_glass_owner_stays_while_single_sign_on_is_enforced(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    give_password(&world, ada).await;
    let by = fixture.caller(grace.id).await;
    enforce(&world, &[ada]).await;
    let last = "last_break_glass_owner";
    assert_refused(accounts.set_role(&by, ada, Role::Admin).await, last);
    let demoted = accounts.set_role(&operator, ada, Role::Admin).await;
    assert_refused(demoted, last);
    assert_refused(accounts.deactivate_member(&operator, ada).await, last);
    assert_refused(accounts.remove_member(&operator, ada).await, last);
    let emptied = world.sso.set_break_glass(&operator, &[]).await;
    assert_refused(emptied, "break_glass_needed");
    // Without a password an owner is no way in, and others come and go.
    let both = [ada, grace.id];
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    assert_refused(accounts.remove_member(&operator, ada).await, last);
    let grace_demoted = accounts.set_role(&operator, grace.id, Role::Admin).await;
    grace_demoted.unwrap();

    // Two of them: one may go, and then the other has to stay.
    accounts
        .set_role(&operator, grace.id, Role::Owner)
        .await
        .unwrap();
    give_password(&world, grace.id).await;
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    accounts
        .set_role(&operator, ada, Role::Admin)
        .await
        .unwrap();
    let other = accounts.deactivate_member(&operator, grace.id).await;
    assert_refused(other, "last_owner");
    let heidi = fixture.member("heidi@example.com", Role::Owner).await;
    let other = accounts.deactivate_member(&operator, grace.id).await;
    assert_refused(other, last);
    accounts
        .deactivate_member(&operator, heidi.id)
        .await
        .unwrap();

    // Without enforcement the last exempt owner may go.
    world.sso.enforce_sso(&operator, false).await.unwrap();
    accounts.activate_member(&operator, heidi.id).await.unwrap();
    accounts.remove_member(&operator, grace.id).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn no_sign_in_by_password_slips_past_an_enforcement_that_is_being_switched_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let grace = fixture.member("grace@example.com", Role::Admin).await;
    give_password(&world, fixture.owner.id).await;
    give_password(&world, grace.id).await;
    let operator = fixture.operator();
    let owners = [fixture.owner.id];
    world.sso.set_break_glass(&operator, &owners).await.unwrap();
    let signing_in = || accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    let (one, enforced, two) = tokio::join!(
        signing_in(),
        world.sso.enforce_sso(&operator, true),
        signing_in()
    );
    enforced.unwrap();
    for done in [one, two].into_iter().flatten() {
        let passed = fixture.by_bearer(done.token.expose()).await;
        assert_revoked(&passed);
    }
}

/// Only rows can be held one by one, so only PostgreSQL can tell whom a change waits for.
#[tokio::test]
async fn while_it_is_enforced_a_change_of_one_member_waits_for_no_other() {
    let world = Connected::new(Backend::Postgres).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let here = fixture.organization.id;
    let grace = fixture.member("grace@example.com", Role::Owner).await.id;
    let bystander = fixture.member("bystander@example.com", Role::User).await.id;
    for user in [ada, grace] {
        give_password(&world, user).await;
    }
    enforce(&world, &[ada, grace]).await;
    let exempt = fixture.enter(grace, here).await;
    let by = fixture.caller(ada).await;
    let mut holder = fixture.store().begin().await.unwrap();
    assert!(holder.hold_user(bystander).await.unwrap());

    world.sso.set_break_glass(&by, &[ada]).await.unwrap();
    assert_revoked(&fixture.by_bearer(&exempt.token).await);
    world.sso.set_break_glass(&by, &[ada, grace]).await.unwrap();
    let exempt = fixture.enter(grace, here).await;
    accounts.set_role(&by, grace, Role::Admin).await.unwrap();
    assert_revoked(&fixture.by_bearer(&exempt.token).await);
    accounts.deactivate_member(&by, grace).await.unwrap();
    accounts.activate_member(&operator, grace).await.unwrap();
    accounts.remove_member(&by, grace).await.unwrap();
    world.sso.enforce_sso(&by, false).await.unwrap();
    drop(holder);
}
