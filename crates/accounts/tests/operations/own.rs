//! What people do to their own password, profile and sessions, and what administrators ask about
//! access.

use rstest::rstest;
use vestibule_accounts::{AccessGround, Asked, NewGrant, PasswordChange};
use vestibule_credential::PlainPassword;
use vestibule_model::{Capability, ResourcePath, Role, UserId};
use vestibule_policy::Refusal;

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, assert_revoked, details, new_key, refused_fields,
};

fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

fn change(current: &str, new: &str) -> PasswordChange {
    PasswordChange {
        current: current.to_owned().try_into().unwrap(),
        new: new.to_owned().try_into().unwrap(),
    }
}

#[rstest]
#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_gives_this_one_a_new_cookie(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let user = fixture.owner.id;
    let right = "the present one";
    let password = PlainPassword::try_from(right.to_owned()).unwrap();
    accounts
        .set_password(&OPERATOR, user, password)
        .await
        .unwrap();
    let entry = fixture.enter(user, fixture.organization.id).await;
    let other = fixture.enter(user, fixture.organization.id).await;
    let key = fixture.key(user, new_key("stays")).await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let presented = entry.cookie.digest();

    let wrong = accounts
        .change_password(&permit, &presented, change("not it", "another password"))
        .await;
    assert_eq!(
        refused_fields(wrong),
        [("current_password".to_owned(), "wrong_password")]
    );
    let short = accounts.change_password(&permit, &presented, change(right, "short"));
    assert_eq!(
        refused_fields(short.await),
        [("new_password".to_owned(), "password_too_short")]
    );
    let same = accounts.change_password(&permit, &presented, change(right, right));
    assert_eq!(
        refused_fields(same.await),
        [("new_password".to_owned(), "same_password")]
    );
    fixture.by_cookie(&other.cookie).await.unwrap();

    let cookie = accounts
        .change_password(&permit, &presented, change(right, "another password"))
        .await
        .unwrap();
    assert_revoked(&fixture.by_cookie(&other.cookie).await);
    fixture.by_bearer(&other.token).await.unwrap_err();
    fixture.by_cookie(&entry.cookie).await.unwrap_err();
    fixture.by_cookie(&cookie).await.unwrap();
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    let records = fixture.records("user.password_changed").await;
    assert_eq!(details(&records[0])["sessions_ended"], 1);
    assert!(!records[0].details.contains("another password"));
    // The old cookie changes nothing a second time.
    let again = accounts
        .change_password(
            &permit,
            &presented,
            change("another password", "a third one"),
        )
        .await;
    assert_refused(again, "session_changed");
}

#[rstest]
#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let organization = fixture.organization.id;
    let own = fixture.enter(fixture.owner.id, organization).await;
    let second = fixture.enter(fixture.owner.id, organization).await;
    let third = fixture.enter(fixture.owner.id, organization).await;
    let foreign = fixture.enter(grace.id, organization).await;
    let permit = fixture.by_cookie(&own.cookie).await.unwrap();

    let listed = accounts.own_sessions(&permit).await.unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|one| one.user_id == fixture.owner.id));
    let ended = accounts.end_own_session(&permit, foreign.session.id).await;
    assert_refused(ended, "not_found");
    fixture.by_cookie(&foreign.cookie).await.unwrap();

    let ended = accounts.end_own_session(&permit, second.session.id).await;
    ended.unwrap();
    assert_revoked(&fixture.by_cookie(&second.cookie).await);
    assert_eq!(accounts.end_other_sessions(&permit).await.unwrap(), 1);
    assert_revoked(&fixture.by_cookie(&third.cookie).await);
    fixture.by_cookie(&own.cookie).await.unwrap();
    fixture.by_cookie(&foreign.cookie).await.unwrap();
    assert_eq!(fixture.records("user.sessions_ended").await.len(), 1);
    let records = fixture.records("session.ended").await;
    assert_eq!(records[0].subject, Some(second.session.id.to_string()));
}

#[rstest]
#[tokio::test]
async fn names_of_people_and_organizations_change_with_a_record(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let permit = fixture.by_cookie(&entry.cookie).await.unwrap();
    let first = Some("Augusta".parse().unwrap());
    let changed = accounts.update_profile(&permit, first.clone(), None).await;
    changed.unwrap();
    let me = accounts.me(&permit).await.unwrap();
    assert_eq!((me.user.first_name, me.user.last_name), (first, None));
    assert_eq!(fixture.records("user.profile_changed").await.len(), 1);

    let grace = fixture.member("grace@example.com", Role::User).await;
    let renamed = accounts
        .rename_organization(&fixture.caller(grace.id).await, "Hers".parse().unwrap())
        .await;
    assert_refused(renamed, "role_required");
    let caller = fixture.caller(fixture.owner.id).await;
    let renamed = accounts.rename_organization(&caller, "Ours".parse().unwrap());
    renamed.await.unwrap();
    let (found, _) = accounts
        .organization(caller.permit().unwrap(), fixture.organization.id)
        .await
        .unwrap();
    assert_eq!(found.name.as_str(), "Ours");
    let records = fixture.records("organization.renamed").await;
    assert_eq!(details(&records[0])["after"]["name"], "Ours");
}

#[rstest]
#[tokio::test]
async fn access_is_explained_by_the_role_or_the_grant_that_decides(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let accounts = &fixture.accounts;
    let caller = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let grant = NewGrant {
        path: path("/shared"),
        capability: Capability::ReadOnly,
        can_approve: false,
    };
    let grant = accounts.grant_to_user(&caller, grace.id, grant).await;
    let grant = grant.unwrap();
    let ask = async |user: UserId, text: &str, capability| {
        let asked = Asked {
            user,
            path: path(text),
            capability,
        };
        accounts.explain_access(&caller, &asked).await.unwrap()
    };
    let read = ask(grace.id, "/shared/a", Capability::ReadOnly).await;
    assert!(matches!(read.outcome, Ok(AccessGround::Grant(held)) if held.id == grant.id));
    assert_eq!(read.have, Some(Capability::ReadOnly));
    let write = ask(grace.id, "/shared/a", Capability::ReadWrite).await;
    assert!(matches!(
        write.outcome,
        Err(Refusal::Path {
            have: Some(Capability::ReadOnly),
            ..
        })
    ));
    let nothing = ask(grace.id, "/private", Capability::ReadOnly).await;
    assert!(nothing.outcome.is_err());
    assert_eq!(nothing.grants.len(), 1);
    let home = ResourcePath::home_of(grace.id).to_string();
    let home = ask(grace.id, &home, Capability::ReadWriteDelete).await;
    assert!(matches!(home.outcome, Ok(AccessGround::Home(_))));
    let owner = ask(fixture.owner.id, "/private", Capability::ReadWrite).await;
    assert_eq!(owner.outcome, Ok(AccessGround::Role(Role::Owner)));

    accounts.deactivate_member(&caller, grace.id).await.unwrap();
    let inactive = ask(grace.id, "/shared/a", Capability::ReadOnly).await;
    assert!(inactive.inactive.is_some());
    let stranger = fixture.user("stranger@example.com").await;
    let asked = Asked {
        user: stranger.id,
        path: path("/shared"),
        capability: Capability::ReadOnly,
    };
    assert_refused(accounts.explain_access(&caller, &asked).await, "not_found");
}
