//! The validated configuration, typed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_accounts::SignInLimits;
use vestibule_credential::frame::Prefix;
use vestibule_credential::password::HasherConfig;
use vestibule_credential::seal::MasterKey;
use vestibule_http::TrustedProxies;
use vestibule_model::Plans;
use vestibule_model::session::Lifetimes;
use vestibule_sample::SampleDatabase;
use vestibule_store::{Checkpoints, StoreOptions, StoreUrl};
use vestibule_web::Brand;

use super::error::{ConfigError, ConfigErrorCode};
use super::public_url::PublicUrl;

/// The beginning of a cookie's name that no other host can set (RFC 6265bis, 4.1.3.2).
pub(crate) const HOST_PREFIX: &str = "__Host-";

/// The listeners.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The origin that callers use. `None` stands for the address that the server listens on.
    pub public_url: Option<PublicUrl>,
    /// The address for callers.
    pub listen: SocketAddr,
    /// The address for probes and metrics.
    pub admin_listen: SocketAddr,
    /// Proxies whose `X-Forwarded-For` or `Forwarded` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The most connections that are open at once.
    pub max_connections: usize,
    /// The most of them from one address that is no trusted proxy.
    pub max_connections_per_address: usize,
    /// The time for which a connection may be open without a complete request.
    pub timeouts: Timeouts,
    /// The most bytes of bodies in memory at once.
    pub body_bytes: usize,
    /// True if the server starts although others can read or change a file that holds a secret.
    pub allow_readable_secrets: bool,
}

/// The times for which a connection may be open without a complete request.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The time for the first head of a connection, and for each further one from its first byte.
    pub head: Duration,
    /// The time without a byte after an answer. A proxy that keeps connections for longer sends
    /// requests into those that are being closed.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
        }
    }
}

/// The sample API.
#[derive(Debug, Clone)]
pub struct SampleSettings {
    /// True if it is served.
    pub enabled: bool,
    /// Its database, for messages.
    pub url: StoreUrl,
    /// The same, to be opened.
    pub database: SampleDatabase,
}

/// Single sign-on.
#[derive(Debug, Clone)]
pub struct SsoSettings {
    /// True if people may sign in through identity providers.
    pub enabled: bool,
    /// The addresses that identity providers may have.
    pub outbound: vestibule_outbound::Config,
    /// The most sign-ins that one address may begin in a minute.
    pub starts_per_address: NonZeroU32,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The configuration, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The listeners.
    pub server: ServerSettings,
    /// The database.
    pub store: StoreUrl,
    /// The number of connections to the database that requests share; `None` leaves it to the engine.
    pub connections: Option<NonZeroU32>,
    /// The process that moves changes from SQLite's log into the file.
    pub checkpoints: Checkpoints,
    /// The beginning of every secret.
    pub prefix: Prefix,
    /// The issuer of tokens. `None` stands for the public URL.
    pub issuer: Option<String>,
    /// The key that seals the signing keys; see [`Settings::master_key`].
    pub(crate) master_key: Option<MasterKey>,
    /// The lifetimes of sessions and tokens.
    pub lifetimes: Lifetimes,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// Limits of sign-in.
    pub sign_in: SignInLimits,
    /// The number of API keys that one user may create in a day.
    pub api_keys_per_day: NonZeroU32,
    /// The password hasher.
    pub passwords: HasherConfig,
    /// The bounds on the check's cache.
    pub cache: vestibule_check::CacheBounds,
    /// The plans.
    pub plans: Plans,
    /// Single sign-on.
    pub sso: SsoSettings,
    /// The sample API.
    pub sample: SampleSettings,
    /// The name, colour and logo of the pages.
    pub brand: Brand,
    /// The format of the log.
    pub log_format: LogFormat,
    /// The level of the log, or directives.
    pub log_level: String,
}

impl Settings {
    /// The database, and how it is to be opened.
    pub fn store_options(&self) -> StoreOptions {
        let mut options = StoreOptions::from(self.store.clone());
        options.connections = self.connections.unwrap_or(options.connections);
        options.with_checkpoints(self.checkpoints)
    }

    /// Returns the master key, without which no token can be signed.
    ///
    /// # Errors
    /// With the way to make one, if none is set.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        self.master_key.clone().ok_or_else(|| {
            ConfigError::new(ConfigErrorCode::Missing, MASTER_KEY, None, NO_MASTER_KEY)
        })
    }
}

pub(crate) const NO_MASTER_KEY: &str = "is not set: write 32 random bytes to a file that only \
     the server may read ((umask 077; head -c 32 /dev/urandom | base64 > master.key)) and name it \
     in keys.master_key_file";
const MASTER_KEY: &str = "keys.master_key";
