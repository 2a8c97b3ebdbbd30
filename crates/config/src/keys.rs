//! Every key of the configuration, written once.
//!
//! A new key is one line in [`settings!`](KEYS) below and one use of its constant in `assemble`. The
//! line gives the constant, the type, the key, how the value is spelt, the default, the function
//! that validates it, and the help that `vestibule config show` prints.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use vestibule_credential::frame::Prefix;
use vestibule_credential::seal::MasterKey;
use vestibule_http::ForwardedHeader;
use vestibule_model::Network;
use vestibule_store::{Checkpoints, StoreUrl};

use super::kind::Kind;
use super::public_url::PublicUrl;
use super::read::{self, NamedFile};
use super::settings::LogFormat;
use super::value::Value;

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name: section, dot, key.
    pub name: &'static str,
    /// The spelling of its values.
    pub(crate) kind: Kind,
    /// The value if no source sets one; `None` if the server derives it, or does without.
    pub default: Option<&'static str>,
    /// The purpose, in a few words.
    pub help: &'static str,
}

/// A key with the type of its value.
pub(crate) struct Setting<T: 'static> {
    pub(crate) key: Key,
    /// Validates a value. The error is the rest of a sentence that begins with the key.
    pub(crate) read: fn(&Value) -> Result<T, String>,
}

macro_rules! settings {
    ($($constant:ident: $type:ty = $name:literal, $kind:ident, $default:expr, $read:expr, $help:literal;)+) => {
        $(pub(crate) const $constant: Setting<$type> = Setting {
            key: Key { name: $name, kind: Kind::$kind, default: $default, help: $help },
            read: $read,
        };)+

        /// All keys but those of plans, which are `plans.<name>.features`, `plans.<name>.seats` and
        /// `plans.<name>.limits.<limit>`.
        ///
        /// A key that may hold a secret has a twin that ends in `_file` and names a file with the
        /// value.
        pub const KEYS: &[Key] = &[$($constant.key),+];
    };
}

