//! Plans by which the engines answer each statement of this crate: from an index, whatever others have stored.
//!
//! Every statement that runs in the tests of this crate is noted, [`run_everything`] runs them all,
//! and one test compares what was noted with what stands in the sources, so that none is forgotten.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions as _};
use uuid::Uuid;
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    Actor, AttemptId, AuditId, Capability, Change, ConnectionId, Digest, DomainId, GrantHolder,
    GrantId, OsEntropy, RedirectUriId, ResourceChangeId, Role, SigningKeyId, SsoAttempt,
    SsoConnection, SsoIdentity, SystemClock,
};

use super::SEEN;
use crate::page::{Cursor, Page, Start};
use crate::sql::{Query, Value, sql};
use crate::store::Pool;
use crate::support::{Backend, World, at, membership, organization, record, session, user};
use crate::{
    AuditFilter, ConnectionSecrets, Followed, ResourceChange, SsoSession, Store, Successor,
};

/// Statements that may read all of a table, or sort, and why.
const EXCEPTIONS: [(&str, &str); 21] = [
    (
        "user_account u WHERE TRUE",
        "counted in order, and no further than is said",
    ),
    ("organization o WHERE TRUE", "the same"),
    ("clock_doubt", "one row at most"),
    (
        "FROM audit_record ORDER BY id DESC LIMIT 1",
        "the first row from the end",
    ),
    (
        "FROM sso_pending ORDER BY expires_at",
        "at most 40,000 in all, in order",
    ),
    (
        "FROM api_key WHERE expires_at < $1",
        "a thousand of those that are gone, in order but for ties",
    ),
    (
        "signing_key",
        "a handful of keys for the whole installation",
    ),
    (
        "sso_enforcement",
        "one row for each organisation that enforces, found by its key",
    ),
    ("FROM sso_connection", "at most 20 in an organisation"),
    ("FROM sso_domain", "at most 100 in an organisation"),
    ("FROM redirect_uri", "at most 100 in an organisation"),
    ("FROM sso_attempt", "at most 50 of a connection"),
    (
        "FROM sso_identity",
        "one for each connection of an organisation, at most 20",
    ),
    ("FROM sso_break_glass", "at most 10 in an organisation"),
    ("WHERE s.user_id = $1", "the sessions that one user has now"),
    ("WHERE u.email = $1", "the memberships of one user"),
    ("WHERE m.user_id = $1", "the memberships of one user"),
    (
        "FROM path_grant g",
        "the grants of one holder, or below one path",
    ),
    (
        "k.revoked_at",
        "the keys of one owner, or of one connection in one moment",
    ),
    (
        "FOR NO KEY UPDATE",
        "whom a change concerns, held in one order",
    ),
    (
        "sso_session WHERE organization_id = $1)",
        "at the beginning of an enforcement alone",
    ),
];

fn is_exempt(text: &str) -> bool {
    // A part of a list never is.
    let text = plain(text);
    !text.contains(") > (") && EXCEPTIONS.iter().any(|(part, _)| text.contains(part))
}

fn id<T>(from: fn(Uuid) -> T) -> T {
    from(Uuid::from_u128(7))
}

fn cursor() -> Cursor {
    Cursor {
        at: at(0),
        id: Uuid::from_u128(7),
        rank: 1,
    }
}

/// The beginning, a part after an item and a part before one.
fn pages() -> [Page; 3] {
    let page = |start| Page { limit: 2, start };
    [
        page(Start::Offset(1)),
        page(Start::After(cursor())),
        page(Start::Before(cursor())),
    ]
}

