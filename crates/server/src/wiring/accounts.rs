//! The operations on a store, for a server and for single commands.

use std::sync::Arc;

use vestibule_accounts::{Accounts, LoadKeyringError, OpenError, OpenParts};
use vestibule_config::{PublicUrl, Settings};
use vestibule_credential::keyring::Issuer;
use vestibule_federation::{Sso, SsoParts};
use vestibule_model::{OsEntropy, ProcessClock};
use vestibule_outbound::{Outbound, SystemResolver};
use vestibule_sso::Party;
use vestibule_store::{Store, StoreUrl};

use super::databases::{Tables, refuse_missing_file, store};
use crate::failure::Failure;

/// The operations on a store, and the clock that they go by.
pub struct Opened {
    /// All operations.
    pub accounts: Accounts,
    pub(super) clock: Arc<ProcessClock>,
}

/// Opens the store of these settings for the operations on it.
///
/// The store has to exist and to be migrated: a command in the wrong folder must not leave an empty
/// one there.
pub async fn accounts(settings: &Settings, public_url: &PublicUrl) -> Result<Opened, Failure> {
    refuse_missing_file(settings)?;
    // Before the store is opened: what is wrong in the configuration is told first.
    settings.master_key()?;
    let store = store(settings, Tables::Expect).await?;
    let clock = Arc::new(ProcessClock::start());
    on_store(store, settings, public_url, clock).await
}

pub(super) async fn on_store(
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
        OpenError::Keyring(LoadKeyringError::MasterKey) => wrong_master_key(&settings.store),
        OpenError::Keyring(LoadKeyringError::Failed(error)) => error.into(),
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
