//! Sessions: refreshed, switched, seen, ended.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_accounts::Caller;
use vestibule_model::{Digest, Membership, OrganizationId, OsEntropy, Role, SystemClock};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, assert_revoked, details, new_key, record,
};

fn unknown() -> OrganizationId {
    OrganizationId::mint(&SystemClock, &OsEntropy)
}

#[rstest]
#[tokio::test]
async fn a_token_is_exchanged_for_one_with_a_fresh_end_and_keeps_its_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    fixture.clock.advance(Duration::from_secs(1_800));
    let permit = fixture.by_bearer(&entry.token).await.unwrap();
    let refreshed = fixture.accounts.refresh(&permit, &entry.token, None).await;
    let refreshed = refreshed.unwrap();
    assert_eq!(refreshed.token.expires_in(), Duration::from_secs(3_600));
    assert_eq!(refreshed.me.organization_id, fixture.organization.id);
    let records = fixture.records("session.refreshed").await;
    assert_eq!(records[0].subject, Some(entry.session.id.to_string()));

    fixture.clock.advance(Duration::from_secs(1_799));
    fixture.by_bearer(&entry.token).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    fixture.by_bearer(&entry.token).await.unwrap_err();
    let again = fixture.by_bearer(refreshed.token.expose()).await.unwrap();
    assert_eq!(again.credential().session(), Some(entry.session.id));
    assert_refused(
        fixture.accounts.refresh(&permit, &entry.token, None).await,
        "credential_ended",
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_of_one_token_give_one_successor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let permit = fixture.by_bearer(&entry.token).await.unwrap();
    let refresh = async || {
        let refreshed = fixture.accounts.refresh(&permit, &entry.token, None).await;
        refreshed.unwrap().token.expose().to_owned()
    };
    let texts: BTreeSet<_> = join_all((0..16).map(|_| refresh()))
        .await
        .into_iter()
        .collect();
    assert_eq!(texts.len(), 1);
    assert_eq!(fixture.records("session.refreshed").await.len(), 1);
    fixture.clock.advance(Duration::from_secs(29));
    assert!(texts.contains(&refresh().await));
    fixture.clock.advance(Duration::from_secs(2));
    assert!(!texts.contains(&refresh().await));
}

#[rstest]
#[tokio::test]
async fn a_refresh_for_another_organization_takes_an_active_membership_there(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let permit = fixture.by_bearer(&entry.token).await.unwrap();
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let grace = fixture.user("grace@example.com").await;
    let foreign = fixture.organization_of("Foreign", grace.id).await;
    let shut = fixture.organization_of("Shut", fixture.owner.id).await;
    let accounts = &fixture.accounts;
    accounts
        .deactivate_organization(&OPERATOR, shut.id)
        .await
        .unwrap();

    let for_one = async |id| accounts.refresh(&permit, &entry.token, Some(id)).await;
    let there = for_one(second.id).await.unwrap();
    assert_eq!(there.me.organization_id, second.id);
    assert_eq!(there.me.default_organization_id, fixture.organization.id);
    let permit_there = fixture.by_bearer(there.token.expose()).await.unwrap();
    assert_eq!(permit_there.organization_id(), second.id);
    for id in [foreign.id, shut.id, unknown()] {
        assert_refused(for_one(id).await, "not_found");
    }
    // A membership that stands still is none.
    accounts
        .add_member(
            &Caller::operator(&OPERATOR, second.id),
            grace.id,
            Role::Owner,
        )
        .await
        .unwrap();
    accounts
        .deactivate_member(&Caller::operator(&OPERATOR, second.id), fixture.owner.id)
        .await
        .unwrap();
    assert_refused(for_one(second.id).await, "not_found");
}

#[tokio::test]
async fn a_refresh_takes_the_access_token_that_the_permit_was_given_for() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let one = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let other = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let by_token = fixture.by_bearer(&one.token).await.unwrap();
    let by_cookie = fixture.by_cookie(&one.cookie).await.unwrap();
    let by_key = fixture.permit(fixture.owner.id).await;
    let accounts = &fixture.accounts;
    let kind = "credential_kind_not_accepted";
    assert_refused(accounts.refresh(&by_key, &one.token, None).await, kind);
    assert_refused(accounts.refresh(&by_cookie, &one.token, None).await, kind);
    for wrong in [other.token.as_str(), "eyJ.x.y", ""] {
        let refreshed = accounts.refresh(&by_token, wrong, None).await;
        assert_refused(refreshed, "credential_ended");
    }
}

#[tokio::test]
async fn no_token_outlives_its_session() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let mut entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    // Used every six days, so that only its age ends it.
    for _ in 0..4 {
        fixture.clock.advance(Duration::from_secs(6 * 86_400));
        let mut write = fixture.store().begin_unaudited().await.unwrap();
        let seen = [(entry.session.id, fixture.now())];
        write.flush_usage(&[], &seen).await.unwrap();
        write.commit().await.unwrap();
    }
    fixture
        .clock
        .set(entry.session.expires_at.before(Duration::from_secs(60)));
    let mut write = fixture.store().begin_unaudited().await.unwrap();
    let seen = [(entry.session.id, fixture.now())];
    write.flush_usage(&[], &seen).await.unwrap();
    write.commit().await.unwrap();
    entry.token = fixture.token(&entry.session, fixture.organization.id);
    let permit = fixture.by_bearer(&entry.token).await.unwrap();
    let last = fixture.accounts.refresh(&permit, &entry.token, None).await;
    assert_eq!(last.unwrap().token.expires_at, entry.session.expires_at);
    fixture.clock.set(entry.session.expires_at);
    assert_refused(
        fixture.accounts.refresh(&permit, &entry.token, None).await,
        "credential_ended",
    );
    fixture.by_bearer(&entry.token).await.unwrap_err();
}

