//! Who gets what: store, accounts, check, routes, layers.

mod clock;
mod databases;
mod description;

use std::sync::Arc;

use axum::Router;
use vestibule_accounts::{Accounts, Bridge, ClockTrust, KeyringError, OpenError, OpenParts};
use vestibule_api::ApiState;
use vestibule_check::{Core, CoreParts, EntryPoint, Limiter, OwnOrigin};
use vestibule_credential::keyring::Issuer;
use vestibule_federation::{Sso, SsoParts};
use vestibule_http::SessionCookie;
use vestibule_layer::ResourceChanges;
use vestibule_model::{OsEntropy, ProcessClock};
use vestibule_outbound::{Outbound, SystemResolver};
use vestibule_policy::RuleTable;
use vestibule_sample::Sample;
use vestibule_sso::Party;
use vestibule_store::{Store, StoreUrl};
use vestibule_web::{Look, Web, WebParts};

pub use self::clock::OldClock;
pub use self::databases::{Tables, sample, store};
pub use self::description::openapi;
use crate::failure::Failure;
use crate::sample::{FollowingGrants, Lists};
use crate::stack::Stack;
use crate::telemetry::{Metrics, Requests};
use vestibule_config::{PublicUrl, Settings};

/// A server that only lacks its listeners.
pub struct Wired {
    /// All operations.
    pub accounts: Accounts,
    /// The core of the check, for the background duties.
    pub core: Core,
    /// The layers around every request.
    pub stack: Stack,
    /// The metrics that `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// The sample API, where it is served.
    pub sample: Option<Sample>,
    /// The link by which grants follow the sample's resources.
    pub changes: Arc<dyn ResourceChanges>,
    /// The time of this process, for all that it does.
    pub clock: Arc<ProcessClock>,
    /// Trust in that time.
    pub clock_trust: ClockTrust,
    /// The limiter of sign-ins started at providers, where single sign-on is enabled.
    pub sso_starts: Option<Arc<Limiter>>,
}

/// The operations on a store, and the keyring that they share with the check.
pub struct Opened {
    /// All operations.
    pub accounts: Accounts,
    clock: Arc<ProcessClock>,
}

/// The operations on the store of these settings, which has to be there and migrated: this makes
/// none, so that a command in the wrong folder does not leave an empty one.
pub async fn accounts(settings: &Settings, public_url: &PublicUrl) -> Result<Opened, Failure> {
    databases::refuse_missing_file(settings)?;
    // Before the store is opened: what is wrong in the configuration is told first.
    settings.master_key()?;
    let store = databases::store(settings, Tables::Expect).await?;
    let clock = Arc::new(ProcessClock::start());
    accounts_on(store, settings, public_url, clock).await
}

async fn accounts_on(
    store: Store,
    settings: &Settings,
    public_url: &PublicUrl,
    clock: Arc<ProcessClock>,
) -> Result<Opened, Failure> {
    let master_key = settings.master_key()?;
    let issuer = match &settings.issuer {
        Some(issuer) => issuer.clone(),
        None => public_url.as_str().to_owned(),
    };
    let accounts = Accounts::open(OpenParts {
        store,
        master_key,
        issuer: Issuer {
            audience: issuer.clone(),
            issuer,
        },
        passwords: settings.passwords,
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        plans: settings.plans.clone(),
        lifetimes: settings.lifetimes,
        prefix: settings.prefix.clone(),
        sign_in_limits: settings.sign_in,
        api_keys_per_day: settings.api_keys_per_day,
    });
    let accounts = accounts.await.map_err(|error| match error {
        OpenError::Keyring(KeyringError::MasterKey) => wrong_master_key(&settings.store),
        OpenError::Keyring(KeyringError::Failed(error)) => error.into(),
        OpenError::Hasher(error) => {
            Failure::failed(format!("No thread can hash passwords: {error}."))
        }
    })?;
    Ok(Opened { accounts, clock })
}

fn wrong_master_key(url: &StoreUrl) -> Failure {
    Failure::usage(format!(
        "keys.master_key does not open the database {url}, which was sealed with another one."
    ))
    .reason("wrong_master_key")
    .field("keys.master_key")
    .hint(
        "Name the key that belongs to this database with keys.master_key_file, or the database \
         that belongs to this key with store.url.",
    )
}

/// Single sign-on for these accounts. A server makes one: its limiter counts for all entry points.
pub fn sso(
    settings: &Settings,
    accounts: &Accounts,
    public_url: &PublicUrl,
) -> Result<Sso, Failure> {
    let resolver = Arc::new(SystemResolver::new());
    let outbound = Outbound::new(settings.sso.outbound.clone(), resolver)
        .map_err(|error| Failure::usage(format!("sso.extra_ca is {error}.")))?;
    let parts = SsoParts {
        party: Party {
            clock: accounts.shared_clock(),
            ..Party::new(outbound)
        },
        public_url: public_url.as_str().to_owned(),
        starts_per_address: settings.sso.starts_per_address,
    };
    Ok(Sso::new(accounts.clone(), parts))
}

