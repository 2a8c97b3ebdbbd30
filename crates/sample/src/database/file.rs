//! The file of SQLite: its log, and the proof that it is still the one that was opened.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Row as _};

use super::place::{self, Mode};

/// Connections that are never closed, see [`File::keep_open`].
static KEPT_OPEN: Mutex<Vec<AnyConnection>> = Mutex::new(Vec::new());

/// An open file of SQLite.
#[derive(Debug, Clone)]
pub(crate) struct File {
    path: PathBuf,
    /// Device and inode.
    opened: (u64, u64),
    external_checkpoints: bool,
    lost: Arc<AtomicBool>,
}

/// Makes the file, where it is missing, so that nobody but its owner can read it.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl File {
    /// Notes which file the path names now.
    pub(super) fn opened(path: &Path, external_checkpoints: bool) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        Ok(Self {
            opened: identity(&path)?,
            path,
            external_checkpoints,
            lost: Arc::default(),
        })
    }

    /// The path, from the root.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the path names another file by now, or none. Once it did, the file is lost.
    pub(crate) fn is_lost(&self) -> bool {
        let lost = match identity(&self.path) {
            Ok(now) => now != self.opened,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if lost {
            self.lost.store(true, Ordering::SeqCst);
        }
        self.lost.load(Ordering::SeqCst)
    }

    /// Keeps one connection to the file for as long as the process lives: whoever closes the last
    /// one moves the log into the file, which is another process's to do.
    pub(super) async fn keep_open(&self) -> Result<(), sqlx::Error> {
        let url = place::url(&self.path, Mode::Read)?;
        let mut connection = super::connection(&url).await?;
        // It holds the file from its first reading on.
        connection
            .execute("SELECT COUNT(*) FROM sqlite_schema")
            .await?;
        let mut kept = KEPT_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(connection);
        Ok(())
    }

    /// Does what [`empty_log`](Self::empty_log) does where the name of the file is gone, by a
    /// connection that has it open: whatever is in its place is not taken for the file that the log
    /// belongs to.
    pub(super) async fn empty_lost_log(&self, writer: &AnyPool) -> Result<(), sqlx::Error> {
        if !self.external_checkpoints {
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }

    /// Moves everything from the log into the file, unless that is another process's to do. Returns
    /// whether the log is empty now; it is not while somebody reads from it.
    pub(crate) async fn empty_log(&self) -> Result<bool, sqlx::Error> {
        if self.external_checkpoints || self.is_lost() {
            return Ok(true);
        }
        let url = place::url(&self.path, Mode::Write)?;
        let mut connection = super::connection(&url).await?;
        connection.execute("PRAGMA synchronous = FULL").await?;
        // For so long writers wait at most, where somebody reads.
        connection.execute("PRAGMA busy_timeout = 200").await?;
        let row = connection
            .fetch_one("PRAGMA wal_checkpoint(TRUNCATE)")
            .await?;
        let busy = row.try_get::<i64, _>(0)?;
        connection.close().await?;
        Ok(busy == 0)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = path.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}
