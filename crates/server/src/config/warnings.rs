//! What is allowed, and seldom meant.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

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
    /// Which files of secrets other people of the machine can read, a sentence each.
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
                let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
                is_open(path, mode).then(|| {
                    format!(
                        "{key}: not only its owner can read or change {} (mode {mode:03o}): \
                         chmod 600 {0}",
                        path.display()
                    )
                })
            })
            .collect()
    }
}

/// Whether others than the owner may read or change a file.
fn is_open(path: &Path, mode: u32) -> bool {
    let is_mounted = MOUNTED.iter().any(|folder| path.starts_with(folder));
    let closed = if is_mounted { 0o022 } else { 0o077 };
    mode & closed != 0
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/etc/vestibule/master.key", 0o600, false)]
    #[case("/etc/vestibule/master.key", 0o400, false)]
    #[case("/etc/vestibule/master.key", 0o640, true)]
    #[case("/etc/vestibule/master.key", 0o644, true)]
    #[case("/run/secrets/master_key", 0o444, false)]
    #[case("/run/secrets/master_key", 0o666, true)]
    fn a_file_of_a_secret_is_for_its_owner_alone(
        #[case] path: &str,
        #[case] mode: u32,
        #[case] open: bool,
    ) {
        assert_eq!(is_open(Path::new(path), mode), open);
    }
}
