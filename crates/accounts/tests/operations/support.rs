//! A fixture of one organisation with its owner, on either engine, and ways into it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use vestibule_accounts::{
    Accounts, AccountsParts, AuditFilter, AuditRow, Bridge, Caller, CreatedApiKey, Error,
    KeyringParts, NewApiKey, NewOrganization, NewUser, Operator, Page, SignInLimits, SignOut,
};
use vestibule_check::{
    Allowed, CacheBounds, Cause, Core, CoreParts, EntryPoint, OwnOrigin, Permit, Rejected,
    RequestHead,
};
use vestibule_credential::{
    Claims, HasherConfig, Issuer, MasterKey, PasswordHasher, PlainSecret, Prefix, SecretKind,
    TokenId, frame,
};
use vestibule_model::clock::ManualClock;
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    Actor, AuditId, AuditRecord, Capability, Clock, Organization, OrganizationId, OsEntropy, Plan,
    Plans, ResourcePath, Role, Session, SessionId, SystemClock, Timestamp, User, UserId,
};
use vestibule_policy::{Accepts, Rule, RuleTable};
use vestibule_store::{Store, StoreUrl};

/// The operator.
#[expect(
    clippy::disallowed_methods,
    reason = "a test does what commands of the binary do"
)]
pub(crate) const OPERATOR: Operator = Operator::at_the_command_line();

/// The hash of `password` at a cost that tests can pay; signing in with it makes a new one.
pub(crate) const CHEAP_HASH: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// The engines that every test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A database of its own for one test, gone when the test is over.
struct Database {
    url: StoreUrl,
    _directory: Option<tempfile::TempDir>,
    postgres: Option<String>,
}

/// A superuser's URL of the server that the tests may use.
fn postgres_server() -> String {
    std::env::var("VESTIBULE_TEST_POSTGRES").expect(
        "no PostgreSQL for the tests: run them through `cargo xtask test`, which starts one, or \
         set VESTIBULE_TEST_POSTGRES to a superuser's URL",
    )
}

fn postgres_url(name: &str) -> String {
    let server = postgres_server();
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

async fn on_postgres(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
}

impl Database {
    async fn create(backend: Backend) -> Self {
        if backend == Backend::Sqlite {
            let directory = tempfile::tempdir().unwrap();
            return Self {
                url: StoreUrl::sqlite(directory.path().join("vestibule.db")),
                _directory: Some(directory),
                postgres: None,
            };
        }
        let id = AuditId::mint(&SystemClock, &OsEntropy).uuid().simple();
        let name = format!("vestibule_test_{id}");
        on_postgres(&postgres_server(), format!("CREATE DATABASE {name}")).await;
        Self {
            url: postgres_url(&name).parse().unwrap(),
            _directory: None,
            postgres: Some(name),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = self.postgres.take() {
            // A runtime cannot be entered from within one, so a thread of its own drops it.
            let dropped = std::thread::spawn(move || {
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(on_postgres(&postgres_server(), drop));
            });
            let _ = dropped.join();
        }
    }
}

/// What a test may choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) limits: SignInLimits,
    pub(crate) api_keys_per_day: NonZeroU32,
    pub(crate) hasher: HasherConfig,
    pub(crate) lifetimes: Lifetimes,
}

impl Default for Options {
    fn default() -> Self {
        let many = NonZeroU32::new(10_000).unwrap();
        Self {
            api_keys_per_day: NonZeroU32::new(1_000).unwrap(),
            limits: SignInLimits {
                per_address: many,
                per_email: many,
            },
            hasher: HasherConfig {
                threads: 1,
                queue: 64,
                nice: 0,
            },
            lifetimes: Lifetimes::default(),
        }
    }
}

/// One process: its accounts, and the check before them.
pub(crate) struct Fixture {
    pub(crate) accounts: Accounts,
    pub(crate) check: EntryPoint,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) owner: User,
    pub(crate) organization: Organization,
    pub(crate) lifetimes: Lifetimes,
    database: Database,
}

/// A session with every credential it can have.
pub(crate) struct Entry {
    pub(crate) session: Session,
    pub(crate) cookie: PlainSecret,
    pub(crate) token: String,
}

fn plan(name: &str, features: &[&str], seats: Option<u32>) -> Plan {
    Plan {
        features: features.iter().map(ToString::to_string).collect(),
        seats,
        ..Plan::bare(name.parse().unwrap())
    }
}

