//! A bounded cache of providers' documents and keys.

use std::convert::Infallible;
use std::sync::Arc;

use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::Document;
use crate::oidc::keys::KeySet;
use crate::oidc::slot::Slot;

/// The number of providers that are cached, a few kilobytes each.
const CAPACITY: usize = 2_000;

/// The documents and keys of providers, by organisation and issuer.
pub struct Cache(quick_cache::sync::Cache<(String, String), Arc<Entry>>);

/// The documents of one issuer, for one organisation.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) document: Slot<Document>,
    pub(crate) keys: Slot<KeySet>,
}

impl Cache {
    /// Builds a cache for this many providers.
    pub fn with_capacity(providers: usize) -> Self {
        Self(quick_cache::sync::Cache::new(providers))
    }

    /// Removes the entry of an issuer, after a connection to it changed.
    pub fn forget(&self, organization: &str, issuer: &str) {
        self.0.remove(&(organization.to_owned(), issuer.to_owned()));
    }

    pub(crate) fn entry(&self, connection: &OidcConnection) -> Arc<Entry> {
        let key = (connection.organization.clone(), connection.issuer.clone());
        let made = self
            .0
            .get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        match made {
            Ok(entry) => entry,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({} providers)", self.0.len())
    }
}