async fn run_lists(world: &World) {
    let (store, scope) = (&world.store, world.scope);
    let group = world.group("Readers").await;
    for page in pages() {
        store.users(page).await.unwrap();
        store.organizations(page).await.unwrap();
        store.members(scope, page).await.unwrap();
        store.api_keys(scope, page).await.unwrap();
        store.groups(scope, page).await.unwrap();
        store.group_members(scope, group.id, page).await.unwrap();
        for only in [None, Some(world.organization.id)] {
            let listed = store.organizations_of(world.owner.id, only, page);
            listed.await.unwrap();
        }
        for kind in [None, Some("api_key.created"), Some("test.*")] {
            for user in [None, Some(world.owner.id)] {
                for subject in [None, Some("key_1")] {
                    let filter = AuditFilter {
                        kind: kind.map(str::to_owned),
                        user_id: user,
                        subject: subject.map(str::to_owned),
                        since: Some(at(-1_000)),
                        until: None,
                    };
                    store.audit(scope, &filter, page).await.unwrap();
                    let listed = store.audit_of_the_installation(&filter, page);
                    listed.await.unwrap();
                }
            }
        }
    }
    for followed in [
        Followed::Everything,
        Followed::Installation,
        Followed::Organization(scope),
    ] {
        store.audit_after(followed, None, 10).await.unwrap();
    }
    store.organizations_named("Acme", 2).await.unwrap();
    store.group_named(scope, "Readers").await.unwrap();
    let users = [world.owner.id];
    store.members_among(scope, &users).await.unwrap();
    store.owners(scope).await.unwrap();
    store.connections(scope).await.unwrap();
    store.domains(scope).await.unwrap();
    store.redirect_uris(scope).await.unwrap();
}

async fn run_reads(world: &World, connection: ConnectionId) {
    let (store, scope) = (&world.store, world.scope);
    let (owner, organization) = (world.owner.id, world.organization.id);
    let digest = Digest::of(b"x");
    store.api_keys_of(scope, owner).await.unwrap();
    let key = world.api_key(owner, "narrowed", true).await;
    store.api_key(scope, owner, key.id).await.unwrap();
    store
        .api_key_or_revoked(scope, owner, key.id)
        .await
        .unwrap();
    store.api_key_of_anyone(scope, key.id).await.unwrap();
    let change = id(ResourceChangeId::from_uuid);
    store.scope_of_resource_change(change).await.unwrap();
    store.clock_doubt().await.unwrap();
    store.own_time().await.unwrap();
    store.connection_of_api_key(key.id).await.unwrap();
    store.attempts(scope, connection).await.unwrap();
    store.caller_by_membership(scope, owner).await.unwrap();
    store.caller_by_key(&digest).await.unwrap();
    store.caller_by_cookie(&digest).await.unwrap();
    let session = world.session(owner, "cookie").await;
    let signed = id(SigningKeyId::from_uuid);
    let by_token = store.caller_by_token(session.id, organization, signed);
    by_token.await.unwrap();
    let by_session = store.caller_by_session(session.id, organization);
    by_session.await.unwrap();
    store.connection(scope, connection).await.unwrap();
    store.first_connection(organization).await.unwrap();
    store.domain(scope, id(DomainId::from_uuid)).await.unwrap();
    let domain = "example.com".parse().unwrap();
    store.home_realm(&domain).await.unwrap();
    store.sso_policy(scope).await.unwrap();
    store.sso_required_of(owner).await.unwrap();
    store.is_sso_required(owner, organization).await.unwrap();
    store.grant(scope, id(GrantId::from_uuid)).await.unwrap();
    let group = world.group("Writers").await;
    for holder in [
        GrantHolder::User(owner),
        GrantHolder::Group(group.id),
        GrantHolder::ApiKey(key.id),
    ] {
        store.grants_of(scope, holder).await.unwrap();
    }
    store.group(scope, group.id).await.unwrap();
    store.identity(connection, "i", "s").await.unwrap();
    store.identities_of(scope, owner).await.unwrap();
    store.signing_keys().await.unwrap();
    store.membership(scope, owner).await.unwrap();
    let ended = store.has_membership_ended_since(owner, organization, at(0));
    ended.await.unwrap();
    store.count_members(scope).await.unwrap();
    let user_of_code = store.user_of_one_time_code(&digest, "u", at(0));
    user_of_code.await.unwrap();
    store.organization(organization).await.unwrap();
    store.is_pending(&digest, &digest, at(0)).await.unwrap();
    store.is_redirect_uri(scope, "u").await.unwrap();
    store.scope_of_member(owner, organization).await.unwrap();
    store.scope_of_connection(connection).await.unwrap();
    store.session(session.id).await.unwrap();
    store.session_by_cookie(&digest).await.unwrap();
    for within in [None, Some(organization)] {
        store
            .sessions_of(owner, within, at(0), at(-1))
            .await
            .unwrap();
    }
    store.is_provider_only(owner, organization).await.unwrap();
    store.organization_of_sso_session(session.id).await.unwrap();
    store.sso_session(session.id).await.unwrap();
    store.is_only_there(owner, organization).await.unwrap();
    store.user(owner).await.unwrap();
    for only in [None, Some(organization)] {
        let found = store.user_and_oldest_organization(owner, only).await;
        found.unwrap();
    }
    store.user_by_email(&world.owner.email).await.unwrap();
    store.password_of(owner).await.unwrap();
    store.sign_in_row(&world.owner.email).await.unwrap();
    store.last_audit_record().await.unwrap();
}

