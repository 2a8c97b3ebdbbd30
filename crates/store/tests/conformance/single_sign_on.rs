//! Single sign-on: what is used once is used once, what is bounded is bounded.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use vestibule_model::{
    AttemptId, ConnectionId, Digest, DomainId, OsEntropy, RedirectUriId, RegisteredRedirectUri,
    Role, SsoAttempt, SsoConnection, SsoDomain, SsoIdentity, SystemClock,
};
use vestibule_store::{
    Conflict, ConnectionSecrets, OneTimeCode, PendingSignIn, SsoSession, StoreError,
};

use crate::support::{Backend, World, at, record, scope};

pub(crate) async fn connection(world: &World) -> SsoConnection {
    let settings = serde_json::json!({
        "issuer": "https://idp.example", "client_id": "us", "algorithm": "RS256",
    });
    let connection = SsoConnection {
        id: ConnectionId::mint(&SystemClock, &OsEntropy),
        organization_id: world.organization.id,
        name: "Provider".parse().unwrap(),
        live: serde_json::from_value(settings).unwrap(),
        staged: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
        disabled_at: None,
    };
    let mut write = world.store.begin().await.unwrap();
    write
        .insert_connection(&connection, &secrets())
        .await
        .unwrap();
    write
        .commit(record("sso.connection_created"))
        .await
        .unwrap();
    connection
}

fn secrets() -> ConnectionSecrets {
    ConnectionSecrets {
        live: vec![1, 2, 3],
        staged: None,
    }
}

fn pending(connection: &SsoConnection, state: &str) -> PendingSignIn {
    PendingSignIn {
        state: Digest::of(state.as_bytes()),
        browser: Digest::of(b"browser"),
        organization_id: connection.organization_id,
        connection_id: connection.id,
        sealed: vec![7; 1_000],
        expires_at: at(600),
    }
}

/// Does what a server of an earlier version does when a sign-in begins.
fn written_by_an_earlier_version(backend: Backend, begun: &PendingSignIn) -> &'static str {
    let bytes = |bytes: &[u8]| {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = std::fmt::Write::write_fmt(&mut hex, format_args!("{byte:02x}"));
            hex
        });
        match backend {
            Backend::Sqlite => format!("X'{hex}'"),
            Backend::Postgres => format!("'\\x{hex}'::bytea"),
        }
    };
    let statement = format!(
        "INSERT INTO sso_pending (state_digest, browser_digest, organization_id, connection_id,
             sealed, expires_at)
         SELECT {}, {}, c.organization_id, c.id, {}, {} FROM sso_connection c",
        bytes(begun.state.as_bytes()),
        bytes(begun.browser.as_bytes()),
        bytes(&begun.sealed),
        begun.expires_at.as_micros(),
    );
    statement.leak()
}

pub(crate) fn came_by(
    connection: &SsoConnection,
    subject: &str,
    session: Option<&str>,
) -> SsoSession {
    SsoSession {
        organization_id: connection.organization_id,
        connection_id: connection.id,
        issuer: "https://idp.example".to_owned(),
        subject: subject.to_owned(),
        provider_session: session.map(str::to_owned),
        id_token: Some(vec![9]),
    }
}

#[rstest]
#[tokio::test]
async fn a_connection_changes_from_the_version_that_was_seen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut connection = connection(&world).await;
    let other = scope(world.organization("Other").await.id);
    let found = world.store.connection(world.scope, connection.id).await;
    assert_eq!(found.unwrap(), Some((connection.clone(), secrets())));
    let foreign = world.store.connection(other, connection.id).await;
    assert_eq!(foreign.unwrap(), None);
    connection.version = 2;
    connection.staged = Some(connection.live.clone());
    connection.disabled_at = Some(at(1));
    let secrets = ConnectionSecrets {
        live: vec![4],
        staged: Some(vec![5]),
    };
    let mut write = world.store.begin().await.unwrap();
    assert!(
        write
            .update_connection(&connection, &secrets)
            .await
            .unwrap()
    );
    assert!(
        !write
            .update_connection(&connection, &secrets)
            .await
            .unwrap()
    );
    assert_eq!(
        write.count_enabled_connections(world.scope).await.unwrap(),
        0
    );
    assert_eq!(write.count_connections(world.scope).await.unwrap(), 1);
    write.commit(record("sso.connection_staged")).await.unwrap();
    let found = world.store.connection(world.scope, connection.id).await;
    assert_eq!(found.unwrap(), Some((connection.clone(), secrets)));
    let all = world.store.connections(world.scope).await.unwrap();
    assert_eq!(all, [connection]);
}