impl Fixture {
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with(backend, Options::default()).await
    }

    pub(crate) async fn with(backend: Backend, options: Options) -> Self {
        let database = Database::create(backend).await;
        let store = Store::create(database.url.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let (accounts, check) = open(store, clock.clone(), options).await;

        let owner = new_user(&accounts, "ada@example.com").await;
        let organization = accounts
            .create_organization(
                &OPERATOR,
                NewOrganization {
                    name: "Analytical Engines".parse().unwrap(),
                    plan: "team".parse().unwrap(),
                    owner: owner.id,
                },
            )
            .await
            .unwrap();
        Self {
            accounts,
            check,
            clock,
            owner,
            organization,
            lifetimes: options.lifetimes,
            database,
        }
    }

    /// A second process on the same database.
    pub(crate) async fn second(&self) -> (Accounts, EntryPoint) {
        let store = Store::connect(self.database.url.clone()).await.unwrap();
        open(store, self.clock.clone(), Options::default()).await
    }

    /// A second process on the same database, which goes by a clock of its own.
    pub(crate) async fn second_by(&self, clock: Arc<dyn Clock>) -> (Accounts, EntryPoint) {
        let store = Store::connect(self.database.url.clone()).await.unwrap();
        open(store, clock, Options::default()).await
    }

    /// A statement that the store itself does not have.
    pub(crate) async fn raw(&self, statement: &'static str) {
        if let Some(name) = &self.database.postgres {
            on_postgres(&postgres_url(name), statement.to_owned()).await;
        } else {
            let url = self.database.url.to_string();
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }

    /// The number of rows of a table.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.number(format!("SELECT COUNT(*) FROM {table}")).await
    }

    /// Returns what grows with every transaction that writes, on SQLite. PostgreSQL has such numbers of the
    /// whole server alone, which other tests use, too.
    pub(crate) fn log_length(&self) -> i64 {
        if self.database.postgres.is_some() {
            return 0;
        }
        let url = self.database.url.to_string();
        let log = format!("{}-wal", url.trim_start_matches("sqlite:"));
        std::fs::metadata(log).unwrap().len().try_into().unwrap()
    }

    async fn number(&self, query: String) -> i64 {
        if let Some(name) = &self.database.postgres {
            let mut connection = PgConnection::connect(&postgres_url(name)).await.unwrap();
            let query = sqlx::query_scalar(AssertSqlSafe(query));
            query.fetch_one(&mut connection).await.unwrap()
        } else {
            let url = self.database.url.to_string();
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let query = sqlx::query_scalar(AssertSqlSafe(query));
            query.fetch_one(&mut connection).await.unwrap()
        }
    }

    /// Until a transaction waits for another one's lock; on PostgreSQL.
    pub(crate) async fn until_somebody_waits(&self) {
        let name = self.database.postgres.as_deref().unwrap();
        let mut connection = PgConnection::connect(&postgres_url(name)).await.unwrap();
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let count: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if count > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.accounts.store()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A moment passes, so that records have an order.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    pub(crate) fn operator(&self) -> Caller {
        Caller::operator(&OPERATOR, self.organization.id)
    }

    /// One more organisation on the plan `free`, of this owner.
    pub(crate) async fn organization_of(&self, name: &str, owner: UserId) -> Organization {
        // Memberships are told apart by their age.
        self.tick();
        let new = NewOrganization {
            name: name.parse().unwrap(),
            plan: "free".parse().unwrap(),
            owner,
        };
        let made = self.accounts.create_organization(&OPERATOR, new).await;
        made.unwrap()
    }

    /// One more user, a member of nothing.
    pub(crate) async fn user(&self, email: &str) -> User {
        new_user(&self.accounts, email).await
    }

    /// One more member.
    pub(crate) async fn member(&self, email: &str, role: Role) -> User {
        let user = self.user(email).await;
        let operator = self.operator();
        let added = self.accounts.add_member(&operator, user.id, role);
        added.await.unwrap();
        user
    }

    /// A key of a member.
    pub(crate) async fn key(&self, owner: UserId, new: NewApiKey) -> CreatedApiKey {
        let operator = self.operator();
        let made =
            self.accounts
                .create_api_key_for(&OPERATOR, operator.organization_id(), owner, new);
        made.await.unwrap()
    }

    /// A permit of a member, by a new key with the member's full rights.
    pub(crate) async fn permit(&self, user: UserId) -> Permit {
        let key = self.key(user, new_key("permit")).await;
        self.by_bearer(key.secret.expose()).await.unwrap()
    }

    /// What a member calls as.
    pub(crate) async fn caller(&self, user: UserId) -> Caller {
        Caller::from(&self.permit(user).await)
    }

    /// A new session in an organisation.
    pub(crate) async fn enter(&self, user: UserId, organization: OrganizationId) -> Entry {
        let now = self.now();
        let session = Session {
            id: SessionId::mint(self.clock.as_ref(), &OsEntropy),
            user_id: user,
            organization_id: organization,
            created_at: now,
            last_seen_at: now,
            expires_at: now.after(self.lifetimes.session_absolute),
            ended_at: None,
        };
        let cookie = frame::mint(&Prefix::default(), SecretKind::Session, &OsEntropy);
        let mut write = self.store().begin().await.unwrap();
        write
            .insert_session(&session, Some(&cookie.digest()))
            .await
            .unwrap();
        write.commit(record("test.prepared")).await.unwrap();
        let token = self.token(&session, organization);
        Entry {
            session,
            cookie,
            token,
        }
    }

    /// An access token of a session.
    pub(crate) fn token(&self, session: &Session, organization: OrganizationId) -> String {
        let now = self.now();
        let claims = Claims {
            subject: session.user_id,
            organization,
            session: session.id,
            id: TokenId::mint(self.clock.as_ref(), &OsEntropy),
            issued_at: now,
            expires_at: now.after(self.lifetimes.access_token),
        };
        self.accounts.keyring().sign(&claims).unwrap()
    }

    /// Signs out with an access token.
    pub(crate) async fn sign_out(&self, token: &str) {
        let presented = SignOut {
            token: Some(token),
            ..SignOut::default()
        };
        self.accounts.sign_out(&presented).await.unwrap();
    }

    /// What the check says to a bearer.
    pub(crate) async fn by_bearer(&self, text: &str) -> Result<Permit, Cause> {
        by_bearer(&self.check, text).await
    }

    /// What the check says to a cookie.
    pub(crate) async fn by_cookie(&self, cookie: &PlainSecret) -> Result<Permit, Cause> {
        by_cookie(&self.check, cookie).await
    }

    /// The organisation's records of a kind, the newest first.
    pub(crate) async fn records(&self, kind: &str) -> Vec<AuditRow> {
        let filter = AuditFilter {
            kind: Some(kind.to_owned()),
            ..AuditFilter::default()
        };
        let operator = self.operator();
        let found = self.accounts.audit(&operator, &filter, Page::first(100));
        found.await.unwrap().items
    }
}

async fn open(store: Store, clock: Arc<dyn Clock>, options: Options) -> (Accounts, EntryPoint) {
    let master_key = MasterKey::from_bytes([7; 32]);
    let parts = KeyringParts {
        store: &store,
        master_key: &master_key,
        issuer: Issuer {
            issuer: "https://auth.example.com".to_owned(),
            audience: "https://auth.example.com".to_owned(),
        },
        lifetimes: &options.lifetimes,
    };
    let keyring = parts
        .load_or_create(clock.as_ref(), &OsEntropy)
        .await
        .unwrap();
    let keyring = Arc::new(arc_swap::ArcSwap::from_pointee(keyring));
    let plans = Plans::new([
        plan("free", &[], Some(2)),
        plan("team", &["agents"], Some(20)),
    ]);
    let accounts = Accounts::new(AccountsParts {
        store: store.clone(),
        keyring: Arc::clone(&keyring),
        master_key,
        hasher: PasswordHasher::start(options.hasher).unwrap(),
        clock: Arc::clone(&clock),
        entropy: Arc::new(OsEntropy),
        plans: Arc::new(plans.clone()),
        lifetimes: options.lifetimes,
        prefix: Prefix::default(),
        sign_in_limits: options.limits,
        api_keys_per_day: options.api_keys_per_day,
    });
    let table = RuleTable::builder()
        .add("GET", "/v1/any", Accepts::Bearer, Rule::signed_in())
        .unwrap()
        .add(
            "GET",
            "/v1/admin",
            Accepts::Bearer,
            Rule::signed_in().role(Role::Admin),
        )
        .unwrap()
        .add(
            "GET",
            "/v1/agents",
            Accepts::Bearer,
            Rule::signed_in().feature("agents"),
        )
        .unwrap()
        .add(
            "GET",
            "/api/any",
            Accepts::BearerOrCookie,
            Rule::signed_in(),
        )
        .unwrap()
        .build();
    let core = Core::new(CoreParts {
        plans,
        directory: Arc::new(accounts.directory()),
        keyring: Some(keyring),
        prefix: Prefix::default(),
        cache: CacheBounds::default(),
        body_bytes: CoreParts::BODY_BYTES,
        clock,
    });
    store.attach(Arc::new(Bridge::new(core.clone(), &accounts)));
    let origin: OwnOrigin = "https://app.example.com".parse().unwrap();
    (accounts, core.entry_point(table, origin))
}

async fn new_user(accounts: &Accounts, email: &str) -> User {
    let new = NewUser {
        email: email.parse().unwrap(),
        first_name: None,
        last_name: None,
        password: None,
    };
    accounts.create_user(&OPERATOR, new).await.unwrap()
}

/// What a check says to a bearer.
pub(crate) async fn by_bearer(check: &EntryPoint, text: &str) -> Result<Permit, Cause> {
    bearer_at(check, "/v1/any", text).await
}

/// Returns the verdict of a check on a cookie.
pub(crate) async fn by_cookie(check: &EntryPoint, cookie: &PlainSecret) -> Result<Permit, Cause> {
    let mut headers = HeaderMap::new();
    let value = format!("__Host-vestibule={}", cookie.expose());
    headers.insert(COOKIE, HeaderValue::from_str(&value).unwrap());
    headers.insert(ORIGIN, HeaderValue::from_static("https://app.example.com"));
    ask(check, "/api/any", &headers).await
}

/// What a check says to a bearer at a path.
pub(crate) async fn bearer_at(check: &EntryPoint, path: &str, text: &str) -> Result<Permit, Cause> {
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {text}");
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
    ask(check, path, &headers).await
}

async fn ask(check: &EntryPoint, path: &str, headers: &HeaderMap) -> Result<Permit, Cause> {
    let head = RequestHead {
        method: &Method::GET,
        path,
        headers,
        has_body: false,
        address: Some("192.0.2.1".parse().unwrap()),
        request_id: Some(&HeaderValue::from_static("request-1")),
    };
    match check.check(&head).await {
        Ok(passed) => Ok(passed.into_permit(&head).unwrap()),
        Err(denial) => Err(denial.cause),
    }
}

/// That a credential was refused because it was revoked.
#[track_caller]
pub(crate) fn assert_revoked(answer: &Result<Permit, Cause>) {
    assert!(
        matches!(answer, Err(Cause::Rejected(Rejected::Revoked))),
        "{answer:?}"
    );
}

/// That an operation was refused for this reason.
#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(
    answer: vestibule_accounts::Result<T>,
    reason: &str,
) {
    match answer {
        Ok(done) => panic!("not refused: {done:?}"),
        Err(error) => assert_eq!(error.reason(), reason, "{error}"),
    }
}

