//! The construction of a server: store, accounts, check, routes, layers.

mod accounts;
mod clock;
mod databases;
mod description;
mod plan_names;
mod routes;

use std::sync::Arc;

use vestibule_accounts::{Accounts, Bridge, ClockTrust};
use vestibule_check::{Core, CoreParts, EntryPoint, Limiter, OwnOrigin};
use vestibule_config::{PublicUrl, Settings};
use vestibule_layer::ResourceChanges;
use vestibule_model::ProcessClock;
use vestibule_policy::RuleTable;
use vestibule_sample::Sample;
use vestibule_web::Look;

pub use self::accounts::{Opened, accounts, sso};
pub use self::clock::OldClock;
pub use self::databases::{Tables, sample, store};
pub use self::description::openapi;
pub use self::plan_names::plan_names;
pub use self::routes::{Routed, routes};
use crate::failure::Failure;
use crate::sample::FollowingGrants;
use crate::stack::Stack;
use crate::telemetry::{Metrics, Requests};

/// A server that only lacks its listeners.
pub struct Wired {
    /// All operations.
    pub accounts: Accounts,
    /// The core of the check, for the background duties.
    pub core: Core,
    /// The layers that every request passes.
    pub stack: Stack,
    /// The numbers behind `/metrics`.
    pub metrics: Arc<Metrics>,
    /// The sample API, if it is served.
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

/// Builds everything but the listeners. The configuration is checked before the store is opened, and
/// the clock before anything is written.
///
/// # Errors
/// With the code for a wrong configuration if the master key, the database or the clock is not the
/// right one.
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
    let Opened { accounts, clock } = accounts::on_store(store, settings, public_url, clock).await?;
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
