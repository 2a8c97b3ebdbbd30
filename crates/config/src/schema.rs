//! Every key there is.

use super::kind::Kind;

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name: section, dot, key.
    pub name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// What stands where nobody says anything; none where the server works it out.
    pub default: Option<&'static str>,
    /// What it is for.
    pub help: &'static str,
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        help,
    }
}

/// All keys but those of plans, which are `plans.<name>.features`, `plans.<name>.seats` and
/// `plans.<name>.limits.<limit>`.
///
/// A key that holds a secret has a twin that ends in `_file` and names a file with its value.
pub const KEYS: &[Key] = &[
    key(
        "server.public_url",
        Kind::Text,
        None,
        "where callers reach the server; the listening address if not set",
    ),
    key(
        "server.listen",
        Kind::Text,
        Some("127.0.0.1:8080"),
        "address and port for callers",
    ),
    key(
        "server.admin_listen",
        Kind::Text,
        Some("127.0.0.1:8081"),
        "address and port for probes and metrics",
    ),
    key(
        "server.trusted_proxies",
        Kind::List,
        Some(""),
        "proxies, as addresses or networks, whose word on their client's address is trusted",
    ),
    key(
        "server.forwarded_header",
        Kind::Text,
        Some("x-forwarded-for"),
        "the header that these proxies write it into, x-forwarded-for or forwarded (RFC 7239); the other is ignored",
    ),
    key(
        "server.max_connections",
        Kind::Count,
        Some("10000"),
        "how many connections are open at once; from 80 % of them on, those that are idle for longest are closed",
    ),
    key(
        "server.max_connections_per_address",
        Kind::Count,
        Some("1000"),
        "how many of them one address may have; trusted proxies may have all",
    ),
    key(
        "server.head_timeout",
        Kind::Duration,
        Some("10s"),
        "how long the head of a request may take: of the first from the beginning of its connection, of others from their first byte",
    ),
    key(
        "server.idle_timeout",
        Kind::Duration,
        Some("75s"),
        "how long a connection is kept after an answer; longer than proxies in front keep theirs, which nginx does for 60s",
    ),
    key(
        "server.body_memory_mib",
        Kind::Count,
        Some("64"),
        "MiB of memory for all bodies on their way, beside the first 4 KiB of each; an eighth of it for one caller or address",
    ),
    key(
        "store.url",
        Kind::Secret,
        Some("sqlite:vestibule.db"),
        "the database, sqlite:FILE (a path, taken literally) or postgres://USER:PASSWORD@HOST/DATABASE",
    ),
    key(
        "store.connections",
        Kind::Count,
        None,
        "connections to the database, shared by all requests: 10 to PostgreSQL, which has one more for the changes of other servers; 4 for reading to SQLite; from 3 to 1000",
    ),
    key(
        "store.checkpoint",
        Kind::Text,
        Some("auto"),
        "auto: the server moves changes from SQLite's log (-wal) into the file, at least every minute and at its end; external: it never does, for a replication tool that has to be the only one; for the sample's file, too",
    ),
    key(
        "keys.prefix",
        Kind::Text,
        Some("ks"),
        "what every secret begins with",
    ),
    key(
        "keys.issuer",
        Kind::Text,
        None,
        "in whose name access tokens are signed; the public URL if not set",
    ),
    key(
        "keys.master_key",
        Kind::Secret,
        None,
        "32 random bytes, in base64 or hexadecimal, that seal the signing keys",
    ),
    key(
        "sessions.idle",
        Kind::Duration,
        Some("7d"),
        "a session unused for this long is over",
    ),
    key(
        "sessions.absolute",
        Kind::Duration,
        Some("30d"),
        "a session of this age is over",
    ),
    key(
        "sessions.access_token",
        Kind::Duration,
        Some("1h"),
        "how long an access token lives; those that are out keep their end until the next rotation",
    ),
    key(
        "sessions.cookie_name",
        Kind::Text,
        Some("__Host-vestibule"),
        "the name of the session cookie",
    ),
    key(
        "limits.sign_in_per_address_per_minute",
        Kind::Count,
        Some("60"),
        "sign-ins tried from one address",
    ),
    key(
        "limits.sign_in_per_email_per_minute",
        Kind::Count,
        Some("10"),
        "sign-ins tried for one e-mail address",
    ),
    key(
        "limits.sso_starts_per_address_per_minute",
        Kind::Count,
        Some("600"),
        "sign-ins through identity providers begun from one address; applications begin them for all their people from one",
    ),
    key(
        "limits.api_keys_per_user_per_day",
        Kind::Count,
        Some("1000"),
        "API keys that one user may create within 24 hours, in all organisations; revoked ones are kept for 90 days",
    ),
    key(
        "passwords.threads",
        Kind::Count,
        None,
        "how many passwords are hashed at once, each in 19 MiB; half of the processors, at most 4, if not set",
    ),
    key(
        "passwords.queue",
        Kind::Count,
        Some("64"),
        "how many sign-ins wait for their turn; others are told to come back",
    ),
    key(
        "cache.entries",
        Kind::Count,
        Some("100000"),
        "how many credentials are remembered at most",
    ),
    key(
        "cache.memory_mib",
        Kind::Count,
        Some("64"),
        "how many MiB they may take with their callers' grants; 64 MiB is about 60,000 callers with three grants each",
    ),
    key(
        "cache.max_age",
        Kind::Duration,
        Some("5m"),
        "how long one is remembered at most",
    ),
    key(
        "sample.enabled",
        Kind::Flag,
        Some("false"),
        "whether the sample API is served",
    ),
    key(
        "sample.url",
        Kind::Secret,
        None,
        "the sample's own database, spelt as store.url; sample.db beside the store, or the store's PostgreSQL, if not set",
    ),
    key(
        "sso.enabled",
        Kind::Flag,
        Some("true"),
        "whether people may sign in through identity providers",
    ),
    key(
        "sso.allowed_networks",
        Kind::List,
        Some(""),
        "networks beyond the public internet where identity providers may be, such as 10.20.0.0/16",
    ),
    key(
        "sso.plain_http_hosts",
        Kind::List,
        Some(""),
        "hosts of identity providers that may be called without TLS; their addresses still have to be allowed",
    ),
    key(
        "sso.extra_ca",
        Kind::Text,
        None,
        "a PEM file with certificates of authorities that identity providers may have beside the public ones",
    ),
    key(
        "brand.name",
        Kind::Text,
        Some("Vestibule"),
        "what the pages call your product",
    ),
    key(
        "brand.accent",
        Kind::Text,
        Some("#1d6b57"),
        "the colour of buttons and links; made darker or lighter where it could not be read",
    ),
    key(
        "brand.logo",
        Kind::Text,
        None,
        "an SVG, PNG or WebP file that stands in the place of the name",
    ),
    key("log.format", Kind::Text, Some("text"), "text or json"),
    key(
        "log.level",
        Kind::Text,
        Some("info"),
        "error, warn, info, debug, trace, or directives such as info,vestibule_store=debug",
    ),
];

