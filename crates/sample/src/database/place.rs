//! The place of the database: a file by its path, or a URL.

use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The sample's database. `Debug` shows no URL, which may hold a password.
#[derive(Clone)]
pub struct SampleDatabase {
    pub(super) place: Place,
    pub(super) external_checkpoints: bool,
}

#[derive(Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

/// The rights of a connection to a file. None of them creates the file.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    Read,
    Write,
}

impl SampleDatabase {
    /// A file of SQLite.
    ///
    /// It has to be the sample's own: a move keeps it locked while it waits for the grants to
    /// follow, which a store in the same file could not write.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self::at(Place::Sqlite(file.into()))
    }

    /// A database of PostgreSQL, `postgres://user@host/database`, where the tables may stand beside
    /// others.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::at(Place::Postgres(url.into()))
    }

    const fn at(place: Place) -> Self {
        Self {
            place,
            external_checkpoints: false,
        }
    }

    /// Leaves it to another process to move changes from SQLite's log into the file.
    #[must_use]
    pub const fn with_external_checkpoints(mut self) -> Self {
        self.external_checkpoints = true;
        self
    }

    /// The file, where it is SQLite.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Sqlite(file) => Some(file),
            Place::Postgres(_) => None,
        }
    }
}

impl fmt::Debug for SampleDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleDatabase").finish_non_exhaustive()
    }
}

/// The URL of a file, for a driver that takes nothing else.
///
/// The path is encoded twice. The driver decodes once, and only to UTF-8; what it then hands to
/// SQLite is a URI again (<https://www.sqlite.org/uri.html>), which stands for any bytes.
pub(super) fn url(file: &Path, mode: Mode) -> io::Result<String> {
    let path = std::path::absolute(file)?;
    let uri = format!("file://{}", encoded(path.as_os_str().as_bytes()));
    let mode = match mode {
        Mode::Read => "ro",
        Mode::Write => "rw",
    };
    Ok(format!("sqlite:{}?mode={mode}", encoded(uri.as_bytes())))
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                text.push(char::from(*byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_path_of_any_bytes_is_encoded_for_the_driver_and_for_sqlite() {
        let path = OsStr::from_bytes(b"/srv/a?b/C#/\xff.db");
        assert_eq!(
            url(Path::new(path), Mode::Write).unwrap(),
            "sqlite:file%3A///srv/a%253Fb/C%2523/%25FF.db?mode=rw"
        );
    }
}
