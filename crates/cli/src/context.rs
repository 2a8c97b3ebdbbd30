//! What every command begins with: the configuration, and the operations on its store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vestibule_accounts::Accounts;
use vestibule_federation::Sso;
use vestibule_model::{BootTime, Change};
use vestibule_sample::Sample;
use vestibule_store::{ChangeSink, Store};

use super::args::Global;
use super::output::Output;
use vestibule_config::{Provenance, PublicUrl, Settings, Sources, Values};
use vestibule_server::failure::Failure;
use vestibule_server::{telemetry, wiring};

/// The global flags, resolved.
pub(super) struct Context {
    pub(super) global: Global,
    pub(super) output: Output,
    changed: Arc<Changed>,
    opened: Mutex<Opened>,
}

/// The databases that this command has opened.
#[derive(Debug, Default)]
struct Opened {
    store: Option<Store>,
    sample: Option<Sample>,
}

/// True if this command has changed something that a running server remembers.
#[derive(Debug, Default)]
struct Changed(AtomicBool);

impl ChangeSink for Changed {
    fn apply(&self, _: Change) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn suspend(&self) {}

    fn resume(&self, _: BootTime) {}
}

/// The time within which a server beside us has usually heard of a change. On SQLite it looks every
/// 50 ms.
const HEARD: Duration = Duration::from_millis(200);

impl Context {
    pub(super) fn new(global: Global) -> Self {
        let output = Output { json: global.json };
        Self {
            global,
            output,
            changed: Arc::default(),
            opened: Mutex::default(),
        }
    }

    /// Waits until a server beside us has usually heard of what was changed, for what follows the
    /// command in a script.
    pub(super) async fn settle(&self) {
        if self.changed.0.load(Ordering::SeqCst) {
            tokio::time::sleep(HEARD).await;
        }
    }

    /// Closes what the command has opened. Without it the changes would stay in SQLite's log: where
    /// no server runs beside us, a copy of the file alone would lack them.
    pub(super) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened());
        if let Some(sample) = opened.sample {
            sample.close().await;
        }
        if let Some(store) = opened.store {
            store.close().await;
        }
    }

    /// Has the sample's database closed at the end of the command.
    pub(super) fn close_later(&self, sample: Option<&Sample>) {
        self.opened().sample = sample.cloned();
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration as it was written.
    pub(super) fn values(&self, flags: &[(&str, Option<&str>)]) -> Result<Values, Failure> {
        Ok(self.sources(self.file()?, flags)?.read())
    }

    /// Returns the configuration file that the command line names, or the one of the quickstart
    /// that it names.
    #[cfg(feature = "devtools")]
    fn file(&self) -> Result<Option<PathBuf>, Failure> {
        use vestibule_devtools::quickstart::DataDir;
        use vestibule_server::failure::Code;

        let Some(dir) = &self.global.data_dir else {
            return Ok(self.global.config.clone());
        };
        let file = DataDir::new(dir).config_file();
        if file.exists() {
            return Ok(Some(file));
        }
        let text = format!("{} holds no quickstart.", dir.display());
        Err(Failure::new(Code::NotFound, text)
            .hint("Run `vestibule quickstart --data-dir DIR` first, or say --config FILE."))
    }

    /// Returns the configuration file that the command line names.
    #[cfg(not(feature = "devtools"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with the feature devtools")]
    fn file(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(self.global.config.clone())
    }

    /// Returns the sources of this command's configuration.
    pub(super) fn sources(
        &self,
        file: Option<PathBuf>,
        flags: &[(&str, Option<&str>)],
    ) -> Result<Sources, Failure> {
        let mut sources = Sources {
            file,
            ..Sources::default()
        };
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => sources.environment.push((name, value)),
                Err(_) if name.starts_with("VESTIBULE_") && name.contains("__") => {
                    sources.unreadable.push(name);
                }
                Err(_) => {}
            }
        }
        for assignment in &self.global.set {
            let Some((key, value)) = assignment.split_once('=') else {
                return Err(Failure::usage(format!(
                    "--set {assignment} is not KEY=VALUE."
                )));
            };
            if Values::is_secret(key) {
                return Err(Failure::usage(format!(
                    "{key} may hold a secret and cannot be a flag."
                ))
                .hint(format!("Write it to a file and say --set {key}_file=FILE.")));
            }
            sources.flags.push((key.to_owned(), value.to_owned()));
        }
        for (key, value) in flags {
            if let Some(value) = value {
                sources.flags.push(((*key).to_owned(), (*value).to_owned()));
            }
        }
        Ok(sources)
    }

    /// The configuration, validated.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::new(&self.values(&[])?)?)
    }

    /// The operations on the store, beside a server that may be running on it. What goes on
    /// inside is only told where the log level was asked for.
    pub(super) async fn accounts(&self) -> Result<Accounts, Failure> {
        Ok(self.accounts_and_settings().await?.0)
    }

    /// Single sign-on on the store, beside a server that may be running on it.
    pub(super) async fn sso(&self) -> Result<Sso, Failure> {
        let (accounts, settings) = self.accounts_and_settings().await?;
        wiring::sso(&settings, &accounts, &public_url(&settings))
    }

    pub(super) async fn accounts_and_settings(&self) -> Result<(Accounts, Settings), Failure> {
        let values = self.values(&[])?;
        let settings = Settings::new(&values)?;
        let asked_for = values.provenance("log.level") != Some(&Provenance::Default);
        let level = if asked_for {
            settings.log_level.as_str()
        } else {
            "error"
        };
        telemetry::start_log(settings.log_format, level);
        let public_url = public_url(&settings);
        let accounts = wiring::accounts(&settings, &public_url).await?.accounts;
        accounts.store().attach(self.changed.clone());
        self.opened().store = Some(accounts.store().clone());
        Ok((accounts, settings))
    }
}

/// Returns the URL at which callers reach a server of these settings.
pub(super) fn public_url(settings: &Settings) -> PublicUrl {
    match &settings.server.public_url {
        Some(url) => url.clone(),
        None => PublicUrl::of(settings.server.listen),
    }
}
