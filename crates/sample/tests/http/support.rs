//! A service with people in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::Value;
use sqlx::{Connection, Executor};
use tower::ServiceExt;
use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
use vestibule_layer::credential::token::Verified;
use vestibule_layer::model::clock::ManualClock;
use vestibule_layer::model::{
    ApiKeyId, Capability, CredentialRef, Digest, GrantId, HeldGrant, OrganizationId, OsEntropy,
    Plan, PlanName, Principal, ResourceChangeId, ResourcePath, Role, SessionId, SystemClock,
    Timestamp, UserId,
};
use vestibule_layer::{
    Allowed, CheckService, Core, CoreParts, Directory, EntryPointExt as _, OwnOrigin, Permit,
    Problem, ResourceChanges, Unresolved,
};
use vestibule_sample::{Sample, SampleDatabase};

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

pub(crate) const RO: Capability = Capability::ReadOnly;
pub(crate) const RW: Capability = Capability::ReadWrite;
pub(crate) const RWD: Capability = Capability::ReadWriteDelete;

/// A change that was noted: the organisation, the old path and the new one.
type Noted = (OrganizationId, ResourcePath, Option<ResourcePath>);

/// Who may be signed in, and what they may; changes hold for the next request.
#[derive(Default)]
struct People {
    by_digest: Mutex<HashMap<Digest, Principal>>,
    moved: Mutex<Vec<(String, String)>>,
    /// Paths with grants that no caller could revoke.
    kept: Mutex<Vec<ResourcePath>>,
    /// Changes that were noted and that the grants have yet to follow.
    noted: Mutex<HashMap<ResourceChangeId, Noted>>,
    changes_fail: AtomicBool,
    following_fails: AtomicBool,
}

fn unavailable() -> Problem {
    Problem::unavailable(
        "store_unavailable",
        "The grants cannot follow now.",
        std::time::Duration::from_secs(2),
    )
}

impl People {
    fn find(&self, digest: &Digest) -> BoxFuture<'static, Result<Principal, Unresolved>> {
        let found = self.by_digest.lock().unwrap().get(digest).cloned();
        Box::pin(async { found.ok_or(Unresolved::Unknown) })
    }
}

impl Directory for People {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        self.find(key)
    }

    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        self.find(cookie)
    }

    fn access_token<'a>(&'a self, _: &'a Verified) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { Err(Unresolved::Unknown) })
    }
}

impl People {
    /// Answers as the grants' keeper does: an error where the test wants one, else after `change`
    /// for every principal of the organisation.
    fn report<'a>(
        &'a self,
        organization: OrganizationId,
        change: impl FnMut(&mut Principal) + Send + 'a,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            if self.changes_fail.load(Ordering::SeqCst) {
                return Err(unavailable());
            }
            self.by_digest
                .lock()
                .unwrap()
                .values_mut()
                .filter(|principal| principal.organization_id == organization)
                .for_each(change);
            Ok(())
        })
    }

    fn note(
        &self,
        permit: &Permit,
        from: &ResourcePath,
        to: Option<&ResourcePath>,
    ) -> ResourceChangeId {
        let id = ResourceChangeId::mint(&SystemClock, &OsEntropy);
        let change = (permit.organization_id(), from.clone(), to.cloned());
        self.noted.lock().unwrap().insert(id, change);
        id
    }

    /// Refuses a path on which there are grants that the test keeps.
    fn keep(&self, path: &ResourcePath) -> Result<(), Problem> {
        let kept = self.kept.lock().unwrap();
        if kept.iter().any(|grant| path.covers(grant)) {
            return Err(Problem::conflict("path_has_grants", "There are grants."));
        }
        Ok(())
    }
}

impl ResourceChanges for People {
    fn created<'a>(&'a self, place: Allowed<'a>) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let (permit, path) = (place.permit(), place.path());
            self.keep(path)?;
            self.report(permit.organization_id(), |principal| {
                let left = principal.grants.iter();
                let left = left.filter(|grant| !path.covers(&grant.path));
                principal.grants = left.cloned().collect();
            })
            .await
        })
    }

    fn moving<'a>(
        &'a self,
        from: Allowed<'a>,
        to: &'a ResourcePath,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
        Box::pin(async move {
            let place = from.permit().may(to, Capability::ReadWrite)?;
            self.created(place).await?;
            Ok(self.note(from.permit(), from.path(), Some(to)))
        })
    }

    fn removing<'a>(
        &'a self,
        resource: Allowed<'a>,
    ) -> BoxFuture<'a, Result<ResourceChangeId, Problem>> {
        Box::pin(async move {
            let (permit, path) = (resource.permit(), resource.path());
            self.report(permit.organization_id(), |_| {}).await?;
            Ok(self.note(permit, path, None))
        })
    }

    fn follow(&self, id: ResourceChangeId) -> BoxFuture<'_, Result<(), Problem>> {
        Box::pin(async move {
            if self.following_fails.load(Ordering::SeqCst) {
                return Err(unavailable());
            }
            let noted = self.noted.lock().unwrap().remove(&id);
            let Some((organization, from, to)) = noted else {
                return Ok(());
            };
            self.report(organization, |principal| {
                if let Some(to) = &to {
                    for grant in Arc::make_mut(&mut principal.grants) {
                        grant.path = grant.path.rebased(&from, to);
                    }
                } else {
                    let left = principal.grants.iter();
                    let left = left.filter(|grant| !from.covers(&grant.path));
                    principal.grants = left.cloned().collect();
                }
            })
            .await?;
            if let Some(to) = to {
                let mut moved = self.moved.lock().unwrap();
                moved.push((from.to_string(), to.to_string()));
            }
            Ok(())
        })
    }
}

