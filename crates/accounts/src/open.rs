//! The way from a store and a master key to [`Accounts`].

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use vestibule_check::CoreParts;
use vestibule_credential::{HasherConfig, Issuer, MasterKey, PasswordHasher, Prefix};
use vestibule_model::session::Lifetimes;
use vestibule_model::{Clock, Entropy, Plans};
use vestibule_store::Store;

use crate::sign_in::SignInLimits;
use crate::{Accounts, AccountsParts, KeyringParts, LoadKeyringError};

/// The parts that [`Accounts::open`] needs.
pub struct OpenParts {
    /// The store, migrated.
    pub store: Store,
    /// The key that the signing keys are sealed with.
    pub master_key: MasterKey,
    /// The issuer and the audience of access tokens.
    pub issuer: Issuer,
    /// The threads that hash passwords.
    pub passwords: HasherConfig,
    /// The clock that all operations go by.
    pub clock: Arc<dyn Clock>,
    /// The source of secrets and of the random part of ids.
    pub entropy: Arc<dyn Entropy>,
    /// The plans of the configuration.
    pub plans: Plans,
    /// The lifetimes of sessions and tokens.
    pub lifetimes: Lifetimes,
    /// The text that every secret of this installation begins with.
    pub prefix: Prefix,
    /// The number of sign-ins that may be tried.
    pub sign_in_limits: SignInLimits,
    /// The number of API keys that one user may create in a day.
    pub api_keys_per_day: NonZeroU32,
}

/// An error in opening accounts.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The signing keys were not loaded.
    #[error(transparent)]
    Keyring(#[from] LoadKeyringError),
    /// The system starts no thread that hashes passwords.
    #[error("no thread can hash passwords: {0}")]
    Hasher(#[from] std::io::Error),
}

impl Accounts {
    /// Loads the signing keys, with a first one if there was none, starts the threads that hash
    /// passwords, and returns the operations on the store.
    ///
    /// # Errors
    /// [`LoadKeyringError::MasterKey`] where the signing keys were sealed with another master key.
    pub async fn open(parts: OpenParts) -> Result<Self, OpenError> {
        let keyring = KeyringParts {
            store: &parts.store,
            master_key: &parts.master_key,
            issuer: parts.issuer,
            lifetimes: &parts.lifetimes,
        };
        let keyring = keyring.load_or_create(&*parts.clock, &*parts.entropy);
        let keyring = keyring.await?;
        Ok(Self::new(AccountsParts {
            store: parts.store,
            keyring: Arc::new(ArcSwap::from_pointee(keyring)),
            master_key: parts.master_key,
            hasher: PasswordHasher::start(parts.passwords)?,
            clock: parts.clock,
            entropy: parts.entropy,
            plans: Arc::new(parts.plans),
            lifetimes: parts.lifetimes,
            prefix: parts.prefix,
            sign_in_limits: parts.sign_in_limits,
            api_keys_per_day: parts.api_keys_per_day,
        }))
    }

    /// Returns the parts of a core that asks these accounts, with the defaults for its bounds. A
    /// core that remembers callers hears of changes through a [`Bridge`](crate::Bridge).
    pub fn core_parts(&self) -> CoreParts {
        CoreParts {
            plans: self.plans().clone(),
            // Shared, not copied: a rotation swaps the keyring for the check, too.
            keyring: Some(Arc::clone(&self.0.keyring)),
            prefix: self.0.prefix.clone(),
            clock: self.shared_clock(),
            ..CoreParts::new(Arc::new(self.directory()))
        }
    }
}