async fn connection(store: &Store, world: &World) -> ConnectionId {
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
    let secrets = ConnectionSecrets {
        live: vec![1],
        staged: None,
    };
    let mut write = store.begin().await.unwrap();
    write
        .insert_connection(&connection, &secrets)
        .await
        .unwrap();
    let mut next = connection.clone();
    next.version = 2;
    assert!(write.update_connection(&next, &secrets).await.unwrap());
    write.commit(record("test.prepared")).await.unwrap();
    connection.id
}

async fn run_changes_of_access(world: &World, connection: ConnectionId) {
    let (scope, owner) = (world.scope, world.owner.id);
    let digest = Digest::of(b"x");
    let key = world.api_key(owner, "key", false).await;
    let kept = world.session(owner, "kept").await;
    let came_by = SsoSession {
        organization_id: world.organization.id,
        connection_id: connection,
        issuer: "i".to_owned(),
        subject: "s".to_owned(),
        provider_session: None,
        id_token: None,
    };
    let mut write = world.store.begin().await.unwrap();
    write.insert_sso_session(kept.id, &came_by).await.unwrap();
    write.count_api_keys(scope, owner, 3).await.unwrap();
    write.hold_api_key(key.id, at(0)).await.unwrap();
    write.connection_of_api_key(key.id).await.unwrap();
    for (subject, session) in [(Some("s"), None), (None, Some("p")), (None, None)] {
        let held = write.hold_sso_people(scope, connection, subject, session, None);
        held.await.unwrap();
        let ended = write.delete_one_time_codes(scope, connection, subject, session);
        ended.await.unwrap();
        let ended = write.end_sso_sessions(scope, connection, subject, session, at(1));
        ended.await.unwrap();
    }
    let codes = write.delete_one_time_codes_of(owner, None, None);
    codes.await.unwrap();
    write.take_one_time_code(&digest, "u", at(0)).await.unwrap();
    let ended = write.end_sso_sessions_of(scope, connection, owner, at(1));
    ended.await.unwrap();
    write.sso_session(kept.id).await.unwrap();
    write.session_by_cookie(&digest).await.unwrap();
    let rotated = write.rotate_cookie(kept.id, &digest, &digest, world.organization.id, at(1));
    rotated.await.unwrap();
    write.hold_session(kept.id, at(0), at(-1)).await.unwrap();
    write.end_session(kept.id, at(1)).await.unwrap();
    write.end_session_by_cookie(&digest, at(1)).await.unwrap();
    let (new, lifetimes) = (session(scope, owner), Lifetimes::default());
    for provider in [None, Some(world.organization.id)] {
        let ended = write.end_oldest_sessions_of(&new, provider, at(1), &lifetimes);
        ended.await.unwrap();
        let ended = write.end_other_sessions_of(owner, kept.id, provider, at(1));
        ended.await.unwrap();
    }
    write.end_sessions_in(scope, owner, at(1)).await.unwrap();
    write.end_sessions_of(owner, at(1)).await.unwrap();
    write
        .revoke_api_key(scope, owner, key.id, at(1))
        .await
        .unwrap();
    let (path, other) = ("/a".parse().unwrap(), "/b".parse().unwrap());
    write
        .rebase_grants(scope, &path, &other, at(1), 2)
        .await
        .unwrap();
    write.delete_grants_below(scope, &path, 2).await.unwrap();
    write.grant(scope, id(GrantId::from_uuid)).await.unwrap();
    write
        .delete_grant(scope, id(GrantId::from_uuid))
        .await
        .unwrap();
    write.change(Change::Everything);
    write.commit(record("test.done")).await.unwrap();
    let created = world.api_key(owner, "by provider", true).await;
    world
        .grant(GrantHolder::ApiKey(created.id), "/a", Capability::ReadOnly)
        .await;
    let moved = world
        .grant(GrantHolder::User(owner), "/a/b", Capability::ReadOnly)
        .await;
    let mut write = world.store.begin().await.unwrap();
    write.update_grant(&moved).await.unwrap();
    sql("UPDATE api_key SET connection_id = $1 WHERE id = $2")
        .bind(connection)
        .bind(created.id)
        .execute(&mut write)
        .await
        .unwrap();
    let revoked = write.revoke_api_keys_of_connection(scope, connection, None, at(1));
    assert_eq!(revoked.await.unwrap().len(), 1);
    write.delete_grants_below(scope, &path, 2).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
}

