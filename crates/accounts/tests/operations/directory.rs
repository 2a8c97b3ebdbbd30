//! Who a credential is, and which obstacle is named first.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::CannotResolve;
use vestibule_check::{Inactive, Unresolved};
use vestibule_credential::{FrameError, TokenError};
use vestibule_model::{CredentialRef, Role};

use crate::support::{Backend, Fixture, OPERATOR, new_key, record};

async fn obstacle(fixture: &Fixture, credential: &str) -> CannotResolve {
    fixture.accounts.resolve(credential).await.unwrap_err()
}

#[rstest]
#[tokio::test]
async fn of_several_obstacles_the_one_nearest_to_the_credential_is_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let end = fixture.now().after(Duration::from_secs(600));
    let new = new_key("k").expiring(Some(end));
    let key = fixture.key(grace, new).await;
    let entry = fixture.enter(grace, fixture.organization.id).await;
    let texts = [
        key.secret.expose(),
        entry.token.as_str(),
        entry.cookie.expose(),
    ];
    for text in texts {
        let principal = fixture.accounts.resolve(text).await.unwrap();
        assert_eq!(principal.user_id, grace);
        assert_eq!(principal.home.as_str(), format!("/users/{grace}"));
        assert!(principal.plan.has("agents"));
    }
    let principal = fixture.accounts.resolve(texts[0]).await.unwrap();
    assert_eq!(principal.credential, CredentialRef::ApiKey(key.key.id));
    assert_eq!(principal.expires_at, Some(end));

    // From the farthest obstacle to the nearest, each before all that came earlier.
    let operator = fixture.operator();
    let accounts = &fixture.accounts;
    let all = async |expected: Unresolved| {
        for text in texts {
            let expected = CannotResolve::Unresolved(expected.clone());
            assert_eq!(obstacle(&fixture, text).await, expected);
        }
    };
    // Whose credential it is, is known all the same.
    let inactive = async |expected: Inactive| {
        for text in texts {
            match obstacle(&fixture, text).await {
                CannotResolve::Unresolved(Unresolved::Inactive(why, caller)) => {
                    assert_eq!((why, caller.user_id), (expected, grace));
                }
                other => panic!("{other:?}"),
            }
        }
    };
    // By hand, because the operation would end the sessions, too; and so below.
    let mut write = fixture.store().begin().await.unwrap();
    let since = Some(fixture.now());
    let scope = operator.scope();
    let stands = write.set_membership_deactivated(scope, grace, since).await;
    assert!(stands.unwrap());
    write.commit(record("test.done")).await.unwrap();
    inactive(Inactive::Membership).await;
    accounts
        .deactivate_organization(&OPERATOR, operator.organization_id())
        .await
        .unwrap();
    inactive(Inactive::Organization).await;
    let mut write = fixture.store().begin().await.unwrap();
    let since = Some(fixture.now());
    write.set_user_suspended(grace, since).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
    inactive(Inactive::User).await;
    fixture.clock.set(end);
    let expired = CannotResolve::Unresolved(Unresolved::Expired);
    assert_eq!(obstacle(&fixture, texts[0]).await, expired);
    accounts
        .revoke_api_key_of(&operator, grace, key.key.id)
        .await
        .unwrap();
    let mut write = fixture.store().begin().await.unwrap();
    write.end_sessions_of(grace, fixture.now()).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
    all(Unresolved::Revoked).await;
}

#[rstest]
#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let week = fixture.lifetimes.session_idle;
    let principal = fixture
        .accounts
        .resolve(entry.cookie.expose())
        .await
        .unwrap();
    assert_eq!(principal.expires_at, Some(fixture.now().after(week)));
    let principal = fixture.accounts.resolve(&entry.token).await.unwrap();
    let hour = fixture.now().after(Duration::from_secs(3_600));
    assert_eq!(principal.expires_at, Some(hour));
    fixture.clock.advance(week);
    let expired = CannotResolve::Unresolved(Unresolved::Expired);
    assert_eq!(obstacle(&fixture, entry.cookie.expose()).await, expired);
    let token = fixture.token(&entry.session, fixture.organization.id);
    assert_eq!(obstacle(&fixture, &token).await, expired);
}

#[tokio::test]
async fn a_text_that_is_no_credential_of_ours_is_told_apart_from_one_that_is_unknown() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    let text = key.secret.expose();
    let mut mistyped = text.to_owned();
    mistyped.pop();
    mistyped.push(if text.ends_with('0') { '1' } else { '0' });
    for (text, expected) in [
        ("sk-user-1", CannotResolve::Frame(FrameError::NotFramed)),
        (&mistyped, CannotResolve::Frame(FrameError::Checksum)),
        ("eyJ.e.y", CannotResolve::Token(TokenError::Malformed)),
    ] {
        assert_eq!(obstacle(&fixture, text).await, expected, "{text}");
    }
    let prefix = vestibule_credential::Prefix::default();
    let kinds = vestibule_credential::SecretKind::ALL;
    for kind in kinds {
        let stranger =
            vestibule_credential::frame::mint(&prefix, kind, &vestibule_model::OsEntropy);
        assert_eq!(
            obstacle(&fixture, stranger.expose()).await,
            CannotResolve::Unresolved(Unresolved::Unknown)
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_directory_without_its_store_does_not_guess(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    fixture.raw("ALTER TABLE api_key RENAME TO away").await;
    let unknown = fixture.accounts.resolve(key.secret.expose()).await;
    assert!(
        matches!(
            unknown,
            Err(CannotResolve::Unresolved(Unresolved::Unavailable(_)))
        ),
        "{unknown:?}"
    );
}
