//! API keys that a form creates: once, and shown for a minute to the session that sent the form.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_accounts::{Caller, KeyOfForm};
use vestibule_model::{ApiKeyId, OsEntropy, UserId};

use crate::support::{Backend, Fixture, assert_refused, new_key};

/// A day but for a second.
const ALMOST_A_DAY: Duration = Duration::from_secs(24 * 60 * 60 - 1);

/// Starts a session of a member; the caller with its cookie.
async fn signed_in(fixture: &Fixture, user: UserId) -> Caller {
    let entry = fixture.enter(user, fixture.organization.id).await;
    Caller::from(&fixture.by_cookie(&entry.cookie).await.unwrap())
}

/// Sends a form once.
async fn submit(fixture: &Fixture, caller: &Caller, form: &str, name: &str) -> KeyOfForm {
    let prepared = fixture.accounts.open_api_key_form(caller, form).unwrap();
    let created =
        fixture
            .accounts
            .create_api_key_once(caller.permit().unwrap(), prepared, new_key(name));
    created.await.unwrap().unwrap()
}

/// The secret that the page of a key shows to a caller.
async fn shown(fixture: &Fixture, caller: &Caller, id: ApiKeyId, sealed: &str) -> Option<String> {
    let new = fixture
        .accounts
        .new_key(caller.permit().unwrap(), id, Some(sealed))
        .await;
    new.unwrap().secret.map(|it| it.expose().to_owned())
}

#[rstest]
#[tokio::test]
async fn a_form_creates_one_key_however_often_it_is_sent_and_shows_it_for_a_minute(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = signed_in(&fixture, fixture.owner.id).await;
    let form = fixture.accounts.api_key_form(&caller).unwrap();
    fixture.clock.advance(Duration::from_secs(600));
    let first = submit(&fixture, &caller, &form, "export").await;
    let sealed = first.sealed_secret.unwrap();
    let secret = shown(&fixture, &caller, first.id, &sealed).await.unwrap();
    assert!(!form.contains(&secret) && !sealed.contains(&secret));
    fixture.by_bearer(&secret).await.unwrap();

    // What the browser did not get the first time, it gets now: the same, and no longer.
    fixture.clock.advance(Duration::from_secs(59));
    let again = submit(&fixture, &caller, &form, "export").await;
    assert_eq!(again.id, first.id);
    let resealed = again.sealed_secret.unwrap();
    for text in [&sealed, &resealed] {
        assert_eq!(
            shown(&fixture, &caller, first.id, text).await.as_ref(),
            Some(&secret)
        );
    }
    fixture.clock.advance(Duration::from_secs(1));
    for text in [&sealed, &resealed] {
        assert_eq!(shown(&fixture, &caller, first.id, text).await, None);
    }
    let late = submit(&fixture, &caller, &form, "export").await;
    assert_eq!((late.id, late.sealed_secret), (first.id, None));
    let keys = fixture
        .accounts
        .api_keys(caller.permit().unwrap())
        .await
        .unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].0.name.to_string(), "export");
    assert_eq!(fixture.records("api_key.created").await.len(), 1);

    // A key that is revoked stays so, and is shown to nobody.
    let deleted = fixture
        .accounts
        .revoke_api_key(caller.permit().unwrap(), first.id)
        .await;
    deleted.unwrap();
    let late = submit(&fixture, &caller, &form, "export").await;
    assert_eq!((late.id, late.sealed_secret), (first.id, None));
    assert!(
        fixture
            .accounts
            .api_keys(caller.permit().unwrap())
            .await
            .unwrap()
            .is_empty()
    );
    fixture.by_bearer(&secret).await.unwrap_err();
}