async fn run_changes_of_sign_in(world: &World, connection: ConnectionId) {
    let (scope, owner) = (world.scope, world.owner.id);
    let mut write = world.store.begin().await.unwrap();
    write.connection(scope, connection).await.unwrap();
    write.count_enabled_connections(scope).await.unwrap();
    write.count_connections(scope).await.unwrap();
    write.count_domains(scope).await.unwrap();
    let name = "example.com".parse().unwrap();
    write.is_domain_verified(scope, &name).await.unwrap();
    let domain = id(DomainId::from_uuid);
    write
        .set_domain_verified(scope, domain, at(0))
        .await
        .unwrap();
    write.delete_domain(scope, domain).await.unwrap();
    write.sso_policy(scope).await.unwrap();
    write.sso_required(scope, owner).await.unwrap();
    write.end_password_sessions(scope, at(1)).await.unwrap();
    write.set_sso_enforced(scope, Some(at(0))).await.unwrap();
    write.set_sso_enforced(scope, None).await.unwrap();
    write.set_break_glass(scope, &[owner]).await.unwrap();
    write.end_break_glass(scope, owner).await.unwrap();
    write.count_break_glass(scope).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
}

async fn run_changes_of_identities(world: &World, connection: ConnectionId) {
    let (scope, owner) = (world.scope, world.owner.id);
    let group = world.group("Changed").await;
    let mut write = world.store.begin().await.unwrap();
    write.groups_of(scope, owner).await.unwrap();
    write
        .add_group_member(scope, group.id, owner, at(0))
        .await
        .unwrap();
    write
        .remove_group_member(scope, group.id, owner)
        .await
        .unwrap();
    write.delete_group(scope, group.id).await.unwrap();
    write.identity(connection, "i", "s").await.unwrap();
    write.subject_of(connection, "i", owner).await.unwrap();
    let identity = SsoIdentity {
        connection_id: connection,
        organization_id: world.organization.id,
        issuer: "i".to_owned(),
        subject: "s".to_owned(),
        user_id: owner,
        created_at: at(0),
        last_used_at: at(0),
    };
    write.touch_identity(&identity, at(1)).await.unwrap();
    let attempt = SsoAttempt {
        id: id(AttemptId::from_uuid),
        connection_id: connection,
        organization_id: world.organization.id,
        at: at(0),
        purpose: "sign_in".to_owned(),
        clause: None,
        detail: String::new(),
        issuer: None,
        subject: None,
        email: None,
        user_id: None,
        address: None,
        report: None,
    };
    write.insert_attempt(&attempt).await.unwrap();
    write
        .delete_identities(scope, connection, owner)
        .await
        .unwrap();
    write
        .retire_signing_keys_before(at(0), at(0))
        .await
        .unwrap();
    write
        .delete_signing_keys_but(id(SigningKeyId::from_uuid))
        .await
        .unwrap();
    write.commit(record("test.done")).await.unwrap();
}

