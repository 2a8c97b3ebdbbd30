//! Settings that are allowed and seldom meant.

use super::secret_files;
use super::settings::{HOST_PREFIX, Settings};
use super::values::Values;

impl Settings {
    /// Returns a sentence for each setting that an operator should know of.
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
    /// Returns a sentence for each file with a secret that others than the server can read or
    /// change, with the command that closes it.
    pub fn warnings(&self) -> Vec<String> {
        let exposed = secret_files::exposed(self).into_iter();
        exposed
            .map(|file| format!("{} {}: {}", file.key, file.message, file.hint))
            .collect()
    }
}