/// Somebody with a key and a cookie.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) key: String,
    pub(crate) cookie: String,
    digests: [Digest; 2],
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The stable cause of a refusal.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> String {
        text(&self.expect(status)["reason"]).to_owned()
    }
}

#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[track_caller]
pub(crate) fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| text(&item["name"])).collect()
}

pub(crate) struct World {
    pub(crate) sample: Sample,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organization: OrganizationId,
    pub(crate) other_organization: OrganizationId,
    people: Arc<People>,
    service: CheckService<Router>,
    plan: Arc<Plan>,
    database: Option<String>,
    directory: tempfile::TempDir,
}

fn superuser() -> String {
    std::env::var("VESTIBULE_TEST_POSTGRES").expect(
        "VESTIBULE_TEST_POSTGRES must be the URL of a PostgreSQL superuser, such as \
         postgres://postgres@127.0.0.1:5432/postgres",
    )
}

async fn on_postgres(statement: String) {
    let mut connection = sqlx::PgConnection::connect(&superuser())
        .await
        .expect("the PostgreSQL of VESTIBULE_TEST_POSTGRES answers");
    connection
        .execute(sqlx::AssertSqlSafe(statement))
        .await
        .unwrap();
    connection.close().await.unwrap();
}

impl World {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::with_quota(engine, 1_000).await
    }

    /// With a plan that has the feature `agents` and allows so many messages a month.
    pub(crate) async fn with_quota(engine: Engine, messages: u64) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().unwrap();
        let (place, database) = match engine {
            Engine::Sqlite => {
                let file = directory.path().join("sample.db");
                (SampleDatabase::sqlite(file), None)
            }
            Engine::Postgres => {
                let number = NUMBER.fetch_add(1, Ordering::SeqCst);
                let name = format!("sample_{}_{number}", std::process::id());
                on_postgres(format!("DROP DATABASE IF EXISTS {name}")).await;
                on_postgres(format!("CREATE DATABASE {name}")).await;
                let url = superuser();
                let (server, _) = url.rsplit_once('/').expect("a URL with a database");
                let url = format!("{server}/{name}");
                (SampleDatabase::postgres(url), Some(name))
            }
        };
        let clock = Arc::new(ManualClock::new(
            Timestamp::parse("2027-01-31T23:00:00Z").unwrap(),
        ));
        let sample = Sample::create(&place).await.unwrap();
        let sample = sample.with_clock(clock.clone());
        sample.migrate().await.unwrap();
        let people = Arc::new(People::default());
        let routes = sample.routes(people.clone());
        let (router, table) = routes.into_parts().unwrap();
        let core = Core::new(CoreParts::new(people.clone()));
        // Nothing is remembered: what a test changes holds at once.
        core.suspend();
        let entry_point = core.entry_point(table, ORIGIN.parse::<OwnOrigin>().unwrap());
        let mut plan = Plan::bare("team".parse::<PlanName>().unwrap());
        plan.features = BTreeSet::from(["agents".to_owned()]);
        plan.limits
            .insert("agent_messages_per_month".to_owned(), messages);
        Self {
            sample,
            clock,
            organization: OrganizationId::mint(&SystemClock, &OsEntropy),
            other_organization: OrganizationId::mint(&SystemClock, &OsEntropy),
            people,
            service: entry_point.guard(router),
            plan: Arc::new(plan),
            database,
            directory,
        }
    }

    pub(crate) async fn end(self) {
        self.sample.close().await;
        if let Some(name) = self.database {
            on_postgres(format!("DROP DATABASE {name}")).await;
        }
    }

    /// Does something to the database beside the service, as a server of another version would.
    pub(crate) async fn beside(&self, statement: &str) {
        let mut connection = self.connection().await;
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Returns what such a query counts.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut connection = self.connection().await;
        let count = sqlx::query_scalar(query).fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        count.unwrap()
    }

    async fn connection(&self) -> sqlx::AnyConnection {
        let url = if let Some(name) = &self.database {
            let url = superuser();
            let (server, _) = url.rsplit_once('/').expect("a URL with a database");
            format!("{server}/{name}")
        } else {
            format!(
                "sqlite:{}",
                self.directory.path().join("sample.db").display()
            )
        };
        sqlx::any::install_default_drivers();
        sqlx::AnyConnection::connect(&url).await.unwrap()
    }

    pub(crate) fn owner(&self) -> Person {
        self.person(self.organization, Role::Owner, &[])
    }

    pub(crate) fn user(&self, grants: &[(Capability, &str)]) -> Person {
        self.person(self.organization, Role::User, grants)
    }

    pub(crate) fn stranger(&self) -> Person {
        self.person(self.other_organization, Role::Owner, &[])
    }

    pub(crate) fn person(
        &self,
        organization_id: OrganizationId,
        role: Role,
        grants: &[(Capability, &str)],
    ) -> Person {
        let id = UserId::mint(&SystemClock, &OsEntropy);
        let secret = |kind| mint(&Prefix::default(), kind, &OsEntropy);
        let (key, cookie) = (secret(SecretKind::LiveKey), secret(SecretKind::Session));
        let principal = Principal {
            user_id: id,
            organization_id,
            role,
            home: ResourcePath::home_of(id),
            grants: held(grants),
            narrowed_to: None,
            plan: self.plan.clone(),
            credential: CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy)),
            expires_at: None,
        };
        let signed_in = Principal {
            credential: CredentialRef::SessionCookie(SessionId::mint(&SystemClock, &OsEntropy)),
            ..principal.clone()
        };
        let digests = [key.digest(), cookie.digest()];
        let mut people = self.people.by_digest.lock().unwrap();
        people.insert(digests[0], principal);
        people.insert(digests[1], signed_in);
        Person {
            id,
            key: key.expose().to_owned(),
            cookie: cookie.expose().to_owned(),
            digests,
        }
    }

    /// Changes what is known of a person, for the key and the cookie.
    pub(crate) fn alter(&self, person: &Person, mut change: impl FnMut(&mut Principal)) {
        let mut people = self.people.by_digest.lock().unwrap();
        for digest in person.digests {
            change(people.get_mut(&digest).unwrap());
        }
    }

    pub(crate) fn grant(&self, person: &Person, grants: &[(Capability, &str)]) {
        self.alter(person, |principal| principal.grants = held(grants));
    }

    pub(crate) fn let_changes_fail(&self, fail: bool) {
        self.people.changes_fail.store(fail, Ordering::SeqCst);
    }

    /// Lets changes be noted, and no grants follow.
    pub(crate) fn let_following_fail(&self, fail: bool) {
        self.people.following_fails.store(fail, Ordering::SeqCst);
    }

    /// Does what the next start of the service does, and what a running one does every so often.
    pub(crate) async fn finish_outbox(&self) {
        self.sample.finish_outbox(&*self.people).await;
    }

    /// Lets there be a grant on a path that no caller could revoke.
    pub(crate) fn keep_grant(&self, path: &str) {
        self.people.kept.lock().unwrap().push(path.parse().unwrap());
    }

    /// Every move that the grants were told of.
    pub(crate) fn moved(&self) -> Vec<(String, String)> {
        self.people.moved.lock().unwrap().clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).expect("every body is JSON")
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A request with the person's key.
    pub(crate) async fn call(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", person.key));
        self.send(filled(request, &body)).await
    }

    /// A request with the person's cookie, from our own page.
    pub(crate) async fn browse(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", format!("__Host-vestibule={}", person.cookie))
            .header("origin", ORIGIN);
        self.send(filled(request, &body)).await
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Answer {
        self.call(person, "GET", path, Value::Null).await
    }

    /// The id of a folder at a path, walked down to by the owner of everything.
    pub(crate) async fn folder(&self, owner: &Person, path: &str) -> String {
        let mut parent: Option<String> = None;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let query = parent
                .as_ref()
                .map_or(String::new(), |id| format!("&parent_path_part_id={id}"));
            let list = self
                .get(owner, &format!("/v1/folders?limit=100{query}"))
                .await
                .expect(200);
            let items = list["items"].as_array().unwrap();
            let found = items.iter().find(|item| item["name"] == name);
            let id = if let Some(item) = found {
                text(&item["id"]).to_owned()
            } else {
                let body = serde_json::json!({"name": name, "parent_path_part_id": parent});
                let made = self.call(owner, "POST", "/v1/folders", body).await;
                text(&made.expect(201)["id"]).to_owned()
            };
            parent = Some(id);
        }
        parent.expect("a path below the root")
    }

    /// A new document, made by the owner of everything.
    pub(crate) async fn document(&self, owner: &Person, folder: &str, name: &str) -> String {
        let body =
            serde_json::json!({"name": name, "parent_path_part_id": folder, "content": "text"});
        let made = self.call(owner, "POST", "/v1/documents", body).await;
        text(&made.expect(201)["id"]).to_owned()
    }
}

pub(crate) fn held(grants: &[(Capability, &str)]) -> Arc<[HeldGrant]> {
    grants
        .iter()
        .map(|(capability, path)| HeldGrant {
            id: GrantId::mint(&SystemClock, &OsEntropy),
            through: None,
            path: path.parse().unwrap(),
            capability: *capability,
            can_approve: false,
        })
        .collect()
}

fn filled(request: axum::http::request::Builder, body: &Value) -> Request<Body> {
    if body.is_null() {
        request.body(Body::empty()).unwrap()
    } else {
        request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    }
}