async fn run_what_takes_no_record(world: &World) {
    let (scope, owner) = (world.scope, world.owner.id);
    let key = world.api_key(owner, "used", false).await;
    let used = world.session(owner, "used").await;
    let mut write = world.store.begin_unaudited().await.unwrap();
    let (keys, sessions) = ([(key.id, at(1))], [(used.id, at(1))]);
    write.flush_usage(&keys, &sessions).await.unwrap();
    write.prune(at(0)).await.unwrap();
    write
        .append_denials(&[record("access.denied")])
        .await
        .unwrap();
    write
        .append_denials(&[record("access.denied")])
        .await
        .unwrap();
    let early = vestibule_model::AuditRecord {
        id: id(AuditId::from_uuid),
        ..record("access.denied")
    };
    write.append_denials(&[early.clone(), early]).await.unwrap();
    write
        .delete_signing_keys_retired_before(at(0))
        .await
        .unwrap();
    write.doubt_clock(at(0)).await.unwrap();
    write.trust_clock().await.unwrap();
    let digest = Digest::of(b"x");
    write.take_pending(&digest, &digest, at(0)).await.unwrap();
    let change = ResourceChange {
        id: id(ResourceChangeId::from_uuid),
        organization_id: world.organization.id,
        from: "/a".parse().unwrap(),
        to: None,
        actor: Actor::operator(),
        created_at: at(0),
    };
    write.has_movable_grants(scope, &change).await.unwrap();
    write.take_resource_change(scope, change.id).await.unwrap();
    write.commit().await.unwrap();
}

async fn run_changes_of_people(world: &World, connection: ConnectionId) {
    let (scope, owner) = (world.scope, world.owner.id);
    let mut write = world.store.begin().await.unwrap();
    let change = ResourceChange {
        id: id(ResourceChangeId::from_uuid),
        organization_id: world.organization.id,
        from: "/a".parse().unwrap(),
        to: None,
        actor: Actor::operator(),
        created_at: at(0),
    };
    write.insert_resource_change(&change).await.unwrap();
    write.nth_newest_api_key(owner, at(0), 3).await.unwrap();
    write.membership(scope, owner).await.unwrap();
    write.active_role(scope, owner).await.unwrap();
    write.set_role(scope, owner, Role::Owner).await.unwrap();
    let since = write.set_membership_deactivated(scope, owner, Some(at(0)));
    since.await.unwrap();
    write.count_owners(scope, 2).await.unwrap();
    write.count_members(scope, 2).await.unwrap();
    write.remove_membership(scope, owner, at(0)).await.unwrap();
    let left = write.organizations_left_without_owner_by(owner);
    left.await.unwrap();
    write.organization(world.organization.id).await.unwrap();
    write.lock_organization(scope).await.unwrap();
    let (plan, name) = ("free".parse().unwrap(), "A".parse().unwrap());
    write.set_plan(scope, &plan).await.unwrap();
    write.rename_organization(scope, &name).await.unwrap();
    write
        .set_organization_deactivated(scope, None)
        .await
        .unwrap();
    let digest = Digest::of(b"x");
    write.is_redirect_uri(scope, "u").await.unwrap();
    write.count_redirect_uris(scope).await.unwrap();
    let uri = id(RedirectUriId::from_uuid);
    write.delete_redirect_uri(scope, uri).await.unwrap();
    let successor = Successor {
        token_id: "next".to_owned(),
        issued_at: at(0),
        expires_at: at(1),
    };
    let window = std::time::Duration::ZERO;
    write
        .refresh_successor("token", world.organization.id, &successor, window)
        .await
        .unwrap();
    write
        .scope_of_member(owner, world.organization.id)
        .await
        .unwrap();
    write.spend_token(connection, &digest, at(9)).await.unwrap();
    write.user(owner).await.unwrap();
    write.user_by_email(&world.owner.email).await.unwrap();
    write.hold_user(owner).await.unwrap();
    write.hold_password(owner, "phc").await.unwrap();
    write.set_password(owner, "phc").await.unwrap();
    write.set_user_names(owner, None, None).await.unwrap();
    write.set_user_suspended(owner, None).await.unwrap();
    write.hold_people(scope).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
    // So that the constructors that only other tests need are in use here, too.
    let other = organization("Other");
    let stranger = user("stranger@example.com");
    let mut write = world.store.begin().await.unwrap();
    write.insert_organization(&other).await.unwrap();
    write.insert_user(&stranger, None).await.unwrap();
    let joined = membership(scope, stranger.id, Role::User);
    write.insert_membership(&joined).await.unwrap();
    write.commit(record("test.done")).await.unwrap();
}

