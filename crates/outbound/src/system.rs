//! Names as this machine resolves them.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

use crate::error::DnsError;
use crate::resolver::Resolver;

/// The longest that one name server may take, in one attempt.
const ATTEMPT: Duration = Duration::from_secs(2);

/// The machine's own resolver: addresses as the operating system gives them (hosts file and name
/// services included), TXT records from the configured name servers.
pub struct SystemResolver {
    dns: Result<TokioResolver, String>,
}

impl SystemResolver {
    /// Reads the machine's configuration once. If it cannot be read, TXT look-ups say so.
    pub fn new() -> Self {
        let dns = TokioResolver::builder_tokio().and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = ATTEMPT;
            options.attempts = 2;
            options.cache_size = 0;
            builder.build()
        });
        Self {
            dns: dns.map_err(|error| error.to_string()),
        }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolver for SystemResolver {
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, DnsError>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            // The operating system does not tell an unknown name from other failures.
            let found = found.map_err(|error| unavailable(name, &error.to_string()))?;
            let addresses: Vec<_> = found.map(|socket| socket.ip()).collect();
            if addresses.is_empty() {
                return Err(not_found(name));
            }
            Ok(addresses)
        })
    }

    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, DnsError>> {
        Box::pin(async move {
            let dns = match &self.dns {
                Ok(dns) => dns,
                Err(detail) => return Err(unavailable(name, detail)),
            };
            // With its dot the name is taken as it is; no search domain is tried behind it.
            let absolute = format!("{}.", name.trim_end_matches('.'));
            let lookup = dns.txt_lookup(absolute).await.map_err(|error| {
                if error.is_no_records_found() {
                    not_found(name)
                } else {
                    unavailable(name, &error.to_string())
                }
            })?;
            let texts: Vec<_> = lookup
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(txt) => {
                        Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned())
                    }
                    _ => None,
                })
                .collect();
            if texts.is_empty() {
                return Err(not_found(name));
            }
            Ok(texts)
        })
    }
}

fn not_found(name: &str) -> DnsError {
    let name = name.to_owned();
    DnsError::NotFound { name }
}

fn unavailable(name: &str, detail: &str) -> DnsError {
    DnsError::Unavailable {
        name: name.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_machines_own_name_needs_no_internet() {
        let addresses = SystemResolver::new().addresses("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
