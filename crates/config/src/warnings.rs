//! What is allowed, and seldom meant.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::settings::Settings;
use super::sources::{Origin, Values};

/// Where containers are handed their secrets, which everybody in one may read.
const MOUNTED: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// What the name of a cookie begins with that no other host can set (RFC 6265bis, 4.1.3.2).
pub(super) const HOST_PREFIX: &str = "__Host-";

impl Settings {
    /// What the operator should know of these settings, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let admin = self.server.admin_listen;
        if !admin.ip().is_loopback() {
            warnings.push(format!(
                "Other machines reach server.admin_listen, {admin}: probes and metrics ask \
                 nobody for a credential."
            ));
        }
        if !self.cookie_name.starts_with(HOST_PREFIX) {
            warnings.push(format!(
                "sessions.cookie_name, {}, does not begin with {HOST_PREFIX}: neighbouring hosts \
                 can set the cookie.",
                self.cookie_name
            ));
        }
        warnings
    }
}

impl Values {
    /// Which files of secrets others than the server can read, a sentence each, with what to do.
    pub fn warnings(&self) -> Vec<String> {
        let named = self
            .0
            .iter()
            .filter_map(|(key, value)| match &value.origin {
                Origin::SecretFile(path, _) => Some((key, path)),
                _ => None,
            });
        named
            .filter_map(|(key, path)| {
                let file = SecretFile::at(path)?;
                file.is_open().then(|| {
                    format!(
                        "{key}: not only the server can read or change {} (mode {:03o}): {} {0}",
                        path.display(),
                        file.mode,
                        file.advice()
                    )
                })
            })
            .collect()
    }
}

/// Who can do what with a file of a secret.
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

    /// Whether others than the server may read or change it. What belongs to root is read by its
    /// group, which is the server's.
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

    /// What shuts it, and leaves it to the server.
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

/// Whether a container was handed this file: it lies in one of the folders for that, or, as
/// Kubernetes mounts what it hands out, behind a link into a folder like `..2026_11_22_10_00_00.1`.
fn is_mounted(path: &Path) -> bool {
    let hidden = |path: PathBuf| path.iter().any(|part| part.as_bytes().starts_with(b".."));
    MOUNTED.iter().any(|folder| path.starts_with(folder)) || path.canonicalize().is_ok_and(hidden)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rstest::rstest;

    use super::*;

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
    fn a_file_that_the_server_alone_reads_is_not_warned_of(
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
    fn how_to_shut_a_file_leaves_it_to_the_server(
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
    fn what_a_container_is_handed_is_known_by_its_place() {
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