#[rstest]
#[tokio::test]
async fn of_many_callbacks_with_one_state_one_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let begun = pending(&connection, "state");
    world
        .raw(written_by_an_earlier_version(backend, &begun))
        .await;
    let stranger = Digest::of(b"another browser");
    let store = &world.store;
    assert!(
        !store
            .is_pending(&begun.state, &stranger, at(1))
            .await
            .unwrap()
    );
    assert!(
        !store
            .is_pending(&begun.state, &begun.browser, at(600))
            .await
            .unwrap()
    );
    assert!(
        store
            .is_pending(&begun.state, &begun.browser, at(599))
            .await
            .unwrap()
    );
    let take = async |browser: &Digest| {
        let mut write = store.begin_unaudited().await.unwrap();
        let taken = write
            .take_pending(&begun.state, browser, at(1))
            .await
            .unwrap();
        write.commit().await.unwrap();
        taken
    };
    assert_eq!(take(&stranger).await, None);
    let all = join_all((0..8).map(|_| take(&begun.browser))).await;
    let taken: Vec<_> = all.into_iter().flatten().collect();
    assert_eq!(taken, std::slice::from_ref(&begun));
}

#[rstest]
#[tokio::test]
async fn a_code_is_taken_once_and_for_its_own_redirect(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let digest = Digest::of(b"code");
    let code = OneTimeCode {
        redirect_uri: "https://app.example.com/cb".to_owned(),
        user_id: world.owner.id,
        origin: came_by(&connection, "person-1", None),
        expires_at: at(60),
    };
    let mut write = world.store.begin().await.unwrap();
    write.insert_one_time_code(&digest, &code).await.unwrap();
    write.commit(record("sso.code_issued")).await.unwrap();
    let store = &world.store;
    let take = async |redirect: &str, now: i64| {
        let mut write = store.begin().await.unwrap();
        let taken = write.take_one_time_code(&digest, redirect, at(now)).await;
        write.commit(record("test.done")).await.unwrap();
        taken.unwrap()
    };
    assert_eq!(take("https://app.example.com/cb/", 1).await, None);
    assert_eq!(take(&code.redirect_uri, 60).await, None);
    let all = join_all((0..8).map(|_| take(&code.redirect_uri, 1))).await;
    let taken: Vec<_> = all.into_iter().flatten().collect();
    assert_eq!(taken, std::slice::from_ref(&code));
}