/// The one field that an operation refused, and why.
#[track_caller]
pub(crate) fn refused_fields<T: std::fmt::Debug>(
    answer: vestibule_accounts::Result<T>,
) -> Vec<(String, &'static str)> {
    match answer {
        Err(Error::Invalid(fields)) => fields
            .into_iter()
            .map(|field| (field.field, field.reason))
            .collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn new_key(name: &str) -> NewApiKey {
    NewApiKey::named(name.parse().unwrap())
}

/// What a record says.
pub(crate) fn details(row: &AuditRow) -> Value {
    serde_json::from_str(&row.details).unwrap()
}

/// A record of what a test prepared.
pub(crate) fn record(kind: &'static str) -> AuditRecord {
    AuditRecord {
        id: AuditId::mint(&SystemClock, &OsEntropy),
        at: SystemClock.now(),
        organization_id: None,
        actor: Actor::operator(),
        kind,
        subject: None,
        details: "{}".to_owned(),
    }
}

/// Returns what the caller's permit answers; everybody here has one.
pub(crate) fn evidence<'a>(
    caller: &'a Caller,
    path: &'a ResourcePath,
    capability: Capability,
) -> vestibule_accounts::Result<Allowed<'a>> {
    Ok(caller.permit().unwrap().may(path, capability)?)
}

/// Moves a resource whose service stores its half at once. Returns how many grants moved.
pub(crate) async fn move_resource(
    accounts: &Accounts,
    caller: &Caller,
    from: &ResourcePath,
    to: &ResourcePath,
) -> vestibule_accounts::Result<u64> {
    let change = accounts
        .resource_moving(evidence(caller, from, Capability::ReadWrite)?, to)
        .await?;
    accounts.follow_resource(change).await
}

/// Deletes a resource whose service stores its half at once. Returns how many grants ended.
pub(crate) async fn delete_resource(
    accounts: &Accounts,
    caller: &Caller,
    path: &ResourcePath,
) -> vestibule_accounts::Result<u64> {
    let change = accounts
        .resource_leaving(evidence(caller, path, Capability::ReadWriteDelete)?)
        .await?;
    accounts.follow_resource(change).await
}