settings! {
    // [server]
    SERVER_PUBLIC_URL: PublicUrl = "server.public_url", Text, None, read::parsed,
        "where callers reach the server; the listening address if not set";
    SERVER_LISTEN: SocketAddr = "server.listen", Text, Some("127.0.0.1:8080"), read::address,
        "address and port for callers";
    SERVER_ADMIN_LISTEN: SocketAddr = "server.admin_listen", Text, Some("127.0.0.1:8081"), read::address,
        "address and port for probes and metrics";
    SERVER_TRUSTED_PROXIES: Vec<Network> = "server.trusted_proxies", List, Some(""), read::networks,
        "proxies, as addresses or networks, whose word on their client's address is trusted";
    SERVER_FORWARDED_HEADER: ForwardedHeader = "server.forwarded_header", Text, Some("x-forwarded-for"), read::forwarded_header,
        "the header that these proxies write it into, x-forwarded-for or forwarded (RFC 7239); the other is ignored";
    SERVER_MAX_CONNECTIONS: NonZeroU32 = "server.max_connections", Count, Some("10000"), read::positive,
        "how many connections are open at once; from 80 % of them on, those that are idle for longest are closed";
    SERVER_MAX_CONNECTIONS_PER_ADDRESS: NonZeroU32 = "server.max_connections_per_address", Count, Some("1000"), read::positive,
        "how many of them one address may have; trusted proxies may have all";
    SERVER_HEAD_TIMEOUT: Duration = "server.head_timeout", Duration, Some("10s"), read::timeout,
        "how long the head of a request may take: of the first from the beginning of its connection, of others from their first byte";
    SERVER_IDLE_TIMEOUT: Duration = "server.idle_timeout", Duration, Some("75s"), read::timeout,
        "how long a connection is kept after an answer; longer than proxies in front keep theirs, which nginx does for 60s";
    SERVER_BODY_MEMORY_MIB: usize = "server.body_memory_mib", Count, Some("64"), read::body_bytes,
        "MiB of memory for all bodies on their way, beside the first 4 KiB of each; an eighth of it for one caller or address";
    SERVER_ALLOW_READABLE_SECRETS: bool = "server.allow_readable_secrets", Flag, Some("false"), read::flag,
        "whether `serve` starts although others on this machine can read or change a file that holds a secret; it warns then";

    // [store]
    STORE_URL: StoreUrl = "store.url", Secret, Some("sqlite:vestibule.db"), read::store_url,
        "the database, sqlite:FILE (a path, taken literally) or postgres://USER:PASSWORD@HOST/DATABASE";
    STORE_CONNECTIONS: NonZeroU32 = "store.connections", Count, None, read::connections,
        "connections to the database, shared by all requests: 10 to PostgreSQL, which has one more for the changes of other servers; 4 for reading to SQLite; from 3 to 1000";
    STORE_CHECKPOINT: Checkpoints = "store.checkpoint", Text, Some("auto"), read::checkpoints,
        "auto: the server moves changes from SQLite's log (-wal) into the file, at least every minute and at its end; external: it never does, for a replication tool that has to be the only one; for the sample's file, too";

    // [keys]
    KEYS_PREFIX: Prefix = "keys.prefix", Text, Some("ks"), read::parsed,
        "what every secret begins with";
    KEYS_ISSUER: String = "keys.issuer", Text, None, read::issuer,
        "in whose name access tokens are signed; the public URL if not set";
    KEYS_MASTER_KEY: MasterKey = "keys.master_key", Secret, None, read::master_key,
        "32 random bytes, in base64 or hexadecimal, that seal the signing keys";

    // [sessions]
    SESSIONS_IDLE: Duration = "sessions.idle", Duration, Some("7d"), read::duration,
        "a session unused for this long is over";
    SESSIONS_ABSOLUTE: Duration = "sessions.absolute", Duration, Some("30d"), read::duration,
        "a session of this age is over";
    SESSIONS_ACCESS_TOKEN: Duration = "sessions.access_token", Duration, Some("1h"), read::duration,
        "how long an access token lives; those that are out keep their end until the next rotation";
    SESSIONS_COOKIE_NAME: String = "sessions.cookie_name", Text, Some("__Host-vestibule"), read::cookie_name,
        "the name of the session cookie";

    // [limits]
    LIMITS_SIGN_IN_PER_ADDRESS_PER_MINUTE: NonZeroU32 = "limits.sign_in_per_address_per_minute", Count, Some("60"), read::positive,
        "sign-ins tried from one address";
    LIMITS_SIGN_IN_PER_EMAIL_PER_MINUTE: NonZeroU32 = "limits.sign_in_per_email_per_minute", Count, Some("10"), read::positive,
        "sign-ins tried for one e-mail address";
    LIMITS_SSO_STARTS_PER_ADDRESS_PER_MINUTE: NonZeroU32 = "limits.sso_starts_per_address_per_minute", Count, Some("600"), read::positive,
        "sign-ins through identity providers begun from one address; applications begin them for all their people from one";
    LIMITS_API_KEYS_PER_USER_PER_DAY: NonZeroU32 = "limits.api_keys_per_user_per_day", Count, Some("1000"), read::positive,
        "API keys that one user may create within 24 hours, in all organisations; revoked ones are kept for 90 days";

    // [passwords]
    PASSWORDS_THREADS: NonZeroU32 = "passwords.threads", Count, None, read::positive,
        "how many passwords are hashed at once, each in 19 MiB; half of the processors, at most 4, if not set";
    PASSWORDS_QUEUE: NonZeroU32 = "passwords.queue", Count, Some("64"), read::positive,
        "how many sign-ins wait for their turn; others are told to come back";

    // [cache]
    CACHE_ENTRIES: NonZeroU32 = "cache.entries", Count, Some("100000"), read::positive,
        "how many credentials are remembered at most";
    CACHE_MEMORY_MIB: usize = "cache.memory_mib", Count, Some("64"), read::cache_bytes,
        "how many MiB they may take with their callers' grants; 64 MiB is about 60,000 callers with three grants each";
    CACHE_MAX_AGE: Duration = "cache.max_age", Duration, Some("5m"), read::duration,
        "how long one is remembered at most";

    // [sample]
    SAMPLE_ENABLED: bool = "sample.enabled", Flag, Some("false"), read::flag,
        "whether the sample API is served";
    SAMPLE_URL: StoreUrl = "sample.url", Secret, None, read::store_url,
        "the sample's own database, spelt as store.url; sample.db beside the store, or the store's PostgreSQL, if not set";

    // [sso]
    SSO_ENABLED: bool = "sso.enabled", Flag, Some("true"), read::flag,
        "whether people may sign in through identity providers";
    SSO_ALLOWED_NETWORKS: Vec<Network> = "sso.allowed_networks", List, Some(""), read::networks,
        "networks beyond the public internet where identity providers may be, such as 10.20.0.0/16";
    SSO_PLAIN_HTTP_HOSTS: Vec<String> = "sso.plain_http_hosts", List, Some(""), read::hosts,
        "hosts of identity providers that may be called without TLS; their addresses still have to be allowed";
    SSO_EXTRA_CA: NamedFile = "sso.extra_ca", Text, None, read::named_file,
        "a PEM file with certificates of authorities that identity providers may have beside the public ones";

    // [brand]
    BRAND_NAME: String = "brand.name", Text, Some("Vestibule"), read::text,
        "what the pages call your product";
    BRAND_ACCENT: String = "brand.accent", Text, Some("#1d6b57"), read::text,
        "the colour of buttons and links; made darker or lighter where it could not be read";
    BRAND_LOGO: NamedFile = "brand.logo", Text, None, read::named_file,
        "an SVG, PNG or WebP file that stands in the place of the name";

    // [log]
    LOG_FORMAT: LogFormat = "log.format", Text, Some("text"), read::log_format,
        "text or json";
    LOG_LEVEL: String = "log.level", Text, Some("info"), read::log_level,
        "error, warn, info, debug, trace, or directives such as info,vestibule_store=debug";
}
