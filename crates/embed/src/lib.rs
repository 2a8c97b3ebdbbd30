//! Vestibule inside a Rust service: [`Embedded::open`] opens the store, the accounts, the core of
//! the check and the background duties from a database URL and a master key. Requests are then
//! checked in the process that answers them, without a server beside it.
//!
//! ```
#![doc = include_str!("../examples/embedded.rs")]
//! ```
//!
//! # Several processes
//! Any number of processes, servers of Vestibule among them, may have one database open. Each hears
//! the changes of the others: within 50 ms on SQLite, at once on PostgreSQL. A process that hears
//! nothing for 2 s stops using what it remembers, and asks the database for every request.
//!
//! # What has to hold
//! 1. There is one [`Embedded`] in a process. A second one would have a cache and allowances of its
//!    own; make a second [entry point](Embedded::entry_point) instead.
//! 2. Somebody waits for [`Embedded::failed`] and ends the process then: without its duties, what is
//!    promised of revocations, limits and the audit log does not hold.
//! 3. [`Embedded::close`] is called at the end. Otherwise the uses and denials of the last five
//!    seconds are not written down.

use std::num::NonZeroU32;
use std::sync::Arc;

use vestibule_accounts::{
    Accounts, Bridge, ClockTrust, Duties, Intervals, LoadKeyringError, OpenError, OpenParts,
    Operator, Shutdown, SignInLimits, Tasks, clock_behind,
};
use vestibule_check::{Core, EntryPoint, OwnOrigin};
use vestibule_credential::{HasherConfig, Issuer, Prefix};
use vestibule_model::session::Lifetimes;
use vestibule_model::{OsEntropy, Plan, PlanName, Plans, ProcessClock};
use vestibule_policy::RuleTable;
use vestibule_store::{Store, StoreError, StoreUrl, StoreUrlError};

pub use vestibule_accounts as accounts;
pub use vestibule_credential::{MasterKey, SealError};
pub use vestibule_layer as layer;

/// The number of API keys that one user may create in a day.
const API_KEYS_PER_DAY: NonZeroU32 = match NonZeroU32::new(1_000) {
    Some(count) => count,
    None => NonZeroU32::MIN,
};

/// Vestibule in this process.
#[derive(Debug)]
pub struct Embedded {
    accounts: Accounts,
    core: Core,
    operator: Operator,
    duties: Tasks,
    end: Shutdown,
}

/// An error in opening the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The URL is not that of a database.
    #[error("the database URL {0}")]
    Url(#[from] StoreUrlError),
    /// The database does not answer, or is not one of Vestibule.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing keys in the database were sealed with another master key.
    #[error("the master key does not belong to this database")]
    MasterKey,
    /// The clock is more than ten minutes behind the last audit record: keys and sessions that have
    /// expired would pass again.
    #[error("the clock of this machine is behind the last audit record")]
    ClockBehind,
    /// Any other failure of the accounts.
    #[error(transparent)]
    Accounts(#[from] vestibule_accounts::Error),
    /// The system starts no more threads.
    #[error("no thread can hash passwords: {0}")]
    Thread(std::io::Error),
}

impl From<OpenError> for EmbedError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Keyring(LoadKeyringError::MasterKey) => Self::MasterKey,
            OpenError::Keyring(LoadKeyringError::Failed(error)) => Self::Accounts(error),
            OpenError::Hasher(error) => Self::Thread(error),
        }
    }
}

impl Embedded {
    /// Opens the database at `url`, such as `sqlite:/var/lib/app/vestibule.db` or
    /// `postgres://user@host/database`; creates its tables or brings them up to this version; and
    /// starts the background duties on the current tokio runtime.
    ///
    /// There is one plan, `free`, without features or limits of its own.
    ///
    /// `master_key` seals the signing keys in the database. The one that made a database is the only
    /// one that opens it.
    ///
    /// # Errors
    /// Nothing runs in the background after one.
    pub async fn open(url: &str, master_key: MasterKey) -> Result<Self, EmbedError> {
        let store = Store::create(url.parse::<StoreUrl>()?).await?;
        store.migrate().await?;
        let clock = Arc::new(ProcessClock::start());
        // Before anything is written by this clock, a first signing key included.
        if clock_behind(&store, &*clock).await?.is_some() {
            return Err(EmbedError::ClockBehind);
        }
        let trust = ClockTrust::at_start(&store, &*clock).await?;
        let accounts = Accounts::open(OpenParts {
            store,
            master_key,
            issuer: Issuer {
                issuer: ISSUER.to_owned(),
                audience: ISSUER.to_owned(),
            },
            passwords: HasherConfig::default(),
            clock,
            entropy: Arc::new(OsEntropy),
            // An organisation names a plan, and one that is not there is refused.
            plans: Plans::new([Plan::bare(PlanName::default())]),
            lifetimes: Lifetimes::default(),
            prefix: Prefix::default(),
            sign_in_limits: SignInLimits::default(),
            api_keys_per_day: API_KEYS_PER_DAY,
        })
        .await?;
        let core = Core::new(accounts.core_parts());
        // Before the feed runs: a change that no bridge hears would stay unknown to the core.
        let bridge = Bridge::new(core.clone(), &accounts);
        accounts.store().attach(Arc::new(bridge));
        let (mut duties, end) = (Tasks::default(), Shutdown::new());
        Duties::new(accounts.clone(), core.clone(), Intervals::default(), trust).spawn_on(
            &mut duties,
            Duties::CHECKPOINTS,
            &end,
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever has the database and its master key is its operator"
        )]
        let operator = Operator::at_the_command_line();
        Ok(Self {
            accounts,
            core,
            operator,
            duties,
            end,
        })
    }

    /// Returns the operations on users, organisations, keys and grants.
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Returns the operator of this database, who may do what no caller may: create users and
    /// organisations, and act in each of them.
    pub const fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Returns the core of the check.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// Returns a new entry point for a service with these rules, whose pages have this origin. All
    /// entry points share what is remembered of callers, and limits of the same name.
    pub fn entry_point(&self, rules: RuleTable, origin: OwnOrigin) -> EntryPoint {
        self.core.entry_point(rules, origin)
    }

    /// Waits until a background duty has ended before [`close`](Self::close), which none does
    /// without a defect or a database file that was replaced. Returns its name.
    pub async fn failed(&mut self) -> &'static str {
        self.duties.one_ended().await
    }

    /// Ends the duties in order: writes down the last uses and denials, and closes the database.
    /// Requests that are still answered are answered 503 from then on.
    pub async fn close(self) {
        self.end.begin();
        self.duties.all_ended().await;
        self.accounts.store().empty_log_and_close().await;
        tracing::debug!("the database is closed");
    }
}

/// The issuer of access tokens. A service that gives none to its users never shows it.
const ISSUER: &str = "urn:vestibule:embedded";