/// What a name in a configuration stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A key, or a plan's.
    Key(Kind),
    /// The twin of this key, which names a file.
    FileOf(&'static str),
}

/// What `name` stands for, if anything.
pub(super) fn lookup(name: &str) -> Option<Known> {
    let plain = name.strip_suffix("_file").unwrap_or(name);
    for key in KEYS {
        if key.name == name {
            return Some(Known::Key(key.kind));
        }
        if key.kind == Kind::Secret && key.name == plain {
            return Some(Known::FileOf(key.name));
        }
    }
    let parts: Vec<_> = name.split('.').collect();
    match parts.as_slice() {
        ["plans", _, "features"] => Some(Known::Key(Kind::List)),
        ["plans", _, "seats"] | ["plans", _, "limits", _] => Some(Known::Key(Kind::Count)),
        _ => None,
    }
}

/// Whether a name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    KEYS.iter()
        .any(|key| key.name == name && key.kind == Kind::Secret)
}

/// All names, for suggestions; `plan` stands in for the name of a plan.
pub(super) fn names(plan: &str) -> Vec<String> {
    let mut names = Vec::new();
    for key in KEYS {
        names.push(key.name.to_owned());
        if key.kind == Kind::Secret {
            names.push(format!("{}_file", key.name));
        }
    }
    names.push(format!("plans.{plan}.features"));
    names.push(format!("plans.{plan}.seats"));
    names
}
