//! Changes that hold some of the same people wait for one another, and never each for the other.

use vestibule_accounts::Caller;
use vestibule_federation::{AlsoEnd, NewConnection};
use vestibule_model::{ConnectionId, OrganizationId, Role, UserId};
use vestibule_store::SsoSession;

use crate::provider::{Connected, secret, settings_for};
use crate::support::{Backend, Fixture, OPERATOR, record};

/// Starts a session that came from a connection.
async fn arrive(fixture: &Fixture, user: UserId, place: &Place) {
    let session = fixture.enter(user, place.id).await.session;
    let came_by = SsoSession {
        organization_id: place.id,
        connection_id: place.connection,
        issuer: "https://idp.example".to_owned(),
        subject: user.to_string(),
        provider_session: None,
        id_token: None,
    };
    let mut write = fixture.store().begin().await.unwrap();
    write
        .insert_sso_session(session.id, &came_by)
        .await
        .unwrap();
    write.commit(record("test.prepared")).await.unwrap();
}

/// Two organisations with a connection each; the owner of the one is a member of the other.
struct Neighbours {
    world: Connected,
    here: Place,
    there: Place,
}

/// An organisation.
struct Place {
    id: OrganizationId,
    connection: ConnectionId,
    owner: UserId,
    /// The owner, who is signed in there.
    caller: Caller,
}

/// Only rows can be waited for one by one, so only PostgreSQL can have two wait for each other.
async fn neighbours() -> Neighbours {
    let world = Connected::new(Backend::Postgres).await;
    let fixture = &world.fixture;
    let ada = fixture.owner.id;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let second = fixture.organization_of("Second", grace).await.id;
    let operator = Caller::operator(&OPERATOR, second);
    let accounts = &fixture.accounts;
    let added = accounts.add_member(&operator, ada, Role::User).await;
    added.unwrap();
    let new = NewConnection {
        name: "Another".parse().unwrap(),
        settings: settings_for(&world.provider.base),
        secret: secret(),
        enabled: true,
        save_anyway: false,
    };
    let made = world.sso.create_connection(&operator, new).await.unwrap();
    let here = place(fixture, fixture.organization.id, world.id, ada).await;
    let there = place(fixture, second, made.connection.id, grace).await;
    Neighbours { world, here, there }
}

async fn place(
    fixture: &Fixture,
    id: OrganizationId,
    connection: ConnectionId,
    owner: UserId,
) -> Place {
    // Whoever has one may be exempt from the provider.
    let mut write = fixture.store().begin().await.unwrap();
    assert!(write.set_password(owner, "some hash").await.unwrap());
    write.commit(record("test.prepared")).await.unwrap();
    let cookie = fixture.enter(owner, id).await.cookie;
    let caller = Caller::from(&fixture.by_cookie(&cookie).await.unwrap());
    Place {
        id,
        connection,
        owner,
        caller,
    }
}

const BOTH: AlsoEnd = AlsoEnd {
    sessions: true,
    keys: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_can_end_each_other_s_sessions_in_two_organisations_at_the_same_time() {
    let Neighbours { world, here, there } = neighbours().await;
    for _ in 0..30 {
        arrive(&world.fixture, there.owner, &here).await;
        arrive(&world.fixture, here.owner, &there).await;
        let disable = async |place: &Place| {
            let disabled = world
                .sso
                .disable_connection(&place.caller, place.connection, BOTH);
            disabled.await.unwrap();
        };
        tokio::join!(disable(&here), disable(&there));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_can_demand_the_provider_of_each_other_at_the_same_time() {
    let Neighbours { world, here, there } = neighbours().await;
    for round in 0..30 {
        let demand = async |place: &Place| {
            let exempt = [place.owner];
            let demanded = round % 2 == 0;
            let changed = world
                .sso
                .change_sso_policy(&place.caller, Some(demanded), Some(&exempt));
            changed.await.unwrap();
        };
        tokio::join!(demand(&here), demand(&there));
    }
}