#[rstest]
#[tokio::test]
async fn a_switch_gives_a_new_cookie_for_the_other_organization_and_kills_the_old(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let presented = entry.cookie.digest();
    fixture.tick();
    let switched = fixture
        .accounts
        .switch_organization(&permit, &presented, second.id)
        .await
        .unwrap();
    assert_eq!(switched.organization, second);
    assert_eq!(switched.role, Role::Owner);
    assert_eq!(switched.expires_at, entry.session.expires_at);
    fixture.by_cookie(&entry.cookie).await.unwrap_err();
    let now = fixture.by_cookie(&switched.cookie).await.unwrap();
    assert_eq!(now.organization_id(), second.id);
    // Tokens name their organisation themselves and go on.
    fixture.by_bearer(&entry.token).await.unwrap();

    let view = fixture.accounts.session_view(&now).await.unwrap();
    assert_eq!(view.user, fixture.owner);
    assert_eq!((view.active.id, view.role), (second.id, Role::Owner));
    assert_eq!(view.plan.name.as_str(), "free");
    let ids: Vec<_> = view.organizations.iter().map(|(it, _)| it.id).collect();
    assert_eq!(ids, [fixture.organization.id, second.id]);

    let operator = Caller::operator(&OPERATOR, second.id);
    let filter = vestibule_accounts::AuditFilter::default();
    let page = vestibule_accounts::Page::default();
    let (rows, _) = fixture
        .accounts
        .audit(&operator, &filter, page)
        .await
        .unwrap()
        .into_counted();
    assert_eq!(rows[0].kind, "session.switched");
    assert_eq!(details(&rows[0])["after"], second.id.to_string());
}

#[rstest]
#[tokio::test]
async fn a_switch_to_where_one_is_no_member_or_without_the_cookie_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.user("grace@example.com").await;
    let foreign = fixture.organization_of("Foreign", grace.id).await;
    let shut = fixture.organization_of("Shut", fixture.owner.id).await;
    fixture
        .accounts
        .deactivate_organization(&OPERATOR, shut.id)
        .await
        .unwrap();
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let by_cookie = fixture.by_cookie(&entry.cookie).await.unwrap();
    let by_token = fixture.by_bearer(&entry.token).await.unwrap();
    let switch = async |permit, presented: Digest, id| {
        let accounts = &fixture.accounts;
        accounts.switch_organization(permit, &presented, id).await
    };
    let digest = entry.cookie.digest();
    for id in [foreign.id, shut.id, unknown()] {
        assert_refused(switch(&by_cookie, digest, id).await, "not_found");
    }
    let own = fixture.organization.id;
    assert_refused(
        switch(&by_token, digest, own).await,
        "credential_kind_not_accepted",
    );
    let stale = Digest::of(b"another cookie");
    assert_refused(switch(&by_cookie, stale, own).await, "session_changed");
    fixture.by_cookie(&entry.cookie).await.unwrap();
    fixture.sign_out(&entry.token).await;
    assert_refused(switch(&by_cookie, digest, own).await, "credential_ended");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_switches_with_one_cookie_one_wins(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let digest = entry.cookie.digest();
    let switch = || {
        let accounts = &fixture.accounts;
        accounts.switch_organization(&permit, &digest, second.id)
    };
    let (won, lost): (Vec<_>, Vec<_>) = join_all((0..8).map(|_| switch()))
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert_refused(answer, "session_changed");
    }
    let cookie = &won[0].as_ref().unwrap().cookie;
    fixture.by_cookie(cookie).await.unwrap();
}

#[tokio::test]
async fn another_password_ends_all_sessions_and_no_keys() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    fixture.by_cookie(&entry.cookie).await.unwrap();
    fixture.by_bearer(&entry.token).await.unwrap();
    let password = "another one".to_owned().try_into().unwrap();
    let set = fixture
        .accounts
        .set_password(&OPERATOR, fixture.owner.id, password);
    set.await.unwrap();
    assert_revoked(&fixture.by_cookie(&entry.cookie).await);
    assert_revoked(&fixture.by_bearer(&entry.token).await);
    fixture.by_bearer(key.secret.expose()).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_active_organization_is_shown_however_many_there_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let mut write = fixture.store().begin().await.unwrap();
    let mut last = fixture.organization.clone();
    for second in 1..=1_000 {
        last.id = OrganizationId::mint(fixture.clock.as_ref(), &OsEntropy);
        last.created_at = fixture.now().after(Duration::from_secs(second));
        write.insert_organization(&last).await.unwrap();
        let membership = Membership {
            organization_id: last.id,
            user_id: fixture.owner.id,
            role: Role::Admin,
            created_at: last.created_at,
            deactivated_at: None,
        };
        write.insert_membership(&membership).await.unwrap();
    }
    write.commit(record("test.prepared")).await.unwrap();
    let entry = fixture.enter(fixture.owner.id, last.id).await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let view = fixture.accounts.session_view(&permit).await.unwrap();
    assert_eq!((&view.active, view.role), (&last, Role::Admin));
    assert_eq!(view.organizations.len(), 1_001);
    assert_eq!(view.organizations.last(), Some(&(last, Role::Admin)));
}
