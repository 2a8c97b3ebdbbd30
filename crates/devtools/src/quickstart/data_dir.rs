//! The folder of a quickstart. Nobody but its owner can read what is in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use vestibule_credential::seal::MasterKey;
use vestibule_model::OsEntropy;

use vestibule_server::failure::{Code, Failure};

const CONFIG: &str = "vestibule.toml";
const MASTER_KEY: &str = "master.key";
/// The file of the provider for development.
pub(super) const IDP: &str = "idp.json";
const OUTBOX: &str = "outbox";
/// There while the first start is under way. What it finds at the next start was never used.
const UNFINISHED: &str = "unfinished";
const DATABASES: [&str; 2] = ["vestibule.db", "sample.db"];

/// The folder of a quickstart.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder at this path, whether it is there or not.
    pub fn new(path: &Path) -> Self {
        Self(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// The folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its configuration.
    pub fn config_file(&self) -> PathBuf {
        self.0.join(CONFIG)
    }

    /// The folder for mail to deliver.
    pub fn outbox(&self) -> PathBuf {
        self.0.join(OUTBOX)
    }

    /// Makes the folder where there is none, and waits until nobody else makes what is in it. Ends
    /// with what it gives.
    pub(super) fn lock(&self) -> Result<fs::File, Failure> {
        self.make_folder(&self.0)?;
        let folder = fs::File::open(&self.0).map_err(|error| self.failed(&error))?;
        folder.lock().map_err(|error| self.failed(&error))?;
        Ok(folder)
    }

    /// Makes the files where they are missing; whether it did. A first start that was cut short is
    /// begun again.
    pub(super) fn prepare(&self, listen: SocketAddr) -> Result<bool, Failure> {
        let unfinished = self.0.join(UNFINISHED);
        if unfinished.exists() {
            self.clear()?;
        } else if self.config_file().exists() {
            self.make_folder(&self.outbox())?;
            return Ok(false);
        } else {
            self.refuse_foreign()?;
        }
        self.write(UNFINISHED, "The first start was not finished.\n")?;
        let key = MasterKey::generate(&OsEntropy);
        self.write(MASTER_KEY, &format!("{}\n", key.to_text().as_str()))?;
        // Made here, since the database would make them readable to others.
        for database in DATABASES {
            self.write(database, "")?;
        }
        self.make_folder(&self.outbox())?;
        self.write(CONFIG, &config(listen))?;
        Ok(true)
    }

    /// Notes that the first start is done.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        fs::remove_file(self.0.join(UNFINISHED))
            .and_then(|()| fs::File::open(&self.0)?.sync_all())
            .map_err(|error| self.failed(&error))
    }

    /// Refuses a folder in which something else is, or in which everybody may put something: a
    /// master key, say.
    fn refuse_foreign(&self) -> Result<(), Failure> {
        let failed = |error| self.failed(&error);
        let name = self.0.display();
        let text = if fs::read_dir(&self.0).map_err(failed)?.next().is_some() {
            format!("{name} holds something else.")
        } else if fs::metadata(&self.0).map_err(failed)?.mode() & 0o002 != 0 {
            format!("Everybody may write to {name}.")
        } else {
            return Ok(());
        };
        Err(Failure::new(Code::Conflict, text).hint(
            "Name an empty folder of your own, or one that is not there yet, with --data-dir.",
        ))
    }

    /// Takes away what an unfinished start has made, and nothing else.
    fn clear(&self) -> Result<(), Failure> {
        let databases = DATABASES
            .iter()
            .flat_map(|name| ["", "-wal", "-shm"].map(|end| format!("{name}{end}")));
        for name in databases.chain([CONFIG, MASTER_KEY, IDP].map(str::to_owned)) {
            match fs::remove_file(self.0.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(self.failed(&error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes a folder, and those above it, where there is none. One that is there keeps its mode:
    /// it may be somebody else's, also at the other end of a symbolic link.
    fn make_folder(&self, path: &Path) -> Result<(), Failure> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        let above = path.parent().unwrap_or(path);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(above)
            .and_then(|()| private.create(path));
        match made {
            // Whatever mask the process was started with.
            Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|error| self.failed(&error))
    }

    /// A file of the folder; `None` where it is not there.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        match fs::read_to_string(self.0.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.0.join(name))
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::failed(format!("{} cannot be used: {error}.", self.0.display()))
    }
}

/// The configuration of a quickstart. The issuer is not the URL, so that tokens survive a start on
/// another port.
fn config(listen: SocketAddr) -> String {
    format!(
        r#"# Made by `vestibule quickstart`; change what you like.
# `vestibule config show --origin` lists every key. Relative files lie beside this one.

[server]
listen = "{listen}"

[store]
url = "sqlite:vestibule.db"

[keys]
master_key_file = "master.key"
issuer = "vestibule-quickstart"

[sample]
enabled = true

[plans.free]
features = []
seats = 5

[plans.team]
features = ["agents"]
seats = 50

[plans.team.limits]
agent_messages_per_month = 1000
"#
    )
}
