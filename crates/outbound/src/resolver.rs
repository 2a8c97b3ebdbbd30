//! Names become addresses, and domains prove themselves.

use std::collections::HashMap;
use std::net::IpAddr;

use futures_util::future::BoxFuture;

use crate::error::DnsError;

/// A resolver of host names. Tests pass [`FixedResolver`] and need no network.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a host name, in the order to try them. Never empty.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, DnsError>>;

    /// The TXT records of a name, the strings of each record joined (RFC 7208, 3.3). Never empty.
    /// Asked anew each time: who has just published a proof does not wait for a cache of ours.
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, DnsError>>;
}

/// A resolver that answers from two tables and knows nothing else.
#[derive(Debug, Clone, Default)]
pub struct FixedResolver {
    addresses: HashMap<String, Vec<IpAddr>>,
    texts: HashMap<String, Vec<String>>,
}

impl FixedResolver {
    /// A resolver to which every name is unknown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also knows this name's addresses.
    #[must_use]
    pub fn with_addresses(mut self, name: &str, addresses: &[IpAddr]) -> Self {
        self.addresses.insert(name.to_owned(), addresses.to_vec());
        self
    }

    /// Also knows this name's TXT records.
    #[must_use]
    pub fn with_texts(mut self, name: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        self.texts.insert(name.to_owned(), texts);
        self
    }
}

fn look_up<T: Clone>(table: &HashMap<String, Vec<T>>, name: &str) -> Result<Vec<T>, DnsError> {
    let found = table.get(name).filter(|found| !found.is_empty());
    found.cloned().ok_or_else(|| DnsError::NotFound {
        name: name.to_owned(),
    })
}

impl Resolver for FixedResolver {
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, DnsError>> {
        Box::pin(async move { look_up(&self.addresses, name) })
    }

    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, DnsError>> {
        Box::pin(async move { look_up(&self.texts, name) })
    }
}
