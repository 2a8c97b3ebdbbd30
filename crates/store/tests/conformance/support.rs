//! A store of either engine with a little in it, and what tests say again and again.

#![allow(
    dead_code,
    reason = "the unit tests of the crate use a part of this file"
)]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use vestibule_model::{
    Actor, ApiKey, ApiKeyId, AuditId, AuditRecord, BootTime, Capability, Change, Digest, Grant,
    GrantHolder, GrantId, Group, GroupId, Membership, OrgScope, Organization, OrganizationId,
    OsEntropy, Role, Session, SessionId, SystemClock, Timestamp, User, UserId,
};
use vestibule_store::{ChangeSink, Store, StoreUrl};

/// The engines that every test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A database of its own for one test, gone when the test is over.
pub(crate) struct Database {
    pub(crate) url: StoreUrl,
    _directory: Option<tempfile::TempDir>,
    postgres: Option<String>,
}

/// A superuser's URL of the server that the tests may use.
pub(crate) fn postgres_server() -> String {
    std::env::var("VESTIBULE_TEST_POSTGRES").expect(
        "no PostgreSQL for the tests: run them through `cargo xtask test`, which starts one, or \
         set VESTIBULE_TEST_POSTGRES to a superuser's URL",
    )
}

async fn on_server(command: String) {
    let mut connection = PgConnection::connect(&postgres_server()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(command))
        .execute(&mut connection)
        .await
        .unwrap();
}

impl Database {
    pub(crate) async fn create(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                Self {
                    url: StoreUrl::sqlite(directory.path().join("vestibule.db")),
                    _directory: Some(directory),
                    postgres: None,
                }
            }
            Backend::Postgres => {
                let id = AuditId::mint(&SystemClock, &OsEntropy).uuid().simple();
                let name = format!("vestibule_test_{id}");
                on_server(format!("CREATE DATABASE {name}")).await;
                // As an administrator may have set it: nothing here may depend on the default.
                let isolation = "default_transaction_isolation = 'serializable'";
                on_server(format!("ALTER DATABASE {name} SET {isolation}")).await;
                let server = postgres_server();
                let (server, _) = server.rsplit_once('/').unwrap();
                Self {
                    url: format!("{server}/{name}").parse().unwrap(),
                    _directory: None,
                    postgres: Some(name),
                }
            }
        }
    }

    /// The URL as text, where it is one of PostgreSQL.
    pub(crate) fn postgres_url(&self) -> String {
        let server = postgres_server();
        let (server, _) = server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.postgres.as_deref().unwrap())
    }

    /// The address of PostgreSQL, as `host:port`.
    pub(crate) fn server_address(&self) -> String {
        let url = self.postgres_url();
        let (_, place) = url.rsplit_once('@').unwrap();
        place.split('/').next().unwrap().to_owned()
    }

    /// The URL of this database behind something else that listens on a port of loopback.
    pub(crate) fn behind(&self, port: u16) -> StoreUrl {
        let place = format!("127.0.0.1:{port}");
        let url = self.postgres_url().replace(&self.server_address(), &place);
        url.parse().unwrap()
    }

    /// One more store on this database, as another process has it.
    pub(crate) async fn connect(&self) -> Store {
        Store::create(self.url.clone()).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = self.postgres.take() {
            // A runtime cannot be entered from within one, so a thread of its own drops it.
            let dropped = std::thread::spawn(move || {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(on_server(format!("DROP DATABASE {name} WITH (FORCE)")));
            });
            let _ = dropped.join();
        }
    }
}

/// A migrated store with one organisation and its owner.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) owner: User,
    pub(crate) organization: Organization,
    pub(crate) scope: OrgScope,
    pub(crate) database: Database,
}

impl World {
    pub(crate) async fn new(backend: Backend) -> Self {
        let database = Database::create(backend).await;
        let store = database.connect().await;
        store.migrate().await.unwrap();
        let owner = user("ada@example.com");
        let organization = organization("Analytical Engines");
        let scope = scope(organization.id);
        let mut write = store.begin().await.unwrap();
        write.insert_user(&owner, None).await.unwrap();
        write.insert_organization(&organization).await.unwrap();
        write
            .insert_membership(&membership(scope, owner.id, Role::Owner))
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        Self {
            store,
            owner,
            organization,
            scope,
            database,
        }
    }

