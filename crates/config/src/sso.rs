//! `[sso]`: the places that identity providers may have.

use vestibule_outbound::Config;

use super::keys::{
    LIMITS_SSO_STARTS_PER_ADDRESS_PER_MINUTE, SSO_ALLOWED_NETWORKS, SSO_ENABLED, SSO_EXTRA_CA,
    SSO_PLAIN_HTTP_HOSTS,
};
use super::reader::Reader;
use super::settings::SsoSettings;

impl Reader<'_> {
    pub(crate) fn sso(&mut self) -> Option<SsoSettings> {
        let enabled = self.get(&SSO_ENABLED);
        let starts = self.get(&LIMITS_SSO_STARTS_PER_ADDRESS_PER_MINUTE);
        let allowed_networks = self.get(&SSO_ALLOWED_NETWORKS);
        let plain_http_hosts = self.get(&SSO_PLAIN_HTTP_HOSTS);
        let extra_ca = self.optional(&SSO_EXTRA_CA);
        let mut outbound = Config {
            allowed_networks: allowed_networks?,
            plain_http_hosts: plain_http_hosts?,
            ..Config::default()
        };
        if let Some(file) = extra_ca?
            && let Err(error) = outbound.trust_pem(&file.content)
        {
            let message = format!("names {}, which is {error}", file.path.display());
            return self.refuse(&SSO_EXTRA_CA, message);
        }
        Some(SsoSettings {
            enabled: enabled?,
            outbound,
            starts_per_address: starts?,
        })
    }
}
