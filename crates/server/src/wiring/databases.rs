//! The databases: opened where they are, and made only where that was asked for.

use vestibule_sample::{Sample, SampleError};
use vestibule_store::{Store, StoreError, StoreUrl};

use crate::failure::{Code, Failure};
use vestibule_config::Settings;

/// The treatment of the tables when a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// They are made where there are none: by `migrate`, and by the first start of a quickstart.
    Make,
    /// Those that are there are brought up to this version. A database without any is refused: it
    /// is another one than was meant, and would tell every caller that its key is unknown.
    Upgrade,
    /// They have to be there, and of this version or a later one.
    Expect,
}

/// Opens the store.
///
/// # Errors
/// With the code for a wrong configuration where there is no such database, or where its tables
/// are not as `tables` demands.
pub async fn store(settings: &Settings, tables: Tables) -> Result<Store, Failure> {
    let (url, options) = (&settings.store, settings.store_options());
    let opened = match tables {
        Tables::Make => Store::create(options).await,
        Tables::Upgrade | Tables::Expect => Store::connect(options).await,
    };
    let store = opened.map_err(|error| not_opened(url, error))?;
    match tables {
        Tables::Make | Tables::Upgrade => store.migrate().await?,
        Tables::Expect if store.is_migrated().await? => {}
        Tables::Expect => {
            store.close().await;
            let text = format!("The database {url} has not the tables of this version.");
            return Err(Failure::usage(text).reason("database_not_migrated").hint(
                "If it is the right one, run `vestibule migrate` with the same configuration first.",
            ));
        }
    }
    Ok(store)
}

/// Opens the sample's own database, where the sample is served.
///
/// # Errors
/// As for the [`store`]. Of older tables it is content where `tables` expects some.
pub async fn sample(settings: &Settings, tables: Tables) -> Result<Option<Sample>, Failure> {
    if !settings.sample.enabled {
        return Ok(None);
    }
    let database = &settings.sample.database;
    let opened = match tables {
        Tables::Make => Sample::create(database).await,
        Tables::Upgrade | Tables::Expect => Sample::connect(database).await,
    };
    let sample = opened.map_err(|error| match error {
        SampleError::Absent => absent("sample.url", "the sample", &settings.sample.url),
        other => Failure::from_error(other),
    })?;
    if tables != Tables::Expect {
        sample.migrate().await.map_err(Failure::from_error)?;
    }
    Ok(Some(sample))
}

/// Refuses a store whose file is not there, before anything else of the configuration is looked at:
/// in the wrong folder everything else is missing, too.
pub(super) fn refuse_missing_file(settings: &Settings) -> Result<(), Failure> {
    match settings.store.sqlite_file() {
        Some(file) if !file.exists() => Err(no_store(&settings.store)),
        _ => Ok(()),
    }
}

fn not_opened(url: &StoreUrl, error: StoreError) -> Failure {
    // A container runtime makes a folder where a file that was to be mounted is missing.
    if url.sqlite_file().is_some_and(std::path::Path::is_dir) {
        return Failure::usage(format!(
            "There is a folder where the database {url} should be."
        ))
        .reason("no_database")
        .field("store.url")
        .hint("Is the file mounted? store.url names a file, which `vestibule migrate` makes.");
    }
    match error {
        StoreError::Absent(_) => no_store(url),
        StoreError::Unavailable(_) | StoreError::Contended(_) => Failure::from(error)
            .with_code(Code::Temporary)
            .hint(format!("store.url is {url}: is it right, and does it run?")),
        other => other.into(),
    }
}

fn no_store(url: &StoreUrl) -> Failure {
    absent("store.url", "Vestibule", url)
}

fn absent(key: &str, whose: &str, url: &StoreUrl) -> Failure {
    let text = match url.sqlite_file() {
        Some(file) => {
            let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            if file.exists() {
                format!(
                    "The database sqlite:{} has no tables of {whose}.",
                    path.display()
                )
            } else {
                format!("There is no database at sqlite:{}.", path.display())
            }
        }
        None => format!("The database {url} has no tables of {whose}."),
    };
    Failure::usage(text)
        .reason("no_database")
        .field(key)
        .hint(format!(
            "Is it the right one? {key} names it; look at --config FILE or --data-dir DIR, and at \
             what is mounted. If it is to be new, `vestibule migrate` with the same configuration \
             makes it, empty."
        ))
}