#[rstest]
#[tokio::test]
async fn a_person_of_a_provider_is_one_user_and_a_user_one_person(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let grace = world.member("grace@example.com", Role::User).await;
    let identity = |subject: &str, user_id| SsoIdentity {
        connection_id: connection.id,
        organization_id: world.organization.id,
        issuer: "https://idp.example".to_owned(),
        subject: subject.to_owned(),
        user_id,
        created_at: at(0),
        last_used_at: at(0),
    };
    let one = identity("one", grace.id);
    let mut write = world.store.begin().await.unwrap();
    write.insert_identity(&one).await.unwrap();
    write.touch_identity(&one, at(5)).await.unwrap();
    write.commit(record("sso.identity_linked")).await.unwrap();
    for twin in [identity("one", world.owner.id), identity("two", grace.id)] {
        let mut write = world.store.begin().await.unwrap();
        let refused = write.insert_identity(&twin).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(Conflict::SsoIdentity))),
            "{refused:?}"
        );
    }
    let found = world
        .store
        .identity(connection.id, "https://idp.example", "one")
        .await
        .unwrap();
    assert_eq!(found.unwrap().last_used_at, at(5));
    let other_case = world
        .store
        .identity(connection.id, "https://idp.example", "ONE")
        .await;
    assert_eq!(other_case.unwrap(), None);
    let of = world.store.identities_of(world.scope, grace.id).await;
    assert_eq!(of.unwrap().len(), 1);
    let mut write = world.store.begin().await.unwrap();
    let deleted = write.delete_identities(world.scope, connection.id, grace.id);
    assert_eq!(deleted.await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn a_domain_and_a_redirect_uri_stand_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let other = world.organization("Other").await;
    let connection = connection(&world).await;
    let domain = |organization_id| SsoDomain {
        id: DomainId::mint(&SystemClock, &OsEntropy),
        organization_id,
        connection_id: None,
        name: "example.com".parse().unwrap(),
        challenge: "challenge".to_owned(),
        created_at: at(0),
        verified_at: None,
    };
    let (ours, theirs) = (domain(world.organization.id), domain(other.id));
    let mut write = world.store.begin().await.unwrap();
    write.insert_domain(&ours).await.unwrap();
    write.insert_domain(&theirs).await.unwrap();
    let verified = write.set_domain_verified(world.scope, ours.id, at(3)).await;
    assert!(verified.unwrap());
    assert!(!write.delete_domain(world.scope, theirs.id).await.unwrap());
    write.commit(record("sso.domain_verified")).await.unwrap();
    let mut write = world.store.begin().await.unwrap();
    let rival = write
        .set_domain_verified(scope(other.id), theirs.id, at(3))
        .await;
    assert!(
        matches!(rival, Err(StoreError::Conflict(Conflict::Domain))),
        "{rival:?}"
    );
    drop(write);
    let mut write = world.store.begin().await.unwrap();
    let twin = write.insert_domain(&domain(world.organization.id)).await;
    assert!(
        matches!(twin, Err(StoreError::Conflict(Conflict::Domain))),
        "{twin:?}"
    );
    drop(write);
    let realm = world.store.home_realm(&ours.name).await.unwrap();
    assert_eq!(
        realm,
        Some((world.organization.id, Some(connection.id), false))
    );

    // A domain whose own connection is switched off falls to the others.
    let mut off = connection.clone();
    off.id = ConnectionId::mint(&SystemClock, &OsEntropy);
    off.disabled_at = Some(at(1));
    let pinned = SsoDomain {
        id: DomainId::mint(&SystemClock, &OsEntropy),
        name: "pinned.example".parse().unwrap(),
        connection_id: Some(off.id),
        verified_at: Some(at(1)),
        ..ours.clone()
    };
    let mut write = world.store.begin().await.unwrap();
    write.insert_connection(&off, &secrets()).await.unwrap();
    write.insert_domain(&pinned).await.unwrap();
    write.commit(record("sso.domain_added")).await.unwrap();
    let realm = world.store.home_realm(&pinned.name).await.unwrap();
    assert_eq!(realm.unwrap().1, Some(connection.id));

    let uri = |text: &str| RegisteredRedirectUri {
        id: RedirectUriId::mint(&SystemClock, &OsEntropy),
        organization_id: world.organization.id,
        uri: text.parse().unwrap(),
        created_at: at(0),
    };
    let first = uri("https://app.example.com/cb");
    let mut write = world.store.begin().await.unwrap();
    write.insert_redirect_uri(&first).await.unwrap();
    write
        .commit(record("sso.redirect_uri_added"))
        .await
        .unwrap();
    let mut write = world.store.begin().await.unwrap();
    let twin = write
        .insert_redirect_uri(&uri("https://app.example.com/cb"))
        .await;
    assert!(
        matches!(twin, Err(StoreError::Conflict(Conflict::RedirectUri))),
        "{twin:?}"
    );
    drop(write);
    for (text, known) in [
        ("https://app.example.com/cb", true),
        ("https://app.example.com/CB", false),
        ("https://app.example.com/cb ", false),
        ("https://app.example.com/cb\0", false),
    ] {
        let found = world
            .store
            .is_redirect_uri(world.scope, text)
            .await
            .unwrap();
        assert_eq!(found, known, "{text:?}");
    }
    let elsewhere = world
        .store
        .is_redirect_uri(scope(other.id), first.uri.as_str());
    assert!(!elsewhere.await.unwrap());
}

#[rstest]
#[tokio::test]
async fn the_last_fifty_tries_are_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let mut write = world.store.begin_unaudited().await.unwrap();
    for second in 0..60 {
        let attempt = SsoAttempt {
            id: AttemptId::mint(&SystemClock, &OsEntropy),
            connection_id: connection.id,
            organization_id: world.organization.id,
            at: at(second),
            purpose: "sign_in".to_owned(),
            clause: Some("nonce".to_owned()),
            detail: "detail".to_owned(),
            issuer: Some("https://idp.example".to_owned()),
            subject: None,
            email: Some("ada@example.com".parse().unwrap()),
            user_id: Some(world.owner.id),
            address: Some("192.0.2.1".parse().unwrap()),
            report: None,
        };
        write.insert_attempt(&attempt).await.unwrap();
    }
    write.commit().await.unwrap();
    let kept = world
        .store
        .attempts(world.scope, connection.id)
        .await
        .unwrap();
    assert_eq!(kept.len(), 50);
    assert_eq!((kept[0].at, kept[49].at), (at(59), at(10)));
    assert_eq!(kept[0].address, Some("192.0.2.1".parse().unwrap()));
}

