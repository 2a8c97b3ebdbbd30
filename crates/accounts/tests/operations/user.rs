//! People.

use rstest::rstest;
use serde_json::json;
use vestibule_accounts::{AuditFilter, AuditRow, NewUser, Page};
use vestibule_model::{OsEntropy, Role, SystemClock, UserId};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, assert_revoked, details, new_key, refused_fields,
};

fn new(email: &str, password: Option<&str>) -> NewUser {
    NewUser {
        email: email.parse().unwrap(),
        first_name: Some("Grace".parse().unwrap()),
        last_name: None,
        password: password.map(|text| text.to_owned().try_into().unwrap()),
    }
}

#[rstest]
#[tokio::test]
async fn an_address_belongs_to_one_user(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let grace = accounts.create_user(&OPERATOR, new("grace@example.com", None));
    let grace = grace.await.unwrap();
    let again = accounts.create_user(&OPERATOR, new("Grace@Example.com", None));
    assert_refused(again.await, "email_taken");
    assert_eq!(accounts.user(&OPERATOR, grace.id).await.unwrap(), grace);
    let found = accounts.user_by_email(&OPERATOR, &grace.email).await;
    assert_eq!(found.unwrap(), grace);
    let (_, total) = accounts
        .users(&OPERATOR, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(total, 2);
    let unknown = "x@example.com".parse().unwrap();
    let unknown = accounts.user_by_email(&OPERATOR, &unknown);
    assert_refused(unknown.await, "not_found");
}

#[tokio::test]
async fn a_new_password_has_eight_characters() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let accounts = &fixture.accounts;
    let short = [("password".to_owned(), "password_too_short")];
    let made = accounts.create_user(&OPERATOR, new("grace@example.com", Some("7 chars")));
    assert_eq!(refused_fields(made.await), short);
    let seven = "ünïcödë".to_owned().try_into().unwrap();
    let set = accounts.set_password(&OPERATOR, fixture.owner.id, seven);
    assert_eq!(refused_fields(set.await), short);
}

#[tokio::test]
async fn nobody_is_not_found() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let accounts = &fixture.accounts;
    let nobody = UserId::mint(&SystemClock, &OsEntropy);
    let missing = "not_found";
    assert_refused(accounts.user(&OPERATOR, nobody).await, missing);
    assert_refused(accounts.suspend_user(&OPERATOR, nobody).await, missing);
    assert_refused(accounts.unsuspend_user(&OPERATOR, nobody).await, missing);
    let password = "long enough".to_owned().try_into().unwrap();
    let set = accounts.set_password(&OPERATOR, nobody, password);
    assert_refused(set.await, missing);
}

#[rstest]
#[tokio::test]
async fn nothing_of_a_suspended_user_passes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let passing = async || {
        [
            fixture.by_bearer(key.secret.expose()).await.is_ok(),
            fixture.by_bearer(&entry.token).await.is_ok(),
            fixture.by_cookie(&entry.cookie).await.is_ok(),
        ]
    };
    assert_eq!(passing().await, [true; 3]);
    for sessions_ended in [1, 0] {
        let done = accounts.suspend_user(&OPERATOR, fixture.owner.id).await;
        assert_eq!(done.unwrap().sessions_ended, sessions_ended);
    }
    assert_eq!(passing().await, [false; 3]);
    accounts
        .unsuspend_user(&OPERATOR, fixture.owner.id)
        .await
        .unwrap();
    // The sessions have ended for good; keys are revoked by themselves.
    assert_eq!(passing().await, [true, false, false]);
    assert_revoked(&fixture.by_bearer(&entry.token).await);
    let records = installation(&fixture, "user.suspended").await;
    assert_eq!(records.len(), 1);
    assert_eq!(details(&records[0])["sessions_ended"], 1);
}

async fn installation(fixture: &Fixture, kind: &str) -> Vec<AuditRow> {
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        ..AuditFilter::default()
    };
    let page = Page::first(100);
    let found = fixture
        .accounts
        .audit_of_the_installation(&OPERATOR, &filter, page);
    found.await.unwrap().items
}

#[rstest]
#[tokio::test]
async fn who_suspends_the_last_owner_is_told_which_organizations_have_none_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let ada = fixture.owner.id;
    let grace = fixture.member("grace@example.com", Role::Owner).await;
    let second = fixture.organization_of("Second", ada).await;
    let done = accounts.suspend_user(&OPERATOR, ada).await.unwrap();
    assert_eq!(done.ownerless, std::slice::from_ref(&second));
    let done = accounts.suspend_user(&OPERATOR, grace.id).await.unwrap();
    assert_eq!(done.ownerless, std::slice::from_ref(&fixture.organization));
    let records = installation(&fixture, "user.suspended").await;
    let mut left: Vec<_> = records
        .iter()
        .map(|row| details(row)["organizations_without_owner"].clone())
        .collect();
    left.sort_by_key(ToString::to_string);
    let mut expected = vec![json!([second.id]), json!([fixture.organization.id])];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(left, expected);
    // The operator makes another owner.
    let alan = fixture.member("alan@example.com", Role::Owner).await;
    accounts.unsuspend_user(&OPERATOR, grace.id).await.unwrap();
    let done = accounts.suspend_user(&OPERATOR, alan.id).await.unwrap();
    assert_eq!(done.ownerless, []);
}

#[rstest]
#[tokio::test]
async fn who_is_calling_is_told_who_that_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let entry = fixture.enter(fixture.owner.id, second.id).await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let me = fixture.accounts.me(&permit).await.unwrap();
    assert_eq!(me.user, fixture.owner);
    assert_eq!(me.organization_id, second.id);
    assert_eq!(me.default_organization_id, fixture.organization.id);
}
