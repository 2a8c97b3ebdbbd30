//! The files of a database, and the proof that they are still those that were opened.
//!
//! SQLite goes on with what it has opened when the file is renamed or deleted: a server would then
//! answer from a database that nobody else sees, and acknowledge changes that are lost with the
//! last descriptor. What is written into the same file in place (`cp other.db vestibule.db`) cannot
//! be told from SQLite's own writing.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::StoreError;

/// Device and inode.
type Identity = (u64, u64);

/// The files of an open database.
#[derive(Debug)]
pub(crate) struct Files {
    /// As it was named, and absolute: a symbolic link may be turned to another file.
    main: PathBuf,
    opened: Identity,
    /// The log and its index. They lie beside the file that the name resolves to, and stay for as
    /// long as there is a connection that has read.
    beside: [PathBuf; 2],
    opened_beside: OnceLock<[Identity; 2]>,
    lost: AtomicBool,
}

impl Files {
    /// Notes which file `main`, an absolute path, names now.
    pub(super) fn at(main: PathBuf) -> io::Result<Self> {
        let opened = identity(&main.metadata()?);
        let resolved = main.canonicalize()?;
        let beside = ["-wal", "-shm"].map(|ending| {
            let mut name = resolved.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        });
        Ok(Self {
            main,
            opened,
            beside,
            opened_beside: OnceLock::new(),
            lost: AtomicBool::new(false),
        })
    }

    /// Notes the log and its index, which are there once a connection has read. Compared from then
    /// on; a database without a log has none to lose.
    pub(super) fn note_log(&self) {
        let [log, index] = &self.beside;
        if let (Ok(log), Ok(index)) = (log.metadata(), index.metadata()) {
            let _ = self.opened_beside.set([identity(&log), identity(&index)]);
        }
    }

    /// The file.
    pub(crate) fn main(&self) -> &Path {
        &self.main
    }

    /// The bytes of the log; none where there is no log.
    pub(super) fn log_bytes(&self) -> u64 {
        let [log, _] = &self.beside;
        log.metadata().map_or(0, |log| log.len())
    }

    /// Refuses to go on once a file is another than the one that was opened. Looks at the names: a
    /// few microseconds.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.refuse_lost()?;
        let beside = self.opened_beside.get().into_iter();
        let beside = beside.flat_map(|opened| self.beside.iter().zip(opened));
        for (path, opened) in std::iter::once((&self.main, &self.opened)).chain(beside) {
            if !is(path, *opened)? {
                self.lost.store(true, Ordering::SeqCst);
            }
        }
        self.refuse_lost()
    }

    /// Refuses to go on once [`check`](Self::check) has found a loss, without looking again.
    pub(crate) fn refuse_lost(&self) -> Result<(), StoreError> {
        if self.is_lost() {
            return Err(StoreError::Unavailable(format!(
                "{} was replaced or removed",
                self.main.display()
            )));
        }
        Ok(())
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

/// Returns true if `path` still names this file. Fails where the system does not say.
fn is(path: &Path, opened: Identity) -> Result<bool, StoreError> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match path.metadata() {
        Ok(now) => Ok(identity(&now) == opened),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(sqlx::Error::Io(error).into()),
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}