/// Everything but the listeners.
pub async fn server(
    settings: &Settings,
    public_url: &PublicUrl,
    tables: Tables,
    old_clock: OldClock,
) -> Result<Wired, Failure> {
    settings.master_key()?;
    let store = databases::store(settings, tables).await?;
    let clock = Arc::new(ProcessClock::start());
    // Before anything is written, a first signing key included.
    let clock_trust = old_clock.judge(&store, &*clock).await?;
    let Opened { accounts, clock } = accounts_on(store, settings, public_url, clock).await?;
    let sample = databases::sample(settings, tables).await?;
    let sample = sample.map(|sample| {
        let store = accounts.store().clone();
        sample
            .with_clock(accounts.shared_clock())
            .refusing_writes_while(move || store.has_reserved_room())
    });
    let look = Look::new(settings.brand.clone());
    let Routed {
        router,
        table,
        sso_starts,
    } = routes(
        settings,
        &accounts,
        public_url,
        look.clone(),
        sample.clone(),
    )?;
    let entry_point = entry_point(settings, &accounts, table, public_url);
    let core = entry_point.core();
    let requests = Arc::new(Requests::default());
    let store = accounts.store();
    let metrics = Metrics::new(
        core.clone(),
        Arc::clone(&requests),
        Arc::clone(&clock),
        store.clone(),
    );
    store.attach(Arc::new(Bridge::new(core.clone(), &accounts)));
    store.attach(metrics.clone());
    let stack = Stack {
        entry_point,
        router,
        trusted_proxies: Arc::new(settings.server.trusted_proxies.clone()),
        requests,
        https: public_url.is_https(),
        look,
    };
    Ok(Wired {
        changes: Arc::new(FollowingGrants::new(accounts.clone())),
        accounts,
        core,
        stack,
        metrics,
        sample,
        clock,
        clock_trust,
        sso_starts,
    })
}

/// Returns the entry point of a server with these settings.
pub fn entry_point(
    settings: &Settings,
    accounts: &Accounts,
    table: RuleTable,
    public_url: &PublicUrl,
) -> EntryPoint {
    let core = Core::new(CoreParts {
        cache: settings.cache,
        body_bytes: settings.server.body_bytes,
        ..accounts.core_parts()
    });
    let origin = OwnOrigin::from(public_url.origin().clone());
    core.entry_point(table, origin)
        .with_cookie_name(settings.cookie_name.clone())
}

/// All routes with their rules.
pub struct Routed {
    /// The routes.
    pub router: Router,
    /// The rules of the routes.
    pub table: RuleTable,
    /// The limiter of sign-ins started at providers, where single sign-on is enabled.
    pub sso_starts: Option<Arc<Limiter>>,
}

/// All routes with their rules, those of the sample among them where it is served.
pub fn routes(
    settings: &Settings,
    accounts: &Accounts,
    public_url: &PublicUrl,
    look: Look,
    sample: Option<Sample>,
) -> Result<Routed, Failure> {
    let cookie = SessionCookie {
        name: settings.cookie_name.clone(),
        max_age: settings.lifetimes.session_absolute.as_secs(),
    };
    let document = openapi(settings.sample.enabled);
    let single_sign_on = if settings.sso.enabled {
        Some(sso(settings, accounts, public_url)?)
    } else {
        None
    };
    let sso_starts = single_sign_on.as_ref().map(Sso::starts);
    let state = ApiState::new(accounts.clone(), cookie.clone(), &document);
    let mut state = state.map_err(Failure::defect)?;
    if let Some(sso) = &single_sign_on {
        state = state.with_sso(sso.clone());
    }
    if let Some(sample) = &sample {
        state = state.with_path_parts(Arc::new(sample.clone()));
    }
    let mut routes = vestibule_api::routes(state);
    if let Some(sample) = &sample {
        let moves = Arc::new(FollowingGrants::new(accounts.clone()));
        routes = routes.merge(sample.routes(moves));
    }
    let web = Web::new(WebParts {
        accounts: accounts.clone(),
        sso: single_sign_on,
        public_url: public_url.as_str().to_owned(),
        cookie,
        look,
        sample: sample.map(|sample| Arc::new(Lists(sample)) as _),
        clock: accounts.shared_clock(),
    });
    let routes = routes.merge(vestibule_web::routes(web));
    let (router, table) = routes.into_parts().map_err(Failure::defect)?;
    Ok(Routed {
        router,
        table,
        sso_starts,
    })
}