#[rstest]
#[tokio::test]
async fn sessions_end_by_subject_and_by_the_provider_s_session_and_tokens_count_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let mut sessions = Vec::new();
    for (cookie, subject, session) in [
        ("a", "x", Some("s1")),
        ("b", "x", None),
        ("c", "x", Some("s2")),
        ("d", "y", None),
    ] {
        let made = world.session(world.owner.id, cookie).await;
        let came_by = came_by(&connection, subject, session);
        let mut write = world.store.begin().await.unwrap();
        write.insert_sso_session(made.id, &came_by).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        assert_eq!(
            world.store.sso_session(made.id).await.unwrap(),
            Some(came_by)
        );
        sessions.push(made.id);
    }
    world.session(world.owner.id, "by password").await;
    let mut write = world.store.begin().await.unwrap();
    let digest = Digest::of(b"jti");
    let until = at(0).after(Duration::from_secs(60));
    assert!(
        write
            .spend_token(connection.id, &digest, until)
            .await
            .unwrap()
    );
    assert!(
        !write
            .spend_token(connection.id, &digest, until)
            .await
            .unwrap()
    );
    let (scope, id) = (world.scope, connection.id);
    let ended = write
        .end_sso_sessions(scope, id, Some("x"), Some("s1"), at(1))
        .await;
    let mut ended = ended.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, sessions[..2], "nobody knows which session b is of");
    let ended = write
        .end_sso_sessions(scope, id, Some("x"), None, at(1))
        .await;
    assert_eq!(ended.unwrap(), sessions[2..3]);
    let ended = write.end_sso_sessions(scope, id, None, None, at(1)).await;
    assert_eq!(ended.unwrap(), sessions[3..]);
}

#[rstest]
#[tokio::test]
async fn who_must_come_through_the_provider_is_everybody_but_owners_kept_out_of_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let grace = world.member("grace@example.com", Role::Admin).await;
    let must = async |user| world.store.sso_required_of(user).await.unwrap();
    assert_eq!(must(grace.id).await, []);
    let mut write = world.store.begin().await.unwrap();
    write
        .set_sso_enforced(world.scope, Some(at(1)))
        .await
        .unwrap();
    let both = [world.owner.id, grace.id];
    assert_eq!(write.set_break_glass(world.scope, &both).await.unwrap(), 0);
    write.set_password(world.owner.id, "hash").await.unwrap();
    assert_eq!(write.count_break_glass(world.scope).await.unwrap(), 1);
    write.commit(record("sso.enforced")).await.unwrap();
    assert_eq!(must(grace.id).await, [world.organization.id], "no owner");
    assert_eq!(must(world.owner.id).await, []);
    let policy = world.store.sso_policy(world.scope).await.unwrap();
    assert_eq!(policy.enforced_since, Some(at(1)));
    assert_eq!(policy.break_glass.len(), 2);
    let mut write = world.store.begin().await.unwrap();
    for ended in [true, false] {
        let done = write.end_break_glass(world.scope, world.owner.id).await;
        assert_eq!(done.unwrap(), ended);
    }
    let policy = write.sso_policy(world.scope).await.unwrap();
    assert_eq!(policy.break_glass, [grace.id], "and no other's");
}

#[rstest]
#[tokio::test]
async fn enforcement_ends_the_sessions_that_began_without_the_provider(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let connection = connection(&world).await;
    let grace = world.member("grace@example.com", Role::Admin).await;
    world.session(world.owner.id, "exempt").await;
    let by_password = world.session(grace.id, "by password").await;
    let by_provider = world.session(grace.id, "by provider").await;
    let mut write = world.store.begin().await.unwrap();
    let came_by = came_by(&connection, "x", None);
    let scope = world.scope;
    write
        .insert_sso_session(by_provider.id, &came_by)
        .await
        .unwrap();
    assert!(!write.sso_required(scope, grace.id).await.unwrap());
    write.set_sso_enforced(scope, Some(at(1))).await.unwrap();
    let owners = [world.owner.id];
    write.set_break_glass(scope, &owners).await.unwrap();
    assert!(write.sso_required(scope, grace.id).await.unwrap());
    assert!(!write.sso_required(scope, world.owner.id).await.unwrap());
    let ended = write.end_password_sessions(scope, at(2)).await.unwrap();
    assert_eq!(ended, [by_password.id]);
    let again = write.end_password_sessions(scope, at(3)).await.unwrap();
    assert_eq!(again, []);
}