    /// A statement that the store itself does not have.
    pub(crate) async fn raw(&self, statement: &'static str) {
        if self.database.postgres.is_some() {
            let url = self.database.postgres_url();
            let mut connection = PgConnection::connect(&url).await.unwrap();
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        } else {
            let url = self.database.url.to_string();
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }

    /// One more organisation.
    pub(crate) async fn organization(&self, name: &str) -> Organization {
        let organization = organization(name);
        let mut write = self.store.begin().await.unwrap();
        write.insert_organization(&organization).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        organization
    }

    /// One more user, who is nowhere a member.
    pub(crate) async fn user(&self, email: &str) -> User {
        let user = user(email);
        let mut write = self.store.begin().await.unwrap();
        write.insert_user(&user, None).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        user
    }

    /// One more member.
    pub(crate) async fn member(&self, email: &str, role: Role) -> User {
        let user = self.user(email).await;
        let mut write = self.store.begin().await.unwrap();
        write
            .insert_membership(&membership(self.scope, user.id, role))
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        user
    }

    /// One more group.
    pub(crate) async fn group(&self, name: &str) -> Group {
        let group = Group {
            id: GroupId::mint(&SystemClock, &OsEntropy),
            organization_id: self.organization.id,
            name: name.parse().unwrap(),
            created_at: at(0),
        };
        let mut write = self.store.begin().await.unwrap();
        write.insert_group(&group).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        group
    }

    /// One more grant.
    pub(crate) async fn grant(
        &self,
        holder: GrantHolder,
        path: &str,
        capability: Capability,
    ) -> Grant {
        let grant = grant(self.scope, holder, path, capability);
        let mut write = self.store.begin().await.unwrap();
        write.insert_grant(&grant).await.unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        grant
    }

    /// One more key, whose secret is its name.
    pub(crate) async fn api_key(&self, owner: UserId, name: &str, narrowed: bool) -> ApiKey {
        let key = api_key(self.scope, owner, name);
        let mut write = self.store.begin().await.unwrap();
        write
            .insert_api_key(&key, &Digest::of(name.as_bytes()), narrowed)
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        key
    }

    /// One more session, whose cookie is `cookie`.
    pub(crate) async fn session(&self, user: UserId, cookie: &str) -> Session {
        let session = session(self.scope, user);
        let mut write = self.store.begin().await.unwrap();
        write
            .insert_session(&session, Some(&Digest::of(cookie.as_bytes())))
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        session
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test may see every organisation"
)]
pub(crate) fn scope(id: OrganizationId) -> OrgScope {
    OrgScope::assume(id)
}

/// `seconds` after a fixed moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

pub(crate) fn user(email: &str) -> User {
    User {
        id: UserId::mint(&SystemClock, &OsEntropy),
        email: email.parse().unwrap(),
        first_name: Some("Ada".parse().unwrap()),
        last_name: None,
        created_at: at(0),
        suspended_at: None,
    }
}

pub(crate) fn organization(name: &str) -> Organization {
    Organization {
        id: OrganizationId::mint(&SystemClock, &OsEntropy),
        name: name.parse().unwrap(),
        plan: "free".parse().unwrap(),
        created_at: at(0),
        deactivated_at: None,
    }
}

pub(crate) fn membership(scope: OrgScope, user_id: UserId, role: Role) -> Membership {
    Membership {
        organization_id: scope.organization_id(),
        user_id,
        role,
        created_at: at(0),
        deactivated_at: None,
    }
}

pub(crate) fn grant(
    scope: OrgScope,
    holder: GrantHolder,
    path: &str,
    capability: Capability,
) -> Grant {
    Grant {
        id: GrantId::mint(&SystemClock, &OsEntropy),
        organization_id: scope.organization_id(),
        holder,
        path: path.parse().unwrap(),
        capability,
        can_approve: false,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn api_key(scope: OrgScope, owner_id: UserId, name: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::mint(&SystemClock, &OsEntropy),
        organization_id: scope.organization_id(),
        owner_id,
        name: name.parse().unwrap(),
        suffix: "x1Yz".to_owned(),
        connection_id: None,
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

pub(crate) fn session(scope: OrgScope, user_id: UserId) -> Session {
    Session {
        id: SessionId::mint(&SystemClock, &OsEntropy),
        user_id,
        organization_id: scope.organization_id(),
        created_at: at(0),
        last_seen_at: at(0),
        expires_at: at(1_000),
        ended_at: None,
    }
}

pub(crate) fn record(kind: &'static str) -> AuditRecord {
    AuditRecord {
        id: AuditId::mint(&SystemClock, &OsEntropy),
        at: at(0),
        organization_id: None,
        actor: Actor::operator(),
        kind,
        subject: None,
        details: "{}".to_owned(),
    }
}

/// What a sink was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Applied(Change),
    Suspended,
    Resumed,
}

/// A sink that remembers.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Vec<Told>>);

impl Memory {
    pub(crate) fn all(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Waits until this was told, and fails after `limit`; how long it took.
    pub(crate) async fn wait_for(&self, told: Told, limit: Duration) -> Duration {
        let start = Instant::now();
        while !self.all().contains(&told) {
            let waited = start.elapsed();
            assert!(
                waited < limit,
                "{told:?} not within {limit:?}: {:?}",
                self.all()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        start.elapsed()
    }
}

impl ChangeSink for Memory {
    fn apply(&self, change: Change) {
        self.0.lock().unwrap().push(Told::Applied(change));
    }

    fn suspend(&self) {
        self.0.lock().unwrap().push(Told::Suspended);
    }

    fn resume(&self, _: BootTime) {
        self.0.lock().unwrap().push(Told::Resumed);
    }
}
