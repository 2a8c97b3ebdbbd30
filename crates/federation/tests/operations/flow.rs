//! Sign-in through an identity provider, from the first redirect to the token.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use vestibule_accounts::{Page, SignOut, TokenSignIn};
use vestibule_federation::{CallbackOutcome, ReturnTo, SettingsVersion};
use vestibule_model::{Role, Session};

use crate::provider::{APP, Connected, origin};
use crate::support::{Backend, OPERATOR, assert_refused, assert_revoked, details, record};

fn fragment() -> ReturnTo {
    ReturnTo::Fragment {
        redirect_uri: APP.to_owned(),
    }
}

fn code() -> ReturnTo {
    ReturnTo::Code {
        redirect_uri: APP.to_owned(),
    }
}

fn token_of(arrived: CallbackOutcome) -> TokenSignIn {
    match arrived {
        CallbackOutcome::Json(sign_in) => sign_in,
        other => panic!("{other:?}"),
    }
}

fn location(arrived: &CallbackOutcome) -> String {
    match arrived {
        CallbackOutcome::Redirect { location, .. } => location.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[tokio::test]
async fn the_application_gets_a_token_in_the_fragment_that_the_check_accepts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let arrived = world.sign_in(fragment()).await.unwrap();
    assert!(!format!("{arrived:?}").contains("access_token"));
    let place = location(&arrived);
    let rest = place.strip_prefix(&format!("{APP}#access_token=")).unwrap();
    let (token, rest) = rest.split_once('&').unwrap();
    assert_eq!(rest, "token_type=bearer&expires_in=3600");
    let permit = world.fixture.by_bearer(token).await.unwrap();
    assert_eq!(permit.role(), Role::User);

    let started = world.fixture.records("session.started").await;
    assert_eq!(details(&started[0])["by"], "sso");
    assert_eq!(started[0].request_id.as_deref(), Some("request-1"));
    for kind in ["user.created", "member.added", "sso.identity_linked"] {
        assert_eq!(world.fixture.records(kind).await.len(), 1, "{kind}");
    }
    // The second time nobody is made and nothing is linked.
    world.sign_in(fragment()).await.unwrap();
    assert_eq!(world.fixture.records("user.created").await.len(), 1);
    assert_eq!(world.fixture.records("session.started").await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_browser_gets_a_session_cookie(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let to = ReturnTo::Browser {
        path: "/console".to_owned(),
    };
    let CallbackOutcome::Browser { path, sign_in } = world.sign_in(to).await.unwrap() else {
        panic!("no browser");
    };
    assert_eq!(path, "/console");
    world.fixture.by_cookie(&sign_in.cookie).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_code_is_exchanged_once_for_the_redirect_it_was_given_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let arrived = world.sign_in(code()).await.unwrap();
    let place = location(&arrived);
    let code_text = place.strip_prefix(&format!("{APP}?code=")).unwrap();
    let from = origin();
    let other = world
        .sso
        .exchange_code(code_text, "https://app.example.com/other", &from);
    assert_refused(other.await, "sso_code");
    let (one, two) = tokio::join!(
        world.sso.exchange_code(code_text, APP, &from),
        world.sso.exchange_code(code_text, APP, &from),
    );
    let (good, bad) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_refused(bad, "sso_code");
    let good = good.unwrap();
    world.fixture.by_bearer(good.token.expose()).await.unwrap();

    let late = location(&world.sign_in(code()).await.unwrap());
    let late = late.strip_prefix(&format!("{APP}?code=")).unwrap();
    world.fixture.clock.advance(Duration::from_secs(60));
    assert_refused(world.sso.exchange_code(late, APP, &from).await, "sso_code");
}

#[rstest]
#[tokio::test]
async fn a_state_is_good_once_in_the_browser_that_began(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let begun = world.begin(ReturnTo::Json).await;
    let query = world.provider.authorize(&begun.redirect_url);
    let other = world.begin(ReturnTo::Json).await;
    for binding in [None, Some(""), Some(other.binding.expose())] {
        let failure = world.call(&query, binding).await.unwrap_err();
        assert_eq!(failure.error.reason(), "sso_state");
        assert_eq!(failure.location, None);
    }
    let binding = Some(begun.binding.expose());
    let (one, two) = tokio::join!(world.call(&query, binding), world.call(&query, binding));
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
    let again = world.call(&query, binding).await.unwrap_err();
    assert_eq!(again.error.reason(), "sso_state");

    let slow = world.begin(ReturnTo::Json).await;
    world.fixture.clock.advance(Duration::from_secs(600));
    let late = world.come_back(&slow).await.unwrap_err();
    assert_eq!(late.error.reason(), "sso_state");
}

#[rstest]
#[tokio::test]
async fn an_address_leads_to_an_account_only_where_both_sides_have_proved_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let grace = world.fixture.member("grace@example.com", Role::User).await;
    for lie in [json!("true"), json!(1), json!(false), json!(null)] {
        world.provider.says("email_verified", lie.clone());
        let failure = world.sign_in(fragment()).await.unwrap_err();
        // A lie of another type is refused by the protocol already.
        let reason = failure.error.reason();
        assert!(
            ["email_not_proved", "sso_refused"].contains(&reason),
            "{lie}"
        );
        let place = failure.location.unwrap();
        assert!(
            place.starts_with(&format!("{APP}#error=access_denied&")),
            "{place}"
        );
    }
    world.provider.says("email_verified", json!(true));
    for other in [
        "grace@evil.example",
        "grace@sub.example.com",
        "grace@\u{ff45}xample.com",
    ] {
        world.provider.says("email", json!(other));
        let (reason, clause) = world.refused().await;
        assert_eq!(
            (reason, clause.as_str()),
            ("email_not_proved", "email_not_proved")
        );
    }
    world.provider.says("email", json!("Grace@Example.com"));
    let arrived = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(arrived.signed_in.me.user.id, grace.id);

    // A reassigned mailbox does not lead to the account of its former owner.
    world.provider.says("sub", json!("person-2"));
    assert_eq!(world.refused().await.0, "identity_differs");
    // The subject alone says who it is: an address that changes, changes nothing.
    world.provider.says("sub", json!("person-1"));
    world.provider.says("email", json!("ada@example.com"));
    let arrived = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(arrived.signed_in.me.user.id, grace.id);
}

#[rstest]
#[tokio::test]
async fn a_suspended_user_a_sleeping_member_and_a_stranger_stay_outside(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::with(backend, |settings| settings.just_in_time = false).await;
    let operator = world.fixture.operator();
    let accounts = &world.fixture.accounts;
    assert_eq!(world.refused().await.0, "no_account");
    let grace = world.fixture.user("grace@example.com").await;
    assert_eq!(world.refused().await.0, "not_a_member");
    let add = accounts.add_member(&operator, grace.id, Role::User);
    add.await.unwrap();
    accounts.suspend_user(&OPERATOR, grace.id).await.unwrap();
    assert_eq!(world.refused().await.0, "user_suspended");
    accounts.unsuspend_user(&OPERATOR, grace.id).await.unwrap();
    accounts
        .deactivate_member(&operator, grace.id)
        .await
        .unwrap();
    assert_eq!(world.refused().await.0, "membership_ended");
    let linked = world.sso.identities(&operator, grace.id).await.unwrap();
    assert_eq!(linked, [], "a refused sign-in leaves no trace");
    accounts.activate_member(&operator, grace.id).await.unwrap();
    world.sign_in(ReturnTo::Json).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn groups_of_the_provider_become_roles_and_groups_by_the_mapping_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let accounts = &world.fixture.accounts;
    world
        .provider
        .says("groups", json!(["OWNER", "ADMIN", "it"]));
    world.provider.says("role", json!("OWNER"));
    let first = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(first.signed_in.me.role, Role::User, "nothing is mapped yet");
    let user = first.signed_in.me.user.id;

    let readers = accounts
        .create_group(&operator, "Readers".parse().unwrap())
        .await
        .unwrap();
    let others = accounts
        .create_group(&operator, "Others".parse().unwrap())
        .await
        .unwrap();
    accounts
        .add_to_group(&operator, others.id, user)
        .await
        .unwrap();
    let mut settings = world
        .sso
        .connection(&operator, world.id)
        .await
        .unwrap()
        .live;
    settings.role_by_group.insert("it".to_owned(), Role::Admin);
    settings
        .groups_by_group
        .insert("it".to_owned(), vec![readers.id]);
    let staged = world
        .sso
        .stage_connection(&operator, world.id, settings, None, false);
    staged.await.unwrap();
    let still = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(still.signed_in.me.role, Role::User, "staged is not live");
    world
        .sso
        .swap_connection(&operator, world.id)
        .await
        .unwrap();

    let mapped = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(mapped.signed_in.me.role, Role::Admin);
    let members = accounts
        .group_members(&operator, readers.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(members, [user]);
    world.provider.says("groups", json!([]));
    let lowered = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(lowered.signed_in.me.role, Role::User);
    let members = accounts
        .group_members(&operator, readers.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(members, []);
    let kept = accounts
        .group_members(&operator, others.id, Page::default())
        .await
        .unwrap()
        .items;
    assert_eq!(kept, [user], "a group that is not mapped is left alone");

    // An owner stays one, whatever the provider says.
    world.provider.says("sub", json!("owner"));
    world.provider.says("email", json!("ada@example.com"));
    let owner = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(owner.signed_in.me.role, Role::Owner);
}

#[rstest]
#[tokio::test]
async fn a_test_creates_nobody_and_shows_what_would_happen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let begun = world
        .sso
        .start_test(&operator, world.id, SettingsVersion::Live, None, &origin())
        .await
        .unwrap();
    let CallbackOutcome::Tested(report) = world.come_back(&begun).await.unwrap() else {
        panic!("no report");
    };
    assert!(report.outcome.admitted && report.outcome.creates_user && report.outcome.joins);
    assert_eq!(report.outcome.role, Some(Role::User));
    assert_eq!(report.claims["name"], "Grace Hopper");
    assert!(!report.claims.contains_key("nonce"));
    let email = "grace@example.com".parse().unwrap();
    let found = world.fixture.store().user_by_email(&email);
    assert_eq!(found.await.unwrap(), None);
    assert!(world.fixture.records("session.started").await.is_empty());
    let attempts = world.sso.attempts(&operator, world.id).await.unwrap();
    assert_eq!(attempts[0].purpose, "test");
    assert!(
        attempts[0]
            .report
            .as_deref()
            .unwrap()
            .contains("Grace Hopper")
    );
}

#[rstest]
#[tokio::test]
async fn the_provider_ends_the_sessions_that_came_by_it_and_no_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let one = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    world.provider.says("sid", json!("idp-session-2"));
    let two = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let user = one.signed_in.me.user.id;
    let own = world
        .fixture
        .enter(user, world.fixture.organization.id)
        .await;
    world.fixture.by_bearer(one.token.expose()).await.unwrap();

    let now = world.fixture.now().as_seconds();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let mut claims = json!({
        "iss": world.provider.base, "aud": "vestibule", "iat": now, "exp": now + 60,
        "jti": "logout-1", "sid": "idp-session-1", "sub": "person-1", "events": { event: {} },
    });
    let token = world.provider.sign("logout+jwt", &claims);
    assert_eq!(
        world
            .sso
            .backchannel_logout(world.id, &token)
            .await
            .unwrap(),
        1
    );
    assert_revoked(&world.fixture.by_bearer(one.token.expose()).await);
    world.fixture.by_bearer(two.token.expose()).await.unwrap();
    let again = world.sso.backchannel_logout(world.id, &token).await;
    assert_refused(again, "logout_token_repeated");
    claims["jti"] = json!("logout-2");
    claims["aud"] = json!("somebody else");
    let wrong = world.provider.sign("logout+jwt", &claims);
    let wrong = world.sso.backchannel_logout(world.id, &wrong).await;
    assert_refused(wrong, "logout_token_refused");
    claims["aud"] = json!("vestibule");
    claims.as_object_mut().unwrap().remove("sid");
    let all = world.provider.sign("logout+jwt", &claims);
    assert_eq!(
        world.sso.backchannel_logout(world.id, &all).await.unwrap(),
        1
    );
    assert_revoked(&world.fixture.by_bearer(two.token.expose()).await);
    world.fixture.by_bearer(&own.token).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn signing_out_leads_to_the_provider_that_was_come_by(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let signed_in = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let presented = SignOut {
        token: Some(signed_in.token.expose()),
        ..SignOut::default()
    };
    let url = world.sso.sign_out(&presented, None).await.unwrap().unwrap();
    let start = format!(
        "{}/logout?client_id=vestibule&id_token_hint=",
        world.provider.base
    );
    assert!(url.starts_with(&start), "{url}");
    assert_revoked(&world.fixture.by_bearer(signed_in.token.expose()).await);
    let own = world
        .fixture
        .enter(world.fixture.owner.id, world.fixture.organization.id)
        .await;
    let presented = SignOut {
        token: Some(&own.token),
        ..SignOut::default()
    };
    assert_eq!(world.sso.sign_out(&presented, None).await.unwrap(), None);
    assert_revoked(&world.fixture.by_bearer(&own.token).await);
}

#[rstest]
#[tokio::test]
async fn a_signed_in_user_links_an_identity_whatever_its_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let from = origin();
    let world = Connected::with(backend, |settings| settings.just_in_time = false).await;
    world
        .provider
        .says("email", json!("private@elsewhere.example"));
    let owner = world.fixture.owner.id;
    let own = world
        .fixture
        .enter(owner, world.fixture.organization.id)
        .await;
    let permit = world.fixture.by_bearer(&own.token).await.unwrap();
    let begun = world
        .sso
        .start_link(&permit, world.id, "/account", None, &from);
    let begun = begun.await.unwrap();
    let CallbackOutcome::Linked { identity, .. } = world.come_back(&begun).await.unwrap() else {
        panic!("not linked");
    };
    assert_eq!(identity.user_id, owner);
    let arrived = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_eq!(arrived.signed_in.me.user.id, owner);

    let grace = world.fixture.member("grace@example.com", Role::User).await;
    let other = world
        .fixture
        .enter(grace.id, world.fixture.organization.id)
        .await;
    let permit = world.fixture.by_bearer(&other.token).await.unwrap();
    let begun = world
        .sso
        .start_link(&permit, world.id, "/account", None, &from);
    let failure = world.come_back(&begun.await.unwrap()).await.unwrap_err();
    assert_eq!(failure.error.reason(), "identity_taken");
    let key = world.fixture.permit(grace.id).await;
    let by_key = world
        .sso
        .start_link(&key, world.id, "/account", None, &from);
    assert_refused(by_key.await, "credential_kind_not_accepted");

    let operator = world.fixture.operator();
    world
        .sso
        .unlink(&operator, world.id, owner, false)
        .await
        .unwrap();
    assert_revoked(&world.fixture.by_bearer(arrived.token.expose()).await);
}

#[rstest]
#[tokio::test]
async fn nobody_comes_in_without_a_seat(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let free: vestibule_model::PlanName = "free".parse().unwrap();
    world
        .fixture
        .accounts
        .set_plan(&OPERATOR, operator.organization_id(), &free)
        .await
        .unwrap();
    world.sign_in(ReturnTo::Json).await.unwrap();
    world.provider.says("sub", json!("person-2"));
    world.provider.says("email", json!("third@example.com"));
    assert_eq!(world.refused().await.0, "no_seat");
}

#[rstest]
#[tokio::test]
async fn a_session_stays_in_the_organization_whose_provider_vouched(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let accounts = &world.fixture.accounts;
    let signed_in = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let user = signed_in.signed_in.me.user.id;
    let other = world.fixture.organization_of("Other", user).await;

    let token = signed_in.token.expose();
    let permit = world.fixture.by_bearer(token).await.unwrap();
    // Nothing tells whether the user is a member there.
    let strange = world
        .fixture
        .organization_of("Strange", world.fixture.owner.id);
    for elsewhere in [other.id, strange.await.id] {
        let there = accounts.refresh(&permit, token, Some(elsewhere)).await;
        assert_refused(there, "sso_elsewhere");
    }
    accounts.refresh(&permit, token, None).await.unwrap();

    let to = ReturnTo::Browser {
        path: "/".to_owned(),
    };
    let CallbackOutcome::Browser { sign_in, .. } = world.sign_in(to).await.unwrap() else {
        panic!("no browser");
    };
    let permit = world.fixture.by_cookie(&sign_in.cookie).await.unwrap();
    let presented = sign_in.cookie.digest();
    let there = accounts.switch_organization(&permit, &presented, other.id);
    assert_refused(there.await, "sso_elsewhere");
    world.fixture.by_cookie(&sign_in.cookie).await.unwrap();

    // A session from a password reaches all organisations of its user.
    let own = world
        .fixture
        .enter(user, world.fixture.organization.id)
        .await;
    let permit = world.fixture.by_bearer(&own.token).await.unwrap();
    let there = accounts.refresh(&permit, &own.token, Some(other.id)).await;
    there.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_link_needs_its_session_to_the_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let owner = world.fixture.owner.id;
    let own = world
        .fixture
        .enter(owner, world.fixture.organization.id)
        .await;
    let permit = world.fixture.by_bearer(&own.token).await.unwrap();
    let from = origin();
    let begun = world.sso.start_link(&permit, world.id, "/", None, &from);
    let begun = begun.await.unwrap();
    world.fixture.sign_out(&own.token).await;
    let failure = world.come_back(&begun).await.unwrap_err();
    assert_eq!(failure.error.reason(), "credential_ended");
    let operator = world.fixture.operator();
    let linked = world.sso.identities(&operator, owner).await.unwrap();
    assert_eq!(linked, []);
}

#[rstest]
#[tokio::test]
async fn nobody_is_sent_to_a_redirect_uri_that_was_removed_meanwhile(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let arrived = location(&world.sign_in(code()).await.unwrap());
    let text = arrived.strip_prefix(&format!("{APP}?code=")).unwrap();
    let begun = world.begin(fragment()).await;
    let uris = world.sso.redirect_uris(&operator).await.unwrap();
    world
        .sso
        .remove_redirect_uri(&operator, uris[0].id)
        .await
        .unwrap();
    let failure = world.come_back(&begun).await.unwrap_err();
    assert_eq!(failure.error.reason(), "sso_state");
    assert_eq!(failure.location, None);
    let exchanged = world.sso.exchange_code(text, APP, &origin()).await;
    assert_refused(exchanged, "sso_code");
}

fn logout(world: &Connected, edit: impl FnOnce(&mut serde_json::Value)) -> String {
    let now = world.fixture.now().as_seconds();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let mut claims = json!({
        "iss": world.provider.base, "aud": "vestibule", "iat": now, "exp": now + 60,
        "jti": "logout-1", "sub": "person-1", "events": { event: {} },
    });
    edit(&mut claims);
    world.provider.sign("logout+jwt", &claims)
}

#[rstest]
#[tokio::test]
async fn the_provider_ends_sessions_by_its_own_name_for_a_person(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // The account goes by another claim, and logout tokens have `sub` alone.
    let edit = |settings: &mut vestibule_model::ConnectionSettings| {
        settings.claims.subject = "oid".to_owned();
    };
    let world = Connected::with(backend, edit).await;
    world.provider.says("oid", json!("object-1"));
    let one = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let code_text = location(&world.sign_in(code()).await.unwrap());
    let code_text = code_text.strip_prefix(&format!("{APP}?code=")).unwrap();
    let token = logout(&world, |_| {});
    let ended = world.sso.backchannel_logout(world.id, &token).await;
    assert_eq!(ended.unwrap(), 1);
    assert_revoked(&world.fixture.by_bearer(one.token.expose()).await);
    let exchanged = world.sso.exchange_code(code_text, APP, &origin()).await;
    assert_refused(exchanged, "sso_code");
}

#[rstest]
#[tokio::test]
async fn a_session_that_named_no_session_of_the_provider_ends_with_any_of_its_persons(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    world.provider.says("sid", json!(""));
    let one = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let token = logout(&world, |claims| claims["sid"] = json!("idp-session-9"));
    let ended = world.sso.backchannel_logout(world.id, &token).await;
    assert_eq!(ended.unwrap(), 1);
    assert_revoked(&world.fixture.by_bearer(one.token.expose()).await);

    // A code ends with the session of the provider that it was given in.
    world.provider.says("sid", json!("idp-session-2"));
    let arrived = location(&world.sign_in(code()).await.unwrap());
    let text = arrived.strip_prefix(&format!("{APP}?code=")).unwrap();
    let token = logout(&world, |claims| {
        claims["jti"] = json!("logout-2");
        claims["sid"] = json!("idp-session-2");
        claims.as_object_mut().unwrap().remove("sub");
    });
    world
        .sso
        .backchannel_logout(world.id, &token)
        .await
        .unwrap();
    let exchanged = world.sso.exchange_code(text, APP, &origin()).await;
    assert_refused(exchanged, "sso_code");
    world.provider.says("sid", json!("x".repeat(256)));
    assert_eq!(world.refused().await.1, "claim_type");
}

#[rstest]
#[tokio::test]
async fn an_admin_does_not_part_an_owner_from_the_provider(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    world.provider.says("email", json!("ada@example.com"));
    let arrived = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let owner = world.fixture.owner.id;
    assert_eq!(arrived.signed_in.me.user.id, owner);
    let admin = world.fixture.member("grace@example.com", Role::Admin).await;
    let admin = world.fixture.caller(admin.id).await;
    let refused = world.sso.unlink(&admin, world.id, owner, true).await;
    assert_refused(refused, "role_required");
    world
        .fixture
        .by_bearer(arrived.token.expose())
        .await
        .unwrap();
    let owner_itself = world.fixture.caller(owner).await;
    world
        .sso
        .unlink(&owner_itself, world.id, owner, false)
        .await
        .unwrap();
}

#[rstest]
#[tokio::test]
async fn beyond_the_most_sessions_by_a_provider_they_give_way_to_each_other_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let first = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    let fixture = &world.fixture;
    let user = first.signed_in.me.user.id;
    let second = fixture.organization_of("Second", user).await;
    let elsewhere = fixture.enter(user, second.id).await;
    fixture.tick();
    for _ in 1..Session::MAX_PER_USER {
        let one = fixture.enter(user, fixture.organization.id).await.session;
        let store = fixture.store();
        let first = store.sso_session(first.signed_in.session.id).await;
        let mut write = store.begin().await.unwrap();
        let came_by = first.unwrap().unwrap();
        write.insert_sso_session(one.id, &came_by).await.unwrap();
        write.commit(record("test.done")).await.unwrap();
    }
    fixture.by_bearer(first.token.expose()).await.unwrap();
    fixture.by_cookie(&elsewhere.cookie).await.unwrap();
    let new = token_of(world.sign_in(ReturnTo::Json).await.unwrap());
    assert_revoked(&fixture.by_bearer(first.token.expose()).await);
    fixture.by_bearer(new.token.expose()).await.unwrap();
    // Sessions elsewhere are not the provider's to end, however long they were idle.
    fixture.by_cookie(&elsewhere.cookie).await.unwrap();
    let records = fixture.records("session.started").await;
    assert_eq!(details(&records[0])["sessions_ended"], 1);
}
