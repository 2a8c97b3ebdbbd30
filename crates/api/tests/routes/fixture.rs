//! A server in this process, with two organisations of Ada's, one of which Grace uses too, and one
//! of Charles's, whom nobody knows.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use vestibule_accounts::{
    Accounts, AccountsParts, Bridge, Caller, KeyringParts, NewApiKey, NewOrganization, NewUser,
    Operator, SignInLimits,
};
use vestibule_api::ApiState;
use vestibule_check::{CacheBounds, Core, CoreParts, EntryPoint, OwnOrigin};
use vestibule_credential::{HasherConfig, Issuer, Keyring, MasterKey, PasswordHasher, Prefix};
use vestibule_federation::{Sso, SsoParts};
use vestibule_http::SessionCookie;
use vestibule_layer::{CheckService, EntryPointExt as _, PathParts};
use vestibule_model::clock::ManualClock;
use vestibule_model::session::Lifetimes;
use vestibule_model::{Organization, OsEntropy, Plan, Plans, Role, Timestamp, User};
use vestibule_outbound::{Config, FixedResolver, Outbound};
use vestibule_policy::RuleTable;
use vestibule_sso::Party;
use vestibule_store::{Store, StoreUrl};

#[expect(
    clippy::disallowed_methods,
    reason = "a test does what commands of the binary do"
)]
pub(crate) const OPERATOR: Operator = Operator::at_the_command_line();

/// Where our own pages are.
pub(crate) const OUR_ORIGIN: &str = "https://app.example.com";

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// See the module.
pub(crate) struct Fixture {
    pub(crate) accounts: Accounts,
    pub(crate) sso: Sso,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ada: User,
    pub(crate) grace: User,
    /// On the plan `team`, which has the feature `agents`: Ada owns it, Grace is a user of it.
    pub(crate) engines: Organization,
    /// On the plan `free`: Ada owns it.
    pub(crate) difference: Organization,
    /// Charles's.
    pub(crate) foreign: Organization,
    entry_point: EntryPoint,
    service: CheckService<Router>,
    _directory: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON, with the members of objects in the order of their names, which is
    /// otherwise up to what else is built along.
    pub(crate) fn json(&self) -> Value {
        let mut json: Value = serde_json::from_str(&self.text).unwrap();
        json.sort_all_objects();
        json
    }

    /// A text of the body, by its JSON pointer.
    pub(crate) fn text_at(&self, pointer: &str) -> String {
        let json = self.json();
        let found = json.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("no {pointer} in {json}"))
            .to_owned()
    }

    /// Status and reason, which say all of most refusals.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.text_at("/reason"))
    }

    /// A header's text.
    pub(crate) fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.headers.get(name.into())?.to_str().ok()
    }

    /// The names and values of the cookies that the answer sets, as a browser sends them.
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers.get_all(SET_COOKIE).into_iter();
        let pairs = set.map(|value| value.to_str().unwrap().split(';').next().unwrap());
        let pairs: Vec<_> = pairs.collect();
        assert!(!pairs.is_empty(), "no cookie is set");
        pairs.join("; ")
    }
}

/// A request in the making.
pub(crate) struct Call<'h> {
    fixture: &'h Fixture,
    request: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: impl Into<HeaderName>, value: &str) -> Self {
        self.request = self.request.header(name.into(), value);
        self
    }

    /// With an API key or an access token.
    pub(crate) fn bearer(self, credential: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {credential}"))
    }

    /// From a page of ours, with what [`Answer::cookie`] gave.
    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.header(COOKIE, cookie).header(ORIGIN, OUR_ORIGIN)
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header(CONTENT_TYPE, "application/json")
    }

    /// With this body, of whatever type a header says.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        // So that the check can tell that a body follows, as hyper does.
        let request = with_length(request);
        let Ok(response) = self.fixture.service.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

fn with_length(mut request: Request<Body>) -> Request<Body> {
    use axum::body::HttpBody;
    let length = request.body().size_hint().exact().unwrap_or(0);
    if length > 0 {
        let headers = request.headers_mut();
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    request
}

fn plans() -> Plans {
    let team = Plan {
        features: ["agents".to_owned()].into(),
        seats: Some(10),
        limits: [("requests_per_minute".to_owned(), 6_000)].into(),
        ..Plan::bare("team".parse().unwrap())
    };
    Plans::new([team, Plan::bare("free".parse().unwrap())])
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(None).await
    }

    /// One whose resources have ids.
    pub(crate) async fn with_path_parts(path_parts: Arc<dyn PathParts>) -> Self {
        Self::with(Some(path_parts)).await
    }

    async fn with(path_parts: Option<Arc<dyn PathParts>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite(directory.path().join("vestibule.db"));
        let store = Store::create(url).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let (accounts, keyring) = accounts(store, &clock).await;
        let sso = sso(&accounts, &clock);
        let (entry_point, service) = open(&accounts, &sso, path_parts, keyring, &clock);

        let ada = user(&accounts, "ada@example.com", "Ada", "Lovelace").await;
        let grace = user(&accounts, "grace@example.com", "Grace", "Hopper").await;
        let charles = user(&accounts, "charles@example.com", "Charles", "Babbage").await;
        let engines = organization(&accounts, "Analytical Engines", "team", &ada).await;
        clock.advance(Duration::from_secs(1));
        let difference = organization(&accounts, "Difference", "free", &ada).await;
        let foreign = organization(&accounts, "Foreign", "free", &charles).await;
        accounts
            .add_member(
                &Caller::operator(&OPERATOR, engines.id),
                grace.id,
                Role::User,
            )
            .await
            .unwrap();
        Self {
            accounts,
            sso,
            clock,
            ada,
            grace,
            engines,
            difference,
            foreign,
            entry_point,
            service,
            _directory: directory,
        }
    }

    /// The rules of all routes.
    pub(crate) fn table(&self) -> impl std::ops::Deref<Target = RuleTable> + use<> {
        self.entry_point.rules()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            fixture: self,
            request: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call("POST", path)
    }

    /// A key with all its owner's rights.
    pub(crate) async fn key(&self, organization: &Organization, owner: &User) -> String {
        let new = NewApiKey::named("key".parse().unwrap());
        let made = self
            .accounts
            .create_api_key_for(&OPERATOR, organization.id, owner.id, new)
            .await;
        made.unwrap().secret.expose().to_owned()
    }

    /// A new access token.
    pub(crate) async fn token(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.post("/v1/auth/pw/signin").json(&body).send().await;
        answer.text_at("/access_token")
    }

    /// A new session cookie.
    pub(crate) async fn cookie(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let call = self.post("/api/auth/sign-in").header(ORIGIN, OUR_ORIGIN);
        call.json(&body).send().await.cookie()
    }
}

