//! From values to settings: each is parsed, and refused by name.

mod values;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use vestibule_accounts::SignInLimits;
use vestibule_credential::password::HasherConfig;
use vestibule_credential::seal::MasterKey;
use vestibule_http::{ForwardedHeader, TrustedProxies};
use vestibule_model::session::Lifetimes;
use vestibule_sample::SampleDatabase;
use vestibule_store::{Checkpoints, StoreUrl};

use super::error::ConfigError;
use super::plans;
use super::public_url::PublicUrl;
use super::settings::{LogFormat, SampleSettings, ServerSettings, Settings};
use super::sources::{Origin, Values};
use super::warnings::HOST_PREFIX;

pub(super) struct Reader<'a> {
    pub(super) values: &'a Values,
    pub(super) errors: Vec<ConfigError>,
}

/// An address and a port to listen on; `localhost` for the loopback address.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "must be an address and a port such as 127.0.0.1:8080, localhost:8080 or [::]:8080"
            .to_owned()
    })
}

/// The URL of a database. A relative file of SQLite lies beside the configuration file that names
/// it, unless it is spelt `sqlite://`, which means the current folder.
fn store_url(text: &str, origin: &Origin) -> Result<StoreUrl, String> {
    let url: StoreUrl = plainly(text)?;
    Ok(match origin.base() {
        Some(folder) if !text.starts_with("sqlite://") => url.beside(folder),
        _ => url,
    })
}

