//! Who loses a right while a request is under way gives nothing away any more.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{Accounts, Caller, Error, HolderKind, NewApiKey, NewGrant, Result};
use vestibule_check::Permit;
use vestibule_model::{Capability, Group, Role, User};

use crate::support::{Backend, Fixture, OPERATOR, assert_refused, new_key};

/// What is taken away after the permit was given.
#[derive(Debug, Clone, Copy)]
enum Lost {
    Credential,
    Membership,
    Organization,
    User,
    Role,
}

/// An admin, and what the admin could do a moment ago.
struct Before {
    fixture: Fixture,
    grace: User,
    group: Group,
    permit: Permit,
}

impl Before {
    async fn with_key(backend: Backend, new: NewApiKey) -> Self {
        let fixture = Fixture::new(backend).await;
        let grace = fixture.member("grace@example.com", Role::Admin).await;
        let operator = fixture.operator();
        let group = fixture
            .accounts
            .create_group(&operator, "g".parse().unwrap());
        let group = group.await.unwrap();
        let key = fixture.key(grace.id, new).await;
        let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
        Self {
            fixture,
            grace,
            group,
            permit,
        }
    }

    async fn lose(&self, lost: Lost) {
        let (accounts, operator) = (&self.fixture.accounts, self.fixture.operator());
        let id = self.grace.id;
        match lost {
            Lost::Credential => {
                let key = self.permit.credential().api_key().unwrap();
                accounts.revoke_api_key_of(&operator, id, key).await
            }
            Lost::Membership => accounts.deactivate_member(&operator, id).await.map(drop),
            Lost::Organization => {
                accounts
                    .deactivate_organization(&OPERATOR, operator.organization_id())
                    .await
            }
            Lost::User => accounts.suspend_user(&OPERATOR, id).await.map(drop),
            Lost::Role => {
                let changed = accounts.set_role(&operator, id, Role::User).await;
                changed.map(drop)
            }
        }
        .unwrap();
    }

    /// What gives rights away, tried with the permit of before.
    async fn attempts(&self) -> Vec<Result<()>> {
        let accounts: &Accounts = &self.fixture.accounts;
        let caller = Caller::from(&self.permit);
        let owner = self.fixture.owner.id;
        let stranger = self.fixture.user("stranger@example.com").await;
        let new = || NewGrant {
            path: "/shared".parse().unwrap(),
            capability: Capability::ReadOnly,
            can_approve: false,
        };
        let operator = self.fixture.operator();
        let grant = accounts.grant_to_user(&operator, owner, new()).await;
        let grant = grant.unwrap().id;
        let kind = HolderKind::User;
        let patch = vestibule_accounts::GrantPatch {
            can_approve: Some(true),
            ..Default::default()
        };
        vec![
            accounts
                .create_api_key(caller.permit().unwrap(), new_key("x"))
                .await
                .map(drop),
            accounts
                .grant_to_user(&caller, self.grace.id, new())
                .await
                .map(drop),
            accounts
                .grant_to_group(&caller, self.group.id, new())
                .await
                .map(drop),
            accounts
                .update_grant(&caller, kind, grant, patch)
                .await
                .map(drop),
            accounts.delete_grant(&caller, kind, grant).await,
            accounts
                .add_member(&caller, stranger.id, Role::User)
                .await
                .map(drop),
            accounts.add_to_group(&caller, self.group.id, owner).await,
            accounts
                .create_group(&caller, "other".parse().unwrap())
                .await
                .map(drop),
        ]
    }
}

#[rstest]
#[case::credential(Lost::Credential, "credential_ended")]
#[case::membership(Lost::Membership, "credential_ended")]
#[case::organization(Lost::Organization, "credential_ended")]
#[case::user(Lost::User, "credential_ended")]
#[case::role(Lost::Role, "role_required")]
#[tokio::test]
async fn who_has_lost_a_right_since_gives_nothing_away(
    #[case] lost: Lost,
    #[case] reason: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let before = Before::with_key(backend, new_key("k")).await;
    before.lose(lost).await;
    for attempt in before.attempts().await {
        assert_refused(attempt, reason);
    }
}

#[rstest]
#[tokio::test]
async fn a_key_that_has_expired_since_gives_nothing_away(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let clock = vestibule_model::Timestamp::from_seconds(1_800_000_000);
    let hour = Duration::from_secs(3_600);
    let new = new_key("brief").expiring(Some(clock.after(hour)));
    let before = Before::with_key(backend, new).await;
    before.fixture.clock.advance(hour);
    for attempt in before.attempts().await {
        // A new key is refused for its own end first, which comes to the same.
        let reason = attempt.unwrap_err().reason();
        assert!(
            ["credential_ended", "outlives_creating_key"].contains(&reason),
            "{reason}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_session_that_has_ended_since_is_neither_renewed_nor_switched_nor_gives_away(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let by_token = fixture.by_bearer(&entry.token).await.unwrap();
    let by_cookie = fixture.by_cookie(&entry.cookie).await.unwrap();
    let mut write = fixture.store().begin().await.unwrap();
    let ended = write.end_session(entry.session.id, fixture.now()).await;
    assert!(ended.unwrap());
    let record = crate::support::record("test.prepared");
    write.commit(record).await.unwrap();
    let accounts = &fixture.accounts;
    let ended = "credential_ended";
    assert_refused(accounts.refresh(&by_token, &entry.token, None).await, ended);
    let digest = entry.cookie.digest();
    let switched = accounts.switch_organization(&by_cookie, &digest, second.id);
    assert_refused(switched.await, ended);
    for permit in [by_token, by_cookie] {
        let caller = Caller::from(&permit);
        assert_refused(
            accounts
                .create_api_key(caller.permit().unwrap(), new_key("x"))
                .await,
            ended,
        );
    }
}

/// The deletion is under way and not committed when the key is used; whoever comes second waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_being_deleted_makes_no_other() {
    let before = Before::with_key(Backend::Postgres, new_key("k")).await;
    let (fixture, caller) = (&before.fixture, Caller::from(&before.permit));
    let key = before.permit.credential().api_key().unwrap();
    let mut write = fixture.store().begin().await.unwrap();
    let scope = caller.scope();
    let revoked = write.revoke_api_key(scope, before.grace.id, key, fixture.now());
    assert!(revoked.await.unwrap());
    let making = fixture
        .accounts
        .create_api_key(caller.permit().unwrap(), new_key("x"));
    let deleting = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let record = crate::support::record("api_key.deleted");
        write.commit(record).await.unwrap();
    };
    let (made, ()) = futures_util::future::join(making, deleting).await;
    assert!(matches!(made, Err(Error::CredentialEnded)), "{made:?}");
}
