//! [`Sso`], and what it is made of.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use vestibule_accounts::{Accounts, Result};
use vestibule_check::Limiter;
use vestibule_model::{ConnectionId, OrgScope, SsoConnection};
use vestibule_sso::Party;
use vestibule_store::ConnectionSecrets;

use crate::NO_CONNECTION;
use crate::setup::version::Providers;

/// What [`Sso`] is made of.
pub struct SsoParts {
    /// The way to providers, with time, randomness and what is remembered of them.
    pub party: Party,
    /// What this server is called by browsers, as `https://auth.example.com`.
    pub public_url: String,
    /// How many sign-ins one address may begin in a minute. Applications begin sign-ins for all
    /// their people from one address.
    pub starts_per_address: NonZeroU32,
}

impl SsoParts {
    /// The usual number of sign-ins that one address may begin in a minute.
    pub const STARTS_PER_ADDRESS: NonZeroU32 = match NonZeroU32::new(600) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    };
}

/// All operations of single sign-on. Cloning is cheap.
#[derive(Clone)]
pub struct Sso(Arc<Inner>);

struct Inner {
    accounts: Accounts,
    party: Party,
    public_url: String,
    providers: Providers,
    starts: Arc<Limiter>,
}

impl Sso {
    /// Single sign-on for these accounts.
    pub fn new(accounts: Accounts, parts: SsoParts) -> Self {
        let window = Duration::from_secs(60);
        let starts = Limiter::new("sso_starts_per_address", parts.starts_per_address, window);
        Self(Arc::new(Inner {
            accounts,
            party: parts.party,
            public_url: parts.public_url.trim_end_matches('/').to_owned(),
            providers: Providers::default(),
            starts: Arc::new(starts),
        }))
    }

    /// The accounts that people sign in to.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Where a provider sends browsers back to; to be registered there.
    pub fn callback_url(&self, connection: ConnectionId) -> String {
        format!("{}/v1/auth/sso/callback/{connection}", self.0.public_url)
    }

    /// Where a provider says that somebody has signed out there; to be registered there, where it
    /// has such a thing.
    pub fn backchannel_logout_url(&self, connection: ConnectionId) -> String {
        let public_url = &self.0.public_url;
        format!("{public_url}/v1/auth/sso/backchannel-logout/{connection}")
    }

    /// The limiter that counts the sign-ins started by each address, for the duty that forgets
    /// idle addresses.
    pub fn starts(&self) -> Arc<Limiter> {
        Arc::clone(&self.0.starts)
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.0.public_url
    }

    pub(crate) fn party(&self) -> &Party {
        &self.0.party
    }

    pub(crate) fn providers(&self) -> &Providers {
        &self.0.providers
    }

    /// Counts a sign-in that an address starts, or what is as cheap for a stranger to ask.
    pub(crate) fn count(&self, address: Option<IpAddr>) -> Result<()> {
        if let Some(address) = address {
            self.0.starts.count_address(address)?;
        }
        Ok(())
    }

    /// A connection that a stranger names, of an active organisation.
    pub(crate) async fn named(
        &self,
        id: ConnectionId,
    ) -> Result<(OrgScope, SsoConnection, ConnectionSecrets)> {
        let store = self.accounts().store();
        let scope = store.scope_of_connection(id).await?;
        let scope = scope.ok_or(NO_CONNECTION)?;
        let found = store.connection(scope, id).await?;
        let (connection, secrets) = found.ok_or(NO_CONNECTION)?;
        Ok((scope, connection, secrets))
    }
}

impl std::fmt::Debug for Sso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sso")
            .field("public_url", &self.0.public_url)
            .finish_non_exhaustive()
    }
}
