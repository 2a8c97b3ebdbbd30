//! Settings from values: each key is validated, then those that depend on each other.

use std::num::NonZeroU32;

use vestibule_accounts::SignInLimits;
use vestibule_check::CacheBounds;
use vestibule_credential::password::HasherConfig;
use vestibule_http::TrustedProxies;
use vestibule_model::session::Lifetimes;
use vestibule_sample::SampleDatabase;
use vestibule_store::{Checkpoints, StoreUrl};

use super::error::ConfigErrors;
#[allow(
    clippy::wildcard_imports,
    reason = "every key is used here or in a section"
)]
use super::keys::*;
use super::kind::Raw;
use super::plans;
use super::public_url::PublicUrl;
use super::reader::Reader;
use super::settings::{HOST_PREFIX, SampleSettings, ServerSettings, Settings, Timeouts};
use super::values::Values;

impl Settings {
    /// Validates values, for commands that serve nobody.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn new(values: &Values) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(values);
        let settings = reader.settings();
        finish(settings, reader)
    }
}

/// Returns the settings, or every error.
pub(crate) fn finish(
    settings: Option<Settings>,
    reader: Reader<'_>,
) -> Result<Settings, ConfigErrors> {
    if reader.values.lacks_file {
        // Without the file most keys have not the value that was meant: only what was wrong in the
        // sources themselves is true.
        return Err(ConfigErrors(reader.values.errors.clone()));
    }
    match settings {
        Some(settings) if reader.errors.is_empty() => Ok(settings),
        _ => Err(ConfigErrors(reader.errors)),
    }
}