async fn accounts(store: Store, clock: &Arc<ManualClock>) -> (Accounts, Arc<ArcSwap<Keyring>>) {
    let master_key = MasterKey::generate(&OsEntropy);
    let lifetimes = Lifetimes::default();
    let keyring = KeyringParts {
        store: &store,
        master_key: &master_key,
        issuer: Issuer {
            issuer: OUR_ORIGIN.to_owned(),
            audience: OUR_ORIGIN.to_owned(),
        },
        lifetimes: &lifetimes,
    };
    let keyring = keyring.load_or_create(clock.as_ref(), &OsEntropy).await;
    let five = NonZeroU32::new(5).unwrap();
    let hasher = HasherConfig {
        threads: 1,
        queue: 64,
        nice: 0,
    };
    let keyring = Arc::new(ArcSwap::from_pointee(keyring.unwrap()));
    let accounts = Accounts::new(AccountsParts {
        keyring: Arc::clone(&keyring),
        store,
        master_key,
        hasher: PasswordHasher::start(hasher).unwrap(),
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        plans: Arc::new(plans()),
        lifetimes,
        prefix: Prefix::default(),
        sign_in_limits: SignInLimits {
            per_address: five,
            per_email: five,
        },
        api_keys_per_day: NonZeroU32::new(100).unwrap(),
    });
    (accounts, keyring)
}

/// Providers may be on this machine.
fn sso(accounts: &Accounts, clock: &Arc<ManualClock>) -> Sso {
    let outbound = Config::default().allow_loopback();
    let party = Party {
        clock: clock.clone(),
        ..Party::new(Outbound::new(outbound, Arc::new(FixedResolver::new())).unwrap())
    };
    let parts = SsoParts {
        party,
        public_url: OUR_ORIGIN.to_owned(),
        starts_per_address: SsoParts::STARTS_PER_ADDRESS,
    };
    Sso::new(accounts.clone(), parts)
}

fn open(
    accounts: &Accounts,
    sso: &Sso,
    path_parts: Option<Arc<dyn PathParts>>,
    keyring: Arc<ArcSwap<Keyring>>,
    clock: &Arc<ManualClock>,
) -> (EntryPoint, CheckService<Router>) {
    let cookie = SessionCookie {
        name: vestibule_check::DEFAULT_COOKIE_NAME.to_owned(),
        max_age: accounts.lifetimes().session_absolute.as_secs(),
    };
    let state = ApiState::new(accounts.clone(), cookie, &vestibule_api::openapi()).unwrap();
    let mut state = state.with_sso(sso.clone());
    state.path_parts = path_parts;
    let (router, table) = vestibule_api::routes(state).into_parts().unwrap();
    let core = Core::new(CoreParts {
        plans: plans(),
        directory: Arc::new(accounts.directory()),
        keyring: Some(keyring),
        prefix: Prefix::default(),
        cache: CacheBounds::default(),
        body_bytes: CoreParts::BODY_BYTES,
        clock: clock.clone(),
    });
    let bridge = Bridge::new(core.clone(), accounts);
    accounts.store().attach(Arc::new(bridge));
    let entry_point = core.entry_point(table, OUR_ORIGIN.parse::<OwnOrigin>().unwrap());
    let service = entry_point.guard(router);
    (entry_point, service)
}

async fn user(accounts: &Accounts, email: &str, first: &str, last: &str) -> User {
    let new = NewUser {
        email: email.parse().unwrap(),
        first_name: Some(first.parse().unwrap()),
        last_name: Some(last.parse().unwrap()),
        password: Some(PASSWORD.to_owned().try_into().unwrap()),
    };
    accounts.create_user(&OPERATOR, new).await.unwrap()
}

async fn organization(accounts: &Accounts, name: &str, plan: &str, owner: &User) -> Organization {
    let new = NewOrganization {
        name: name.parse().unwrap(),
        plan: plan.parse().unwrap(),
        owner: owner.id,
    };
    accounts.create_organization(&OPERATOR, new).await.unwrap()
}
