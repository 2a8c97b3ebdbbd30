//! Room on the disk that only revocations may use.
//!
//! A file beside the database takes 4 MiB. Where the disk is full, whoever takes a right away deletes
//! the file and tries again; whatever else writes is refused until there is room for the file anew.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// The size of the file.
const BYTES: u64 = 4 * 1_024 * 1_024;

/// The room that is left for others when the file is made.
const MARGIN: u64 = 1_024 * 1_024;

/// Less room than that counts as none, whatever SQLite calls the error.
const FULL: u64 = 512 * 1_024;

/// The size of a block in the count of `MetadataExt::blocks`.
const BLOCK: u64 = 512;

/// The file, and whether it was given away.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: PathBuf,
    released: AtomicBool,
    /// True if the log says already that the file cannot be made.
    told: AtomicBool,
}

impl Reserve {
    /// The reserve of a database. Makes no file.
    pub(crate) fn beside(database: &Path) -> Self {
        let mut file = database.as_os_str().to_owned();
        file.push("-reserve");
        Self {
            file: file.into(),
            released: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    /// Returns whether it was given away and is not back, or there is no room for one.
    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::SeqCst)
    }

    /// Gives the room away where there is no other. Returns whether a try makes sense now that did
    /// not before.
    pub(crate) fn release(&self, is_full: bool) -> bool {
        let has_room = || self.room().is_ok_and(|room| room >= FULL);
        if !is_full && has_room() {
            return false;
        }
        match std::fs::remove_file(&self.file) {
            Ok(()) => {
                self.note_released();
                true
            }
            // Somebody else was faster, and there is room now.
            Err(_) => self.is_released() && has_room(),
        }
    }

    /// Notes a reserve that was given away before this process opened the database. Makes none: a
    /// command ends before it could be of use.
    pub(crate) fn notice(&self) {
        let is_short = || self.room().is_ok_and(|room| room < BYTES + MARGIN);
        if !self.is_whole() && is_short() {
            self.note_released();
        }
    }

    /// Makes the file where there is none and there is room for it. Says so in the log, once, where
    /// it cannot.
    pub(crate) fn look_after(&self) {
        match self.keep() {
            Ok(()) => self.told.store(false, Ordering::SeqCst),
            Err(error) => {
                if !self.told.swap(true, Ordering::SeqCst) {
                    tracing::warn!(%error, "no room can be kept for revocations");
                }
            }
        }
    }

    fn keep(&self) -> io::Result<()> {
        if self.is_whole() {
            self.released.store(false, Ordering::SeqCst);
            return Ok(());
        }
        if self.room()? < BYTES + MARGIN {
            // It was given away by another process, or before this one began, and what is left of it
            // is still for revocations.
            self.note_released();
            return Ok(());
        }
        if let Err(error) = self.make() {
            // A part of it would only be in the way.
            let _: io::Result<()> = std::fs::remove_file(&self.file);
            return Err(error);
        }
        self.released.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn note_released(&self) {
        if !self.released.swap(true, Ordering::SeqCst) {
            tracing::error!("no space is left on the disk: only revocations are stored");
        }
    }

    fn make(&self) -> io::Result<()> {
        // Whatever has the name is not written into: it may be a link to somebody's file, or a pipe
        // whose other end nobody reads.
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.file)?;
        allocate(&file)?;
        file.sync_all()
    }

    /// Returns whether the file is there with all its blocks, and not only with its length.
    fn is_whole(&self) -> bool {
        let is_whole =
            |it: Metadata| it.is_file() && it.len() >= BYTES && it.blocks() * BLOCK >= BYTES;
        self.file.symlink_metadata().is_ok_and(is_whole)
    }

    /// The bytes that are free where the file is.
    fn room(&self) -> io::Result<u64> {
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        let system = statvfs(folder)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
}

/// Takes the blocks, without writing where the file system can do so.
fn allocate(file: &File) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, BYTES) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => fill(file),
        done => Ok(done?),
    }
}

/// Takes the blocks by writing what no file system leaves out or makes smaller.
fn fill(mut file: &File) -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = [0; 4_096];
    for _ in 0..BYTES / 4_096 {
        for bytes in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        io::Write::write_all(&mut file, &block)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_whole_and_private_and_given_away_once() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&folder.path().join("v.db"));
        assert!(!reserve.release(true), "there is none yet");
        assert!(!reserve.is_released());
        reserve.keep().unwrap();
        let file = folder.path().join("v.db-reserve");
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert!(metadata.len() == BYTES && metadata.blocks() * BLOCK >= BYTES);
        assert!(!reserve.release(false), "there is room");
        assert!(reserve.release(true));
        assert!(reserve.is_released() && !file.exists());
        reserve.keep().unwrap();
        assert!(!reserve.is_released() && file.exists());
        // Without blocks it is none.
        File::create(&file).unwrap().set_len(BYTES).unwrap();
        reserve.keep().unwrap();
        assert!(file.metadata().unwrap().blocks() * BLOCK >= BYTES);
    }

    #[test]
    fn what_a_link_of_its_name_leads_to_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "kept").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("v.db-reserve")).unwrap();
        let reserve = Reserve::beside(&folder.path().join("v.db"));
        reserve.keep().unwrap();
        assert!(reserve.is_whole());
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "kept");
    }

    #[test]
    fn one_that_another_process_gave_away_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&folder.path().join("v.db"));
        reserve.keep().unwrap();
        std::fs::remove_file(folder.path().join("v.db-reserve")).unwrap();
        // There is room, so it is back at once.
        reserve.keep().unwrap();
        assert!(reserve.is_whole() && !reserve.is_released());
    }

    #[test]
    fn what_is_filled_has_all_its_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("filled");
        fill(&File::create(&path).unwrap()).unwrap();
        assert_eq!(path.metadata().unwrap().len(), BYTES);
    }
}
