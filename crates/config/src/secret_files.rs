//! Files that hold secrets, and the people who can read them.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::kind::Raw;
use super::names;
use super::provenance::Provenance;
use super::values::Values;

/// The folders in which containers get their secrets, readable by every user inside.
const MOUNTED: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// A file that holds a secret and that others can read or change.
pub(crate) struct Exposed {
    pub(crate) key: String,
    pub(crate) provenance: Provenance,
    /// The rest of a sentence that begins with the key.
    pub(crate) message: String,
    /// The command that closes the file.
    pub(crate) hint: String,
}

/// Finds the files with a secret that others than the server can read or change: those named by a
/// key that ends in `_file`, and the configuration file if a secret stands in it.
pub(crate) fn exposed(values: &Values) -> Vec<Exposed> {
    let mut found = Vec::new();
    for (key, value) in &values.by_key {
        let path = match &value.provenance {
            Provenance::SecretFile(path, _) => path,
            Provenance::File(path) if names::is_secret(key) && holds_secret(&value.raw) => path,
            _ => continue,
        };
        let Some(file) = SecretFile::at(path).filter(SecretFile::is_open) else {
            continue;
        };
        found.push(Exposed {
            key: key.clone(),
            provenance: value.provenance.clone(),
            message: format!(
                "is in {}, which not only the server can read or change (mode {:03o})",
                path.display(),
                file.mode
            ),
            hint: format!("{} {}", file.advice(), path.display()),
        });
    }
    found
}

/// Returns false for the URL of a database without a password. Every other value of a secret key
/// is a secret.
fn holds_secret(raw: &Raw) -> bool {
    let Raw::Text(text) = raw else {
        return true;
    };
    if text.starts_with("sqlite:") {
        return false;
    }
    let Some((_, rest)) = text.split_once("://") else {
        return true;
    };
    // Everything up to the last `@` names the user: a password may hold another one.
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || rest.contains("password=")
}

/// Owner and mode of a file that holds a secret.
struct SecretFile {
    mode: u32,
    is_of_root: bool,
    is_mounted: bool,
}

impl SecretFile {
    fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            mode: metadata.mode() & 0o777,
            is_of_root: metadata.uid() == 0,
            is_mounted: is_mounted(path),
        })
    }

    /// Returns true if others than the server may read or change the file. The group of a file of
    /// root may read it: it is the server's.
    fn is_open(&self) -> bool {
        let closed = match self {
            Self {
                is_mounted: true, ..
            } => 0o022,
            Self {
                is_of_root: true, ..
            } => 0o027,
            _ => 0o077,
        };
        self.mode & closed != 0
    }

    /// Returns the command that closes the file and leaves it to the server.
    const fn advice(&self) -> &'static str {
        match self {
            Self {
                is_mounted: true, ..
            } => "chmod go-w",
            Self {
                is_of_root: true, ..
            } => "give it to the group of the server, then chmod 640",
            _ => "let it belong to the user of the server, then chmod 600",
        }
    }
}

/// Returns true for a secret that a container was given: it lies in one of the folders for that, or
/// behind a link into a folder like `..2026_11_22_10_00_00.1`, as Kubernetes mounts secrets.
fn is_mounted(path: &Path) -> bool {
    let hidden = |path: PathBuf| path.iter().any(|part| part.as_bytes().starts_with(b".."));
    MOUNTED.iter().any(|folder| path.starts_with(folder)) || path.canonicalize().is_ok_and(hidden)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sqlite:vestibule.db", false)]
    #[case("postgres://db/vestibule", false)]
    #[case("postgres://ada@db/vestibule", false)]
    #[case("postgres://ada:engine@db/vestibule", true)]
    #[case("postgres://ada:en@gine@db/vestibule", true)]
    #[case("postgres://db/vestibule?user=ada&password=engine", true)]
    #[case("4242", true)]
    fn a_url_is_a_secret_only_with_a_password(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(holds_secret(&Raw::Text(text.to_owned())), expected);
    }

    fn file(mode: u32, is_of_root: bool, is_mounted: bool) -> SecretFile {
        SecretFile {
            mode,
            is_of_root,
            is_mounted,
        }
    }

    #[rstest]
    #[case::of_the_server(0o600, false, false)]
    #[case::read_only(0o400, false, false)]
    #[case::of_root_for_the_server_s_group(0o640, true, false)]
    #[case::of_a_container(0o444, true, true)]
    fn a_file_that_only_the_server_reads_is_closed(
        #[case] mode: u32,
        #[case] is_of_root: bool,
        #[case] is_mounted: bool,
    ) {
        assert!(!file(mode, is_of_root, is_mounted).is_open());
    }

    #[rstest]
    #[case::group(0o640, false, false, "user of the server, then chmod 600")]
    #[case::everybody(0o644, false, false, "user of the server, then chmod 600")]
    #[case::everybody_reads_root_s(0o644, true, false, "group of the server, then chmod 640")]
    #[case::the_group_writes_root_s(0o660, true, false, "group of the server, then chmod 640")]
    #[case::of_a_container(0o666, true, true, "chmod go-w")]
    fn the_advice_leaves_the_file_to_the_server(
        #[case] mode: u32,
        #[case] is_of_root: bool,
        #[case] is_mounted: bool,
        #[case] advice: &str,
    ) {
        let file = file(mode, is_of_root, is_mounted);
        assert!(file.is_open());
        assert!(file.advice().ends_with(advice), "{}", file.advice());
    }

    #[test]
    fn secrets_of_containers_are_known_by_their_place() {
        assert!(is_mounted(Path::new("/run/secrets/master_key")));
        assert!(!is_mounted(Path::new("/etc/vestibule/master.key")));
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("..2026_11_22_10_00_00.1")).unwrap();
        symlink("..2026_11_22_10_00_00.1", at("..data")).unwrap();
        std::fs::write(at("..data/master_key"), "secret").unwrap();
        symlink("..data/master_key", at("master_key")).unwrap();
        assert!(is_mounted(&at("master_key")));
        std::fs::write(at("other"), "secret").unwrap();
        assert!(!is_mounted(&at("other")));
    }
}
