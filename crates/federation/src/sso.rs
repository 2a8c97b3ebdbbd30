//! [`Sso`] and the parts it is built from.

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

/// The parts of an [`Sso`].
pub struct SsoParts {
    /// The relying party: outgoing requests, clock, randomness and the cache of providers'
    /// documents.
    pub party: Party,
    /// The public URL of this server, as `https://auth.example.com`.
    pub public_url: String,
    /// The number of sign-ins that one address may start in a minute. An application starts those
    /// of all its users from one address.
    pub starts_per_address: NonZeroU32,
}

impl SsoParts {
    /// The default of [`starts_per_address`](Self::starts_per_address).
    pub const STARTS_PER_ADDRESS: NonZeroU32 = match NonZeroU32::new(600) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    };
}

/// All operations of single sign-on. Cheap to clone.
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
    /// Builds the operations. A server needs one instance, since each counts started sign-ins on
    /// its own.
    pub fn new(accounts: Accounts, parts: SsoParts) -> Self {
        // Spread over the window by the limiter, so that no minute boundary allows twice as many.
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

    /// Returns the accounts that users sign in to.
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Returns the redirect URI of a connection, to be registered at the provider.
    pub fn callback_url(&self, connection: ConnectionId) -> String {
        format!("{}/v1/auth/sso/callback/{connection}", self.0.public_url)
    }

    /// Returns the back-channel logout URI of a connection, to be registered at providers that
    /// support it (OpenID Connect Back-Channel Logout 1.0, 2.2).
    pub fn backchannel_logout_url(&self, connection: ConnectionId) -> String {
        let public_url = &self.0.public_url;
        format!("{public_url}/v1/auth/sso/backchannel-logout/{connection}")
    }

    /// Returns the limiter of started sign-ins, for the duty that forgets idle addresses.
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

    /// Counts a request of a stranger against the limit of started sign-ins.
    pub(crate) fn count(&self, address: Option<IpAddr>) -> Result<()> {
        // None only for calls that come over no network.
        if let Some(address) = address {
            self.0.starts.count_address(address)?;
        }
        Ok(())
    }

    /// Finds the connection that a stranger names, if its organisation is active.
    pub(crate) async fn find_connection(
        &self,
        id: ConnectionId,
    ) -> Result<(OrgScope, SsoConnection, ConnectionSecrets)> {
        let store = self.accounts().store();
        let scope = store.scope_of_connection(id).await?;
        // An unknown connection and one of a deactivated organisation have the same answer.
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
