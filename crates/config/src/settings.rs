//! The configuration as the server reads it: typed, and found to make sense.

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

use super::error::{ConfigError, ConfigErrors};
use super::public_url::PublicUrl;
use super::reader::Reader;
use super::sources::Values;

/// The listeners.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where callers reach the server; what it listens on where `None`.
    pub public_url: Option<PublicUrl>,
    /// For callers.
    pub listen: SocketAddr,
    /// For probes and metrics.
    pub admin_listen: SocketAddr,
    /// Proxies whose word on the client's address is trusted.
    pub trusted_proxies: TrustedProxies,
    /// How many connections are open at once.
    pub max_connections: usize,
    /// How many of them one address may have that is no trusted proxy.
    pub max_connections_per_address: usize,
    /// The time for which a connection may be open without a complete request.
    pub timeouts: Timeouts,
    /// How many bytes of bodies are in memory at once.
    pub body_bytes: usize,
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
    /// Whether it is served.
    pub enabled: bool,
    /// Its database, for messages.
    pub url: StoreUrl,
    /// The same, to be opened.
    pub database: SampleDatabase,
}

/// Single sign-on.
#[derive(Debug, Clone)]
pub struct SsoSettings {
    /// Whether people may sign in through identity providers.
    pub enabled: bool,
    /// Where identity providers may be.
    pub outbound: vestibule_outbound::Config,
    /// How many sign-ins one address may begin in a minute.
    pub starts_per_address: NonZeroU32,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
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
    /// What every secret begins with.
    pub prefix: Prefix,
    /// In whose name tokens are signed; the public URL where `None`.
    pub issuer: Option<String>,
    /// What seals the signing keys; `None` where none is set, see [`Settings::master_key`].
    pub(super) master_key: Option<MasterKey>,
    /// How long sessions and tokens live.
    pub lifetimes: Lifetimes,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// Limits of sign-in.
    pub sign_in: SignInLimits,
    /// The number of API keys that one user may create in a day.
    pub api_keys_per_day: NonZeroU32,
    /// The password hasher.
    pub passwords: HasherConfig,
    /// The check's memory.
    pub cache: vestibule_check::CacheBounds,
    /// The plans.
    pub plans: Plans,
    /// Single sign-on.
    pub sso: SsoSettings,
    /// The sample API.
    pub sample: SampleSettings,
    /// How the pages look.
    pub brand: Brand,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What the log is about.
    pub log_level: String,
}

impl Settings {
    /// Validates values; finds everything that is wrong at once.
    pub fn new(values: &Values) -> Result<Self, ConfigErrors> {
        let mut reader = Reader {
            values,
            errors: Vec::new(),
        };
        let settings = reader.settings();
        match settings {
            Some(settings) if reader.errors.is_empty() => Ok(settings),
            _ => Err(ConfigErrors(reader.errors)),
        }
    }

    /// The database, and how it is to be opened.
    pub fn store_options(&self) -> StoreOptions {
        let mut options = StoreOptions::from(self.store.clone());
        options.connections = self.connections.unwrap_or(options.connections);
        options.with_checkpoints(self.checkpoints)
    }

    /// The master key, without which no token can be signed.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        self.master_key.clone().ok_or_else(|| {
            ConfigError::new(
                "keys.master_key",
                None,
                "is not set: write 32 random bytes to a file that only the server may read \
                 ((umask 077; head -c 32 /dev/urandom | base64 > master.key)) and name it in \
                 keys.master_key_file",
            )
        })
    }
}