/// Runs every statement that reads, and those that write but for plain insertions. Returns them
/// with the values that they ran with.
async fn run_everything(world: &World) -> Vec<(&'static str, Vec<Value>)> {
    let connection = connection(&world.store, world).await;
    run_lists(world).await;
    run_reads(world, connection).await;
    run_changes_of_access(world, connection).await;
    run_changes_of_sign_in(world, connection).await;
    run_changes_of_identities(world, connection).await;
    run_changes_of_people(world, connection).await;
    run_what_takes_no_record(world).await;
    let seen = SEEN.lock().unwrap();
    let judged = ["SELECT", "WITH", "UPDATE", "DELETE"];
    // Another test of this process may have noted what only the other engine runs.
    let of_other: &[&str] = match world.store.pool {
        Pool::Sqlite(_) => &["FOR NO KEY UPDATE", "pg_"],
        Pool::Postgres(_) => &["FROM change", "unixepoch", "sqlite_schema"],
    };
    seen.iter()
        .filter(|(text, _)| !of_other.iter().any(|part| text.contains(part)))
        .filter(|(text, _)| {
            judged
                .iter()
                .any(|word| text.trim_start().starts_with(word))
        })
        .map(|(text, values)| (*text, values.clone()))
        .collect()
}

#[tokio::test]
async fn sqlite_answers_every_statement_from_an_index() {
    let world = World::new(Backend::Sqlite).await;
    let mut wrong = Vec::new();
    for (text, values) in run_everything(&world).await {
        let explained: &'static str = format!("EXPLAIN QUERY PLAN {text}").leak();
        let query = Query {
            text: explained,
            values,
        };
        let reader = &mut world.store.reader().await.unwrap();
        let steps = query
            .all(reader, |row| row.get::<String>("detail"))
            .await
            .unwrap();
        let is_bad = |step: &&String| {
            let scans = step.starts_with("SCAN ") && !is_derived(step);
            scans || step.contains("USE TEMP B-TREE FOR")
        };
        let bad: Vec<_> = steps.iter().filter(is_bad).collect();
        if !bad.is_empty() && !is_exempt(text) {
            wrong.push(format!("{text}\n  {bad:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns whether a step reads what the statement itself has made.
fn is_derived(step: &str) -> bool {
    let name = step.trim_start_matches("SCAN ");
    [
        "CONSTANT ROW",
        "(subquery",
        "counted",
        "found",
        "f",
        "kinds",
    ]
    .iter()
    .any(|derived| name == *derived || (derived.len() > 4 && name.starts_with(derived)))
}

/// The type that a value has in a prepared statement of PostgreSQL.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "BIGINT",
        Value::Flag(_) => "BOOLEAN",
        Value::Text(_) => "TEXT",
        Value::Bytes(_) => "BYTEA",
        Value::Uuid(_) => "UUID",
    }
}

#[tokio::test]
async fn postgres_can_answer_every_statement_from_an_index() {
    let world = World::new(Backend::Postgres).await;
    let statements = run_everything(&world).await;
    let Pool::Postgres(postgres) = &world.store.pool else {
        unreachable!("the backend is PostgreSQL")
    };
    let mut connection = postgres.options.connect().await.unwrap();
    // Tables this small are read whole and sorted unless that is forbidden; it is done nevertheless
    // where there is no other way, which is what this looks for. What the values are is not known
    // to a plan that serves all.
    for setting in [
        "SET enable_seqscan = off",
        "SET enable_sort = off",
        "SET enable_incremental_sort = off",
        "SET enable_bitmapscan = off",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        sqlx::query(setting).execute(&mut connection).await.unwrap();
    }
    let mut wrong = Vec::new();
    for (number, (text, values)) in statements.into_iter().enumerate() {
        let types: Vec<_> = values.iter().map(type_of).collect();
        let nulls = vec!["NULL"; types.len()].join(", ");
        let (types, nulls) = if types.is_empty() {
            (String::new(), String::new())
        } else {
            (format!("({})", types.join(", ")), format!("({nulls})"))
        };
        let prepare = format!("PREPARE plan_{number} {types} AS {text}");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        let explain = format!("EXPLAIN (COSTS OFF) EXECUTE plan_{number} {nulls}");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let steps: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
        let is_bad = |(at, step): &(usize, &String)| {
            let unguided = step.contains("Index") && step.contains("Scan using") && {
                let next = steps.get(at + 1).map_or("", String::as_str);
                !next.contains("Index Cond")
            };
            step.contains("Seq Scan") || step.contains("Sort") && !step.contains("Key") || unguided
        };
        let bad: Vec<_> = steps.iter().enumerate().filter(is_bad).collect();
        if !bad.is_empty() && !is_exempt(text) {
            wrong.push(format!("{text}\n{}", steps.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The string literals of a source, but for those of its tests.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut found = Vec::new();
    for line in source
        .split("\n//")
        .collect::<Vec<_>>()
        .join("\n")
        .split('\u{0}')
    {
        let mut rest = line;
        while let Some(begin) = rest.find('"') {
            let after = &rest[begin + 1..];
            let mut end = 0;
            let bytes = after.as_bytes();
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            found.push(after[..end.min(after.len())].to_owned());
            rest = after.get(end + 1..).unwrap_or("");
        }
    }
    found
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn no_statement_is_forgotten() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        run_everything(&World::new(backend).await).await;
    }
    let seen: Vec<_> = SEEN
        .lock()
        .unwrap()
        .keys()
        .map(|text| plain(text))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut forgotten = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                // Of one engine alone, or not a statement of the store.
                if !["sqlite", "postgres", "feed", "migration"].contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let elsewhere = [
                "plans.rs",
                "tests.rs",
                "sqlite.rs",
                "migration.rs",
                "store.rs",
            ];
            if elsewhere.contains(&name.as_str()) {
                continue;
            }
            for literal in literals(&fs::read_to_string(&path).unwrap()) {
                let literal = plain(&literal);
                let is_statement = (literal.starts_with("SELECT ") && literal.contains(" FROM "))
                    || literal.starts_with("UPDATE ")
                    || literal.starts_with("DELETE FROM ");
                if is_statement && !seen.iter().any(|text| text.contains(&literal)) {
                    forgotten.push(format!("{}: {literal}", path.display()));
                }
            }
        }
    }
    assert!(
        forgotten.is_empty(),
        "add them to `run_everything`:\n{}",
        forgotten.join("\n")
    );
}
