//! What all operations share.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::{Mutex, Notify};
use vestibule_check::Limiter;
use vestibule_credential::{Keyring, MasterKey, PasswordHasher, Prefix};
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    Actor, AuditId, AuditRecord, Clock, Entropy, OrganizationId, Plans, Timestamp,
};
use vestibule_store::{Store, Write};

use crate::organization::NO_ORGANIZATION;
use crate::sign_in::SignInLimits;
use crate::{Caller, Result, StoreDirectory};

/// What [`Accounts`] is made of.
pub struct AccountsParts {
    /// Where everything is kept.
    pub store: Store,
    /// The keyring that the check verifies with, too. [`KeyringParts::load_or_create`] makes the
    /// first one.
    ///
    /// [`KeyringParts::load_or_create`]: crate::KeyringParts::load_or_create
    pub keyring: Arc<ArcSwap<Keyring>>,
    /// What signing keys are sealed with.
    pub master_key: MasterKey,
    /// The threads that hash passwords.
    pub hasher: PasswordHasher,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where secrets and ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// The plans of the configuration.
    pub plans: Arc<Plans>,
    /// How long sessions and tokens live.
    pub lifetimes: Lifetimes,
    /// What every secret of this installation begins with.
    pub prefix: Prefix,
    /// How many sign-ins may be tried.
    pub sign_in_limits: SignInLimits,
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
    pub(crate) sign_ins_by_address: Limiter,
    pub(crate) sign_ins_by_email: Limiter,
    /// How often one address may begin a sign-in through a provider, once single sign-on is set
    /// up.
    pub(crate) sso_starts: OnceLock<Limiter>,
    /// Told when the keyring in the store may be another than the one in memory.
    pub(crate) keyring_moved: Arc<Notify>,
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
            sign_ins_by_address: limits.by_address(),
            sign_ins_by_email: limits.by_email(),
            sso_starts: OnceLock::new(),
            keyring_moved: Arc::default(),
            keyring_reading: Mutex::default(),
        }))
    }

    /// Who a credential is, straight from the store, for the check.
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

    /// How long sessions and tokens live.
    pub fn lifetimes(&self) -> &Lifetimes {
        &self.0.lifetimes
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    pub(crate) async fn begin(&self) -> Result<Write> {
        Ok(self.0.store.begin().await?)
    }

    /// A transaction in which what is counted in the organisation stays true, and in which the
    /// caller may still do what the permit says.
    pub(crate) async fn begin_locked(&self, caller: &Caller) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// [`begin_locked`](Self::begin_locked) where the sessions of others may be ended because the
    /// organisation demands its provider, or is about to. Its people are held before the caller,
    /// who is one of them: in one order, so that no two transactions wait for each other.
    pub(crate) async fn begin_holding_people(
        &self,
        caller: &Caller,
        about_to_demand: bool,
    ) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        let scope = caller.scope();
        if about_to_demand || write.sso_policy(scope).await?.enforced_since.is_some() {
            write.hold_people(scope).await?;
        }
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// A transaction in which what is counted in the organisation stays true.
    pub(crate) async fn begin_counting(&self, caller: &Caller) -> Result<Write> {
        let mut write = self.begin().await?;
        if write.lock_organization(caller.scope()).await? {
            Ok(write)
        } else {
            Err(NO_ORGANIZATION)
        }
    }

    /// Refuses a caller who has lost since what the permit was given for.
    pub(crate) async fn still_stands(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        caller
            .still_stands(write, self.now(), &self.0.lifetimes)
            .await
    }

    /// Commits with the record of what `caller` did in the organisation of the call.
    pub(crate) async fn commit(
        &self,
        write: Write,
        caller: &Caller,
        kind: &'static str,
        subject: String,
        details: &Value,
    ) -> Result<()> {
        let organization = Some(caller.organization_id());
        self.commit_as(write, caller.actor(), organization, kind, subject, details)
            .await
    }

    /// Commits with the record of what `actor` did.
    pub(crate) async fn commit_as(
        &self,
        write: Write,
        actor: &Actor,
        organization_id: Option<OrganizationId>,
        kind: &'static str,
        subject: String,
        details: &Value,
    ) -> Result<()> {
        let record = self.record(actor, organization_id, kind, Some(subject), details);
        Ok(write.commit(record).await?)
    }

    /// The record of what `actor` does now. `details` never holds a secret.
    pub(crate) fn record(
        &self,
        actor: &Actor,
        organization_id: Option<OrganizationId>,
        kind: &'static str,
        subject: Option<String>,
        details: &Value,
    ) -> AuditRecord {
        AuditRecord {
            id: AuditId::mint(self.clock(), self.entropy()),
            at: self.now(),
            organization_id,
            actor: actor.clone(),
            kind,
            subject,
            details: details.to_string(),
        }
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