impl Reader<'_> {
    /// Reads every key before it gives up, so that `errors` is complete.
    pub(crate) fn settings(&mut self) -> Option<Settings> {
        let server = self.server();
        let store = self.get(&STORE_URL);
        let connections = self.optional(&STORE_CONNECTIONS);
        let checkpoints = self.get(&STORE_CHECKPOINT);
        let prefix = self.get(&KEYS_PREFIX);
        let issuer = self.optional(&KEYS_ISSUER);
        let master_key = self.optional(&KEYS_MASTER_KEY);
        let lifetimes = self.lifetimes();
        let cookie_name = self.cookie_name(server.as_ref());
        let sign_in = self.sign_in();
        let api_keys_per_day = self.get(&LIMITS_API_KEYS_PER_USER_PER_DAY);
        let passwords = self.passwords();
        let cache = self.cache();
        let plans = plans::read(self.values, &mut self.errors);
        let sso = self.sso();
        let brand = self.brand();
        let sample = self.sample(store.as_ref(), checkpoints);
        let log_format = self.get(&LOG_FORMAT);
        let log_level = self.get(&LOG_LEVEL);
        Some(Settings {
            server: server?,
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
            passwords: passwords?,
            cache: cache?,
            plans,
            sso: sso?,
            brand: brand?,
            sample: sample?,
            log_format: log_format?,
            log_level: log_level?,
        })
    }

    fn server(&mut self) -> Option<ServerSettings> {
        let listen = self.get(&SERVER_LISTEN);
        let admin_listen = self.get(&SERVER_ADMIN_LISTEN);
        let public_url = self.optional(&SERVER_PUBLIC_URL);
        let trusted_proxies = self.proxies();
        let max_connections = self.get(&SERVER_MAX_CONNECTIONS);
        let per_address = self.get(&SERVER_MAX_CONNECTIONS_PER_ADDRESS);
        let head = self.get(&SERVER_HEAD_TIMEOUT);
        let idle = self.get(&SERVER_IDLE_TIMEOUT);
        let body_bytes = self.get(&SERVER_BODY_MEMORY_MIB);
        let allow_readable_secrets = self.get(&SERVER_ALLOW_READABLE_SECRETS);
        if let (Some(listen), Some(None)) = (listen, &public_url)
            && !listen.ip().is_loopback()
        {
            let message = format!(
                "is not set, though other machines reach server.listen, {listen}: set it to the \
                 origin that callers use, such as https://auth.example.com"
            );
            return self.missing(&SERVER_PUBLIC_URL, message);
        }
        Some(ServerSettings {
            public_url: public_url?,
            listen: listen?,
            admin_listen: admin_listen?,
            trusted_proxies: trusted_proxies?,
            max_connections: size(max_connections?),
            max_connections_per_address: size(per_address?),
            timeouts: Timeouts {
                head: head?,
                idle: idle?,
            },
            body_bytes: body_bytes?,
            allow_readable_secrets: allow_readable_secrets?,
        })
    }

    fn proxies(&mut self) -> Option<TrustedProxies> {
        let header = self.get(&SERVER_FORWARDED_HEADER);
        match TrustedProxies::new(self.get(&SERVER_TRUSTED_PROXIES)?) {
            Ok(proxies) => Some(proxies.reading(header?)),
            Err(invalid) => self.refuse(&SERVER_TRUSTED_PROXIES, invalid.message),
        }
    }

    fn lifetimes(&mut self) -> Option<Lifetimes> {
        const TOO_LONG: &str = "must not be longer than sessions.absolute";
        let idle = self.get(&SESSIONS_IDLE);
        let absolute = self.get(&SESSIONS_ABSOLUTE);
        let access_token = self.get(&SESSIONS_ACCESS_TOKEN);
        let lifetimes = Lifetimes {
            session_idle: idle?,
            session_absolute: absolute?,
            access_token: access_token?,
        };
        if lifetimes.session_idle > lifetimes.session_absolute {
            return self.refuse(&SESSIONS_IDLE, TOO_LONG);
        }
        if lifetimes.access_token > lifetimes.session_absolute {
            return self.refuse(&SESSIONS_ACCESS_TOKEN, TOO_LONG);
        }
        Some(lifetimes)
    }

    fn cookie_name(&mut self, server: Option<&ServerSettings>) -> Option<String> {
        let name = self.get(&SESSIONS_COOKIE_NAME)?;
        let public_url = server.and_then(|server| server.public_url.as_ref());
        // Over http, browsers refuse the prefix: a server on localhost may need another name.
        if public_url.is_some_and(PublicUrl::is_https) && !name.starts_with(HOST_PREFIX) {
            let message = format!(
                "must begin with {HOST_PREFIX}: else neighbouring hosts could set the cookie"
            );
            return self.refuse(&SESSIONS_COOKIE_NAME, message);
        }
        Some(name)
    }

    fn sign_in(&mut self) -> Option<SignInLimits> {
        let per_address = self.get(&LIMITS_SIGN_IN_PER_ADDRESS_PER_MINUTE);
        let per_email = self.get(&LIMITS_SIGN_IN_PER_EMAIL_PER_MINUTE);
        Some(SignInLimits {
            per_address: per_address?,
            per_email: per_email?,
        })
    }

    fn passwords(&mut self) -> Option<HasherConfig> {
        let threads = self.optional(&PASSWORDS_THREADS);
        let queue = self.get(&PASSWORDS_QUEUE);
        let default = HasherConfig::default();
        Some(HasherConfig {
            threads: threads?.map_or(default.threads, size),
            queue: size(queue?),
            ..default
        })
    }

    fn cache(&mut self) -> Option<CacheBounds> {
        let entries = self.get(&CACHE_ENTRIES);
        let max_age = self.get(&CACHE_MAX_AGE);
        let bytes = self.get(&CACHE_MEMORY_MIB);
        Some(CacheBounds {
            bytes: bytes?,
            entries: size(entries?),
            max_age: max_age?,
        })
    }

    fn sample(
        &mut self,
        store: Option<&StoreUrl>,
        checkpoints: Option<Checkpoints>,
    ) -> Option<SampleSettings> {
        let enabled = self.get(&SAMPLE_ENABLED);
        let (url, database) = self.sample_place(store)?;
        Some(SampleSettings {
            enabled: enabled?,
            url,
            database: match checkpoints? {
                Checkpoints::Auto => database,
                Checkpoints::External => database.with_external_checkpoints(),
            },
        })
    }

    /// Returns the database of the sample. Unless it is set, the sample goes where the store is:
    /// into a file beside its file, or into the same database.
    fn sample_place(&mut self, store: Option<&StoreUrl>) -> Option<(StoreUrl, SampleDatabase)> {
        let own = self.optional(&SAMPLE_URL)?;
        let (url, setting) = match &own {
            Some(url) => (url, &SAMPLE_URL),
            None => (store?, &STORE_URL),
        };
        let Some(file) = url.sqlite_file() else {
            // The sample's driver parses the text itself: `StoreUrl` does not give its password out.
            let Raw::Text(text) = &self.raw(setting)?.raw else {
                return None;
            };
            return Some((url.clone(), SampleDatabase::postgres(text.clone())));
        };
        let file = if own.is_some() {
            file.to_owned()
        } else {
            file.with_file_name("sample.db")
        };
        Some((StoreUrl::sqlite(&file), SampleDatabase::sqlite(file)))
    }
}

fn size(count: NonZeroU32) -> usize {
    usize::try_from(count.get()).unwrap_or(usize::MAX)
}
