//! What is allowed, and seldom meant.

use super::settings::Settings;

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
