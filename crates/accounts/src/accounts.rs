//! What all operations share.

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use vestibule_check::Limiter;
use vestibule_credential::{Keyring, MasterKey, PasswordHasher, Prefix};
use vestibule_model::session::Lifetimes;
use vestibule_model::{Clock, Entropy, Plans, Timestamp};
use vestibule_store::Store;

use crate::StoreDirectory;
use crate::bridge::KeyringWatch;
use crate::sign_in::SignInLimits;
use crate::strangers::Strangers;
use crate::turns::Turns;

/// The parts of [`Accounts`].
pub struct AccountsParts {
    /// The store of everything.
    pub store: Store,
    /// The keyring that the check verifies with, too. [`KeyringParts::load_or_create`] makes the
    /// first one.
    ///
    /// [`KeyringParts::load_or_create`]: crate::KeyringParts::load_or_create
    pub keyring: Arc<ArcSwap<Keyring>>,
    /// The key that seals signing keys.
    pub master_key: MasterKey,
    /// The threads that hash passwords.
    pub hasher: PasswordHasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of secrets and ids.
    pub entropy: Arc<dyn Entropy>,
    /// The plans of the configuration.
    pub plans: Arc<Plans>,
    /// The lifetimes of sessions and tokens.
    pub lifetimes: Lifetimes,
    /// The prefix of every secret of this installation.
    pub prefix: Prefix,
    /// The limits on attempts to sign in.
    pub sign_in_limits: SignInLimits,
    /// The number of API keys that one user may create in a day.
    pub api_keys_per_day: NonZeroU32,
}

/// All operations. Cloning is cheap.
#[derive(Clone)]
pub struct Accounts(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) keyring: Arc<ArcSwap<Keyring>>,
    pub(crate) master_key: MasterKey,
    pub(crate) hasher: PasswordHasher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) prefix: Prefix,
    pub(crate) api_keys_per_day: NonZeroU32,
    pub(crate) sign_ins_by_address: Limiter,
    pub(crate) sign_ins_by_email: Limiter,
    /// The line in which strangers wait for their turn to write.
    pub(crate) strangers: Strangers,
    /// The lines in which those of each organisation wait for their turn to write.
    pub(crate) turns: Turns,
    /// Told when the keyring in the store may be another than the one in memory.
    pub(crate) keyring_watch: Arc<KeyringWatch>,
    /// Held while the keyring is read and swapped, so that an older reading never comes last.
    pub(crate) keyring_reading: Mutex<()>,
}

impl Accounts {
    /// The operations on a store.
    pub fn new(parts: AccountsParts) -> Self {
        let limits = parts.sign_in_limits;
        Self(Arc::new(Inner {
            store: parts.store,
            keyring: parts.keyring,
            master_key: parts.master_key,
            hasher: parts.hasher,
            clock: parts.clock,
            entropy: parts.entropy,
            plans: parts.plans,
            lifetimes: parts.lifetimes,
            prefix: parts.prefix,
            api_keys_per_day: parts.api_keys_per_day,
            sign_ins_by_address: limits.by_address(),
            sign_ins_by_email: limits.by_email(),
            strangers: Strangers::default(),
            turns: Turns::default(),
            keyring_watch: Arc::new(KeyringWatch::new()),
            keyring_reading: Mutex::default(),
        }))
    }

    /// Returns the directory that resolves credentials straight from the store, for the check.
    pub fn directory(&self) -> StoreDirectory {
        StoreDirectory::new(
            self.0.store.clone(),
            Arc::clone(&self.0.clock),
            Arc::clone(&self.0.plans),
            self.0.lifetimes,
        )
    }

    /// The store, for what is not an operation: its feed, its migrations, its health.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The keyring of this moment.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.0.keyring.load_full()
    }

    /// The plans of the configuration.
    pub fn plans(&self) -> &Plans {
        &self.0.plans
    }

    /// The lifetimes of sessions and tokens.
    pub fn lifetimes(&self) -> &Lifetimes {
        &self.0.lifetimes
    }

    /// The time by the clock that all operations go by.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock that all operations go by, for what is beside them.
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// The clock that all operations go by.
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// The source of secrets and of the random part of ids.
    pub fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("store", &self.0.store)
            .field("lifetimes", &self.0.lifetimes)
            .finish_non_exhaustive()
    }
}
