//! Single sign-on: an organisation's people come in through its own identity provider.
//!
//! [`Sso`] stands beside [`Accounts`] and adds what needs the network. Administration takes a
//! [`Caller`](crate::Caller): looking takes an admin, changing an owner or the operator, because
//! whoever sets up a provider decides who is who.
//!
//! A sign-in has two halves. [`Sso::initiate`] says where to send the browser, gives a secret that
//! binds the browser and what is to be known of this one sign-in, sealed, each for a cookie, and writes
//! nothing; [`Sso::callback`] takes what the browser brings back, with those cookies, notes that it
//! was here, and says how the browser goes on.

mod admission;
mod arrived;
mod attempt;
mod begin;
mod browser;
mod callback;
mod carried;
mod code;
mod connection;
mod discover;
mod domain;
mod enforcement;
mod finish;
mod identity;
mod initiate;
mod link;
mod logout;
mod provider;
mod redirect_uri;
mod report;
mod secret;
mod settings;
mod trial;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use vestibule_check::Limiter;
use vestibule_model::{Actor, ActorKind, ConnectionId, OrgScope, SsoConnection, UserId};
use vestibule_sso::Party;
use vestibule_store::ConnectionSecrets;

pub use arrived::{ArrivalFailure, Arrived, CallbackRequest, Location};
pub use carried::CarriedSignIn;
pub use connection::{AlsoEnd, NewConnection, PreparedConnection, Saved};
pub use discover::{Discovery, SignInMethod};
pub use initiate::{Ahead, Initiate, Initiated, ReturnTo, Target};
pub use provider::Which;
pub use report::{TestOutcome, TestReport};
pub use secret::{NewSecret, PlainBinding};
pub use settings::sso_settings;

use crate::{Accounts, Error, Result};

const NO_CONNECTION: Error = Error::NotFound {
    what: "connection to an identity provider",
};

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

/// Where a request comes from, for limits, records and the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What the request is called in the log.
    pub request_id: Option<String>,
}

impl Origin {
    fn actor(&self, user_id: Option<UserId>) -> Actor {
        Actor {
            kind: ActorKind::User,
            user_id,
            credential: None,
            address: self.address,
            request_id: self.request_id.clone(),
        }
    }
}

/// All operations of single sign-on. Cloning is cheap.
#[derive(Clone)]
pub struct Sso(Arc<Inner>);

struct Inner {
    accounts: Accounts,
    party: Party,
    public_url: String,
    providers: provider::Providers,
}

impl Sso {
    /// Single sign-on for these accounts.
    pub fn new(accounts: Accounts, parts: SsoParts) -> Self {
        let window = Duration::from_secs(60);
        let limiter = Limiter::new("sso_starts_per_address", parts.starts_per_address, window);
        // The first one stands: there is one per server.
        let _ = accounts.0.sso_starts.set(limiter);
        Self(Arc::new(Inner {
            accounts,
            party: parts.party,
            public_url: parts.public_url.trim_end_matches('/').to_owned(),
            providers: provider::Providers::default(),
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

    fn count(&self, address: Option<IpAddr>) -> Result<()> {
        if let (Some(limiter), Some(address)) = (self.accounts().0.sso_starts.get(), address) {
            limiter.count_address(address)?;
        }
        Ok(())
    }

    /// A connection that a stranger names, of an active organisation.
    async fn named(
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
