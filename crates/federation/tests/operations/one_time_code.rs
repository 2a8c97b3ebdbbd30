//! A one-time code is worthless to a user who was shut out before its exchange.

use rstest::rstest;
use serde_json::json;
use vestibule_federation::{CallbackOutcome, ReturnTo};
use vestibule_model::{Digest, Role, Session, SessionId};

use crate::provider::{APP, Connected, SESSIONS, origin};
use crate::support::{Backend, OPERATOR, assert_refused, assert_revoked, record};

/// The ways to shut out a user of the provider.
#[derive(Debug, Clone, Copy)]
enum ShutOut {
    Logout,
    Disable,
    Unlink,
    Suspend,
    /// By the person: "sign out everywhere else".
    EndOthers,
    /// Removed from the organisation, and added back.
    Remove,
    /// Deactivated, and activated again.
    Deactivate,
}

/// A fixture, and the code of a finished sign-in.
async fn with_code(backend: Backend) -> (Connected, String) {
    let world = Connected::new(backend).await;
    let to = ReturnTo::Code {
        redirect_uri: APP.to_owned(),
    };
    let CallbackOutcome::Redirect { location, .. } = world.sign_in(to).await.unwrap() else {
        panic!("not sent back");
    };
    let place = location.expose().to_owned();
    let code = place.strip_prefix(&format!("{APP}?code=")).unwrap();
    (world, code.to_owned())
}

impl ShutOut {
    async fn happen(self, world: &Connected) {
        let operator = world.fixture.operator();
        match self {
            Self::Logout => {
                let now = world.fixture.now().as_seconds();
                let event = "http://schemas.openid.net/event/backchannel-logout";
                let claims = json!({
                    "iss": world.provider.base, "aud": "vestibule", "iat": now, "exp": now + 60,
                    "jti": "logout-1", "sub": "person-1", "events": { event: {} },
                });
                let token = world.provider.sign("logout+jwt", &claims);
                let heeded = world.sso.backchannel_logout(world.id, &token).await;
                heeded.unwrap();
            }
            Self::Disable => {
                let disabled = world.sso.disable_connection(&operator, world.id, SESSIONS);
                disabled.await.unwrap();
            }
            Self::Unlink => {
                let grace = grace(world).await;
                world
                    .sso
                    .unlink(&operator, world.id, grace, false)
                    .await
                    .unwrap();
            }
            Self::Suspend => {
                let grace = grace(world).await;
                let accounts = &world.fixture.accounts;
                accounts.suspend_user(&OPERATOR, grace).await.unwrap();
                accounts.unsuspend_user(&OPERATOR, grace).await.unwrap();
            }
            Self::EndOthers => {
                let fixture = &world.fixture;
                let here = fixture
                    .enter(grace(world).await, fixture.organization.id)
                    .await;
                let permit = fixture.by_cookie(&here.cookie).await.unwrap();
                fixture.accounts.end_other_sessions(&permit).await.unwrap();
            }
            Self::Remove => {
                let (grace, accounts) = (grace(world).await, &world.fixture.accounts);
                accounts.remove_member(&operator, grace).await.unwrap();
                let added = accounts.add_member(&operator, grace, Role::User).await;
                added.unwrap();
            }
            Self::Deactivate => {
                let (grace, accounts) = (grace(world).await, &world.fixture.accounts);
                accounts.deactivate_member(&operator, grace).await.unwrap();
                accounts.activate_member(&operator, grace).await.unwrap();
            }
        }
    }
}

async fn grace(world: &Connected) -> vestibule_model::UserId {
    let email = "grace@example.com".parse().unwrap();
    let found = world
        .fixture
        .accounts
        .user_by_email(&OPERATOR, &email)
        .await;
    found.unwrap().id
}

#[rstest]
#[tokio::test]
async fn a_code_is_not_exchanged_after_its_person_was_shut_out(
    #[values(
        ShutOut::Logout,
        ShutOut::Disable,
        ShutOut::Unlink,
        ShutOut::Suspend,
        ShutOut::EndOthers,
        ShutOut::Remove,
        ShutOut::Deactivate
    )]
    shut_out: ShutOut,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (world, code) = with_code(backend).await;
    shut_out.happen(&world).await;
    let exchanged = world.sso.exchange_code(&code, APP, &origin()).await;
    assert_refused(exchanged, "sso_code");
}

/// The exchange is under way and not committed when the person is shut out.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_code_is_being_exchanged_ends_with_the_others(
    #[values(
        ShutOut::Logout,
        ShutOut::Disable,
        ShutOut::Unlink,
        ShutOut::Suspend,
        ShutOut::EndOthers,
        ShutOut::Remove,
        ShutOut::Deactivate
    )]
    shut_out: ShutOut,
) {
    let (world, code) = with_code(Backend::Postgres).await;
    let fixture = &world.fixture;
    let (now, digest) = (fixture.now(), Digest::of(code.as_bytes()));
    let found = fixture
        .store()
        .user_of_one_time_code(&digest, APP, now)
        .await;
    let user = found.unwrap().unwrap();
    let mut write = fixture.store().begin().await.unwrap();
    assert!(write.hold_user(user).await.unwrap());
    let taken = write.take_one_time_code(&digest, APP, now).await.unwrap();
    let came_by = taken.unwrap().origin;

    let session = Session {
        id: SessionId::mint(fixture.clock.as_ref(), &vestibule_model::OsEntropy),
        user_id: user,
        organization_id: fixture.organization.id,
        created_at: now,
        last_seen_at: now,
        expires_at: now.after(fixture.lifetimes.session_absolute),
        ended_at: None,
    };
    let exchanging = async {
        fixture.until_somebody_waits().await;
        write.insert_session(&session, None).await.unwrap();
        let noted = write.insert_sso_session(session.id, &came_by).await;
        noted.unwrap();
        write.commit(record("session.started")).await.unwrap();
    };
    tokio::join!(shut_out.happen(&world), exchanging);
    let token = fixture.token(&session, fixture.organization.id);
    assert_revoked(&fixture.by_bearer(&token).await);
}

#[rstest]
#[tokio::test]
async fn nobody_arrives_by_a_connection_that_was_switched_off_on_the_way(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let begun = world.begin(ReturnTo::Json).await;
    ShutOut::Disable.happen(&world).await;
    let failure = world.come_back(&begun).await.unwrap_err();
    assert_eq!(failure.error.reason(), "not_found");
}
