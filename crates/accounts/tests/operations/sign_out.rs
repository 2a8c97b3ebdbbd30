//! The end of a session.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{Caller, SignOut};
use vestibule_credential::PlainSecret;
use vestibule_model::{Digest, Role};

use crate::support::{Backend, Entry, Fixture, OPERATOR, assert_revoked, details, new_key};

fn by_cookie<'r>(cookie: &PlainSecret) -> SignOut<'r> {
    SignOut {
        cookies: vec![cookie.digest()],
        ..SignOut::default()
    }
}

fn by_token(token: &str) -> SignOut<'_> {
    SignOut {
        token: Some(token),
        ..SignOut::default()
    }
}

async fn has_ended(fixture: &Fixture, entry: &Entry) -> bool {
    let session = fixture.store().session(entry.session.id).await.unwrap();
    session.unwrap().ended_at.is_some()
}

#[rstest]
#[tokio::test]
async fn signing_out_ends_the_cookie_and_every_token_of_the_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let one = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let other = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    for token in [&one.token, &other.token] {
        fixture.by_bearer(token).await.unwrap();
    }
    fixture.by_cookie(&one.cookie).await.unwrap();
    let presented = SignOut {
        address: Some("192.0.2.1".parse().unwrap()),
        request_id: Some("request-1".to_owned()),
        ..by_token(&one.token)
    };
    for _ in 0..2 {
        fixture.accounts.sign_out(&presented).await.unwrap();
    }
    assert_revoked(&fixture.by_bearer(&one.token).await);
    assert_revoked(&fixture.by_cookie(&one.cookie).await);
    fixture.by_bearer(&other.token).await.unwrap();
    let records = fixture.records("session.ended").await;
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record.subject, Some(one.session.id.to_string()));
    assert_eq!(record.user_id, Some(fixture.owner.id));
    assert_eq!(record.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(record.request_id.as_deref(), Some("request-1"));
    assert_eq!(details(record)["by"], "sign_out");

    let presented = by_cookie(&other.cookie);
    fixture.accounts.sign_out(&presented).await.unwrap();
    assert_revoked(&fixture.by_bearer(&other.token).await);
}

#[rstest]
#[tokio::test]
async fn a_session_ends_for_whoever_may_not_act_any_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("member", "organization", "user")] stopped: &str,
    #[values(true, false)] with_cookie: bool,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let entry = fixture.enter(grace.id, fixture.organization.id).await;
    let (accounts, operator) = (&fixture.accounts, fixture.operator());
    match stopped {
        "member" => accounts
            .deactivate_member(&operator, grace.id)
            .await
            .map(drop),
        "organization" => {
            accounts
                .deactivate_organization(&OPERATOR, operator.organization_id())
                .await
        }
        _ => accounts.suspend_user(&OPERATOR, grace.id).await.map(drop),
    }
    .unwrap();
    let presented = if with_cookie {
        by_cookie(&entry.cookie)
    } else {
        by_token(&entry.token)
    };
    accounts.sign_out(&presented).await.unwrap();
    assert!(has_ended(&fixture, &entry).await);
}

#[tokio::test]
async fn an_expired_token_of_good_signature_ends_its_session() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    fixture.by_cookie(&entry.cookie).await.unwrap();
    fixture.sign_out(&entry.token).await;
    assert_revoked(&fixture.by_cookie(&entry.cookie).await);
}

#[tokio::test]
async fn cookie_and_token_of_one_request_both_end_theirs() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let (one, other, planted) = (
        fixture
            .enter(fixture.owner.id, fixture.organization.id)
            .await,
        fixture
            .enter(fixture.owner.id, fixture.organization.id)
            .await,
        fixture
            .enter(fixture.owner.id, fixture.organization.id)
            .await,
    );
    let presented = SignOut {
        cookies: vec![planted.cookie.digest(), one.cookie.digest()],
        ..by_token(&other.token)
    };
    fixture.accounts.sign_out(&presented).await.unwrap();
    for entry in [one, other, planted] {
        assert!(has_ended(&fixture, &entry).await);
    }
}

#[tokio::test]
async fn what_is_unknown_or_has_no_session_changes_nothing() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    let (claims, _) = entry.token.rsplit_once('.').unwrap();
    let forged = format!("{claims}.{}", "A".repeat(86));
    let unknown = SignOut {
        cookies: vec![Digest::of(b"unknown")],
        ..SignOut::default()
    };
    // The writer is taken: whatever wanted it would wait for it in vain.
    let held = fixture.store().begin().await.unwrap();
    for presented in [
        SignOut::default(),
        unknown,
        by_token(key.secret.expose()),
        by_token(&forged),
        by_token("junk"),
    ] {
        let signed_out = fixture.accounts.sign_out(&presented);
        let signed_out = tokio::time::timeout(Duration::from_secs(2), signed_out).await;
        signed_out.unwrap().unwrap();
    }
    drop(held);
    assert!(!has_ended(&fixture, &entry).await);
    assert!(fixture.records("session.ended").await.is_empty());
    let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
    let caller = Caller::from(&permit);
    fixture
        .accounts
        .api_keys(caller.permit().unwrap())
        .await
        .unwrap();
}