impl Reader<'_> {
    /// Reads every field before it gives up, so that `errors` is complete.
    pub(super) fn settings(&mut self) -> Option<Settings> {
        let listen = self.address("server.listen");
        let admin_listen = self.address("server.admin_listen");
        let public_url = self.optional("server.public_url", str::parse::<PublicUrl>);
        let trusted_proxies = self.proxies();
        let max_connections = self.positive("server.max_connections");
        let per_address = self.positive("server.max_connections_per_address");
        let timeouts = self.timeouts();
        let body_bytes = self.body_bytes();
        if let (Some(listen), Some(None)) = (listen, &public_url)
            && !listen.ip().is_loopback()
        {
            let message = format!(
                "is not set, though other machines reach server.listen, {listen}: set it to the \
                 origin that callers use, such as https://auth.example.com"
            );
            self.refuse::<()>("server.public_url", message);
        }
        let store = self.parsed("store.url", store_url);
        let connections = self.connections();
        let checkpoints = self.parsed("store.checkpoint", |text, _| checkpoints(text));
        let prefix = self.parsed("keys.prefix", |text, _| plainly(text));
        let issuer = self.optional("keys.issuer", |text| {
            if (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic()) {
                Ok(text.to_owned())
            } else {
                Err("must be a name or URL of 1 to 255 characters without spaces".to_owned())
            }
        });
        let master_key = self.optional("keys.master_key", |text| {
            MasterKey::from_text(text).map_err(|error| format!("is no master key: {error}"))
        });
        let lifetimes = self.lifetimes();
        let encrypted = matches!(&public_url, Some(Some(url)) if url.is_https());
        let cookie_name = self.parsed("sessions.cookie_name", |text, _| {
            cookie_name(text, encrypted)
        });
        let sign_in = self.sign_in();
        let api_keys_per_day = self.positive("limits.api_keys_per_user_per_day");
        let threads = match self.value("passwords.threads") {
            Some(_) => self.positive("passwords.threads").map(size),
            None => Some(HasherConfig::default().threads),
        };
        let queue = self.positive("passwords.queue");
        let cache = self.cache();
        let plans = plans::read(self.values, &mut self.errors);
        let sso = self.sso();
        let brand = self.brand();
        let enabled = self.flag("sample.enabled");
        let sample = self.sample_place(store.as_ref());
        let log_format = self.parsed("log.format", |text, _| log_format(text));
        let log_level = self.parsed("log.level", |text, _| log_level(text));
        Some(Settings {
            server: ServerSettings {
                public_url: public_url?,
                listen: listen?,
                admin_listen: admin_listen?,
                trusted_proxies: trusted_proxies?,
                max_connections: size(max_connections?),
                max_connections_per_address: size(per_address?),
                timeouts: timeouts?,
                body_bytes: body_bytes?,
            },
            store: store?,
            connections: connections?,
            checkpoints: checkpoints?,
            prefix: prefix?,
            issuer: issuer?,
            master_key: master_key?,
            lifetimes: lifetimes?,
            cookie_name: cookie_name?,
            sign_in: sign_in?,
            api_keys_per_day: api_keys_per_day?,
            passwords: HasherConfig {
                threads: threads?,
                queue: size(queue?),
                ..HasherConfig::default()
            },
            cache: cache?,
            plans,
            sso: sso?,
            brand: brand?,
            sample: {
                let (url, database) = sample?;
                SampleSettings {
                    enabled: enabled?,
                    url,
                    database: match checkpoints? {
                        Checkpoints::Auto => database,
                        Checkpoints::External => database.with_external_checkpoints(),
                    },
                }
            },
            log_format: log_format?,
            log_level: log_level?,
        })
    }

    fn sign_in(&mut self) -> Option<SignInLimits> {
        let per_address = self.positive("limits.sign_in_per_address_per_minute");
        let per_email = self.positive("limits.sign_in_per_email_per_minute");
        Some(SignInLimits {
            per_address: per_address?,
            per_email: per_email?,
        })
    }

    fn address(&mut self, key: &str) -> Option<SocketAddr> {
        self.parsed(key, |text, _| socket_address(text))
    }

    /// Where nothing is said, the sample goes where the store is: into a file beside its file, or
    /// into the same database.
    fn sample_place(&mut self, store: Option<&StoreUrl>) -> Option<(StoreUrl, SampleDatabase)> {
        let own = self.value("sample.url").is_some();
        let url = if own {
            self.parsed("sample.url", store_url)?
        } else {
            store?.clone()
        };
        let Some(file) = url.sqlite_file() else {
            // The driver of the sample takes the text itself.
            let key = if own { "sample.url" } else { "store.url" };
            let text = self.parsed(key, |text, _| Ok(text.to_owned()))?;
            return Some((url, SampleDatabase::postgres(text)));
        };
        let file = if own {
            file.to_owned()
        } else {
            file.with_file_name("sample.db")
        };
        Some((StoreUrl::sqlite(&file), SampleDatabase::sqlite(file)))
    }

    fn proxies(&mut self) -> Option<TrustedProxies> {
        const KEY: &str = "server.trusted_proxies";
        let header = self.parsed("server.forwarded_header", |text, _| {
            ForwardedHeader::named(text)
                .ok_or_else(|| "must be x-forwarded-for or forwarded".to_owned())
        });
        match TrustedProxies::new(self.networks(KEY)?) {
            Ok(proxies) => Some(proxies.reading(header?)),
            Err(invalid) => self.refuse(KEY, invalid.message),
        }
    }

    fn lifetimes(&mut self) -> Option<Lifetimes> {
        let idle = self.duration("sessions.idle");
        let absolute = self.duration("sessions.absolute");
        let access_token = self.duration("sessions.access_token");
        let lifetimes = Lifetimes {
            session_idle: idle?,
            session_absolute: absolute?,
            access_token: access_token?,
        };
        if lifetimes.session_idle > lifetimes.session_absolute {
            return self.refuse("sessions.idle", "must not be longer than sessions.absolute");
        }
        if lifetimes.access_token > lifetimes.session_absolute {
            return self.refuse(
                "sessions.access_token",
                "must not be longer than sessions.absolute",
            );
        }
        Some(lifetimes)
    }
}

fn checkpoints(text: &str) -> Result<Checkpoints, String> {
    match text {
        "auto" => Ok(Checkpoints::Auto),
        "external" => Ok(Checkpoints::External),
        _ => Err("must be auto or external".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".to_owned()),
    }
}

fn log_level(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "must be error, warn, info, debug, trace or directives such as \
             info,vestibule_store=debug"
                .to_owned(),
        ),
    }
}

fn size(count: NonZeroU32) -> usize {
    usize::try_from(count.get()).unwrap_or(usize::MAX)
}

fn plainly<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// A token, as cookies are named (RFC 6265, 4.1.1). Where the server is reached encrypted, browsers
/// have to keep other hosts from setting it (RFC 6265bis, 4.1.3.2).
fn cookie_name(text: &str, encrypted: bool) -> Result<String, String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(ok) {
        return Err(
            "must be a cookie's name such as __Host-vestibule: 1 to 64 letters, digits, '-', '_'"
                .to_owned(),
        );
    }
    if encrypted && !text.starts_with(HOST_PREFIX) {
        return Err(format!(
            "must begin with {HOST_PREFIX}: else neighbouring hosts could set the cookie"
        ));
    }
    Ok(text.to_owned())
}
