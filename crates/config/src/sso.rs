//! `[sso]`: where identity providers may be.

use std::net::IpAddr;

use vestibule_model::Network;
use vestibule_outbound::Config;

use super::kind::Raw;
use super::reader::Reader;
use super::settings::SsoSettings;
use super::sources::Value;

impl Reader<'_> {
    pub(super) fn sso(&mut self) -> Option<SsoSettings> {
        let enabled = self.flag("sso.enabled");
        let starts = self.positive("limits.sso_starts_per_address_per_minute");
        let allowed_networks = self.networks("sso.allowed_networks");
        let plain_http_hosts = self.hosts("sso.plain_http_hosts");
        let mut outbound = Config {
            allowed_networks: allowed_networks?,
            plain_http_hosts: plain_http_hosts?,
            ..Config::default()
        };
        self.trust("sso.extra_ca", &mut outbound)?;
        Some(SsoSettings {
            enabled: enabled?,
            outbound,
            starts_per_address: starts?,
        })
    }

    fn list(&mut self, key: &str) -> Option<Vec<String>> {
        match &self.value(key)?.raw {
            Raw::List(items) => Some(items.clone()),
            _ => self.refuse(key, "must be a list of texts"),
        }
    }

    pub(super) fn networks(&mut self, key: &str) -> Option<Vec<Network>> {
        let items = self.list(key)?;
        let networks = items.iter().map(|item| {
            let network = item.parse::<Network>();
            network.map_err(|error| format!("has {item:?}, which {error}"))
        });
        match networks.collect() {
            Ok(networks) => Some(networks),
            Err(message) => self.refuse(key, message),
        }
    }

    fn hosts(&mut self, key: &str) -> Option<Vec<String>> {
        let items = self.list(key)?;
        let wrong = |item: &&String| item.is_empty() || item.contains(['/', '@', ' ', '*']);
        if let Some(item) = items.iter().find(wrong) {
            let message = format!("has {item:?}, which must be a name or an address alone");
            return self.refuse(key, message);
        }
        let bare = |item: &String| {
            let bare = item.trim_matches(['[', ']']).to_ascii_lowercase();
            // As URLs have it when they are compared: `2001:0db8::1` is `2001:db8::1` there.
            match bare.parse::<IpAddr>() {
                Ok(address) => address.to_string(),
                Err(_) => bare,
            }
        };
        Some(items.iter().map(bare).collect())
    }

    /// Reads the file, which lies beside the configuration that names it.
    fn trust(&mut self, key: &str, outbound: &mut Config) -> Option<()> {
        let Some(Value { raw, origin }) = self.value(key) else {
            return Some(());
        };
        let Raw::Text(file) = raw else {
            return self.refuse(key, "must name a file");
        };
        let file = match origin.base() {
            Some(base) => base.join(file),
            None => file.into(),
        };
        let pem = match std::fs::read(&file) {
            Ok(pem) => pem,
            Err(error) => {
                let message = format!("names {}, which cannot be read: {error}", file.display());
                return self.refuse(key, message);
            }
        };
        match outbound.trust_pem(&pem) {
            Ok(_) => Some(()),
            Err(error) => self.refuse(key, format!("names {}, which is {error}", file.display())),
        }
    }
}