#[rstest]
#[tokio::test]
async fn a_revoked_key_is_shown_to_nobody_even_within_its_minute(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = signed_in(&fixture, fixture.owner.id).await;
    let form = fixture.accounts.api_key_form(&caller).unwrap();
    let made = submit(&fixture, &caller, &form, "export").await;
    let sealed = made.sealed_secret.unwrap();
    let deleted = fixture
        .accounts
        .revoke_api_key(caller.permit().unwrap(), made.id)
        .await;
    deleted.unwrap();
    let new = fixture
        .accounts
        .new_key(caller.permit().unwrap(), made.id, Some(&sealed))
        .await;
    let new = new.unwrap();
    assert!(new.key.is_none() && new.secret.is_none());
    let again = submit(&fixture, &caller, &form, "export").await;
    assert_eq!((again.id, again.sealed_secret), (made.id, None));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_sent_many_times_at_once_to_two_servers_creates_one_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (second, _) = fixture.second().await;
    let caller = signed_in(&fixture, fixture.owner.id).await;
    // The last place there is: the first submission takes it from the others.
    for number in 0..99 {
        let new = new_key(&format!("number {number}"));
        fixture
            .accounts
            .create_api_key(caller.permit().unwrap(), new)
            .await
            .unwrap();
    }
    let form = fixture.accounts.api_key_form(&caller).unwrap();
    let submissions = (0..8).map(|number| {
        let (caller, form) = (caller.clone(), form.clone());
        let accounts = [&fixture.accounts, &second][number % 2].clone();
        tokio::spawn(async move {
            let prepared = accounts.open_api_key_form(&caller, &form).unwrap();
            let new = new_key("the last");
            accounts
                .create_api_key_once(caller.permit().unwrap(), prepared, new)
                .await
        })
    });
    let mut secrets = Vec::new();
    for created in join_all(submissions).await {
        let created = created.unwrap().unwrap().unwrap();
        let sealed = created.sealed_secret.unwrap();
        secrets.push(shown(&fixture, &caller, created.id, &sealed).await.unwrap());
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 1);
    let keys = fixture
        .accounts
        .api_keys(caller.permit().unwrap())
        .await
        .unwrap();
    assert_eq!(keys.len(), 100);
    // Another form finds no place.
    let form = fixture.accounts.api_key_form(&caller).unwrap();
    let prepared = fixture.accounts.open_api_key_form(&caller, &form).unwrap();
    let refused = fixture.accounts.create_api_key_once(
        caller.permit().unwrap(),
        prepared,
        new_key("one more"),
    );
    assert_refused(refused.await, "too_many_keys");
}

#[rstest]
#[tokio::test]
async fn a_form_and_a_secret_are_of_one_session_user_organization_and_purpose(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let (owner, accounts) = (fixture.owner.id, &fixture.accounts);
    let caller = signed_in(&fixture, owner).await;
    let form = accounts.api_key_form(&caller).unwrap();
    let other_session = signed_in(&fixture, owner).await;
    let member = fixture.member("bob@example.com", vestibule_model::Role::Admin);
    let other_user = signed_in(&fixture, member.await.id).await;
    let elsewhere = fixture.organization_of("Elsewhere", owner).await;
    let entry = fixture.enter(owner, elsewhere.id).await;
    let other_organization = Caller::from(&fixture.by_cookie(&entry.cookie).await.unwrap());
    let strangers = [
        &other_session,
        &other_user,
        &other_organization,
        &fixture.caller(owner).await,
        &fixture.operator(),
    ];
    for stranger in strangers {
        assert!(accounts.open_api_key_form(stranger, &form).is_none());
    }
    let made = submit(&fixture, &caller, &form, "export").await;
    let sealed = made.sealed_secret.unwrap();
    for stranger in [&other_session, &other_user, &other_organization] {
        assert_eq!(shown(&fixture, stranger, made.id, &sealed).await, None);
        // Nor does the form's token stand for the secret that is in it.
        assert_eq!(shown(&fixture, stranger, made.id, &form).await, None);
    }
    assert_eq!(shown(&fixture, &caller, made.id, &form).await, None);
    assert!(accounts.open_api_key_form(&caller, &sealed).is_none());
    let another = ApiKeyId::mint(fixture.clock.as_ref(), &OsEntropy);
    assert_eq!(shown(&fixture, &caller, another, &sealed).await, None);
    // The key is its owner's in each of their sessions; the secret is not.
    let new = accounts.new_key(other_session.permit().unwrap(), made.id, Some(&sealed));
    assert_eq!(new.await.unwrap().key.map(|key| key.id), Some(made.id));
    let new = accounts
        .new_key(other_user.permit().unwrap(), made.id, Some(&sealed))
        .await;
    assert!(new.unwrap().key.is_none());

    // Whatever is changed, cut off or made up is no token and no secret.
    for at in [0, 1, 20, form.len() - 1] {
        let mut changed = form.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(accounts.open_api_key_form(&caller, &changed).is_none());
    }
    let long = "A".repeat(100_000);
    for junk in ["", "A", "=", "ü", &form[..form.len() - 4], &long] {
        assert!(accounts.open_api_key_form(&caller, junk).is_none());
        assert_eq!(shown(&fixture, &caller, made.id, junk).await, None);
    }
    assert!(shown(&fixture, &caller, made.id, &sealed).await.is_some());
}

#[rstest]
#[tokio::test]
async fn a_form_can_be_sent_for_a_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let caller = signed_in(&fixture, fixture.owner.id).await;
    let form = fixture.accounts.api_key_form(&caller).unwrap();
    fixture.clock.advance(ALMOST_A_DAY);
    assert!(fixture.accounts.open_api_key_form(&caller, &form).is_some());
    fixture.clock.advance(Duration::from_secs(1));
    assert!(fixture.accounts.open_api_key_form(&caller, &form).is_none());
}
