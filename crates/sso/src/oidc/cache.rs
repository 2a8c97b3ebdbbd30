//! What is remembered of providers, in a bounded place.

use std::convert::Infallible;
use std::sync::Arc;

use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::{Document, Metadata};
use crate::oidc::keys::KeySet;
use crate::oidc::slot::{Kept, Slot};
use crate::party::Party;
use crate::refusal::SsoRefusal;

/// How many providers are remembered: a few kilobytes each.
const CAPACITY: usize = 2_000;

/// The documents and keys of providers, by organisation and issuer.
pub struct Cache(quick_cache::sync::Cache<(String, String), Arc<Entry>>);

#[derive(Default)]
struct Entry {
    document: Slot<Document>,
    keys: Slot<KeySet>,
}

impl Cache {
    /// A cache for this many providers.
    pub fn with_capacity(providers: usize) -> Self {
        Self(quick_cache::sync::Cache::new(providers))
    }

    /// Forgets what an organisation was told by an issuer: after its connection changed.
    pub fn forget(&self, organization: &str, issuer: &str) {
        self.0.remove(&(organization.to_owned(), issuer.to_owned()));
    }

    fn entry(&self, connection: &OidcConnection) -> Arc<Entry> {
        let key = (connection.organization.clone(), connection.issuer.clone());
        let made = self
            .0
            .get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        match made {
            Ok(entry) => entry,
        }
    }

    /// What the provider says of itself, judged for this connection.
    pub(crate) async fn metadata(
        &self,
        party: &Party,
        connection: &OidcConnection,
    ) -> Result<Metadata, SsoRefusal> {
        let OidcConnection {
            organization,
            issuer,
            algorithm,
            ..
        } = connection;
        let entry = self.entry(connection);
        let fetch = || async {
            let document = Document::fetch(&party.outbound, organization, issuer).await?;
            // A document of somebody else is not kept.
            document.check_issuer(issuer)?;
            Ok(document)
        };
        let document = entry.document.get(&*party.clock, fetch).await?;
        document.value.judge(&party.outbound, issuer, *algorithm)
    }

    /// The provider's keys.
    pub(crate) async fn keys(
        &self,
        party: &Party,
        connection: &OidcConnection,
        metadata: &Metadata,
    ) -> Result<Kept<KeySet>, SsoRefusal> {
        let entry = self.entry(connection);
        let fetch = || fetch_keys(party, connection, metadata);
        entry.keys.get(&*party.clock, fetch).await
    }

    /// Newer keys than `seen`, if it is time to ask for them.
    pub(crate) async fn newer_keys(
        &self,
        party: &Party,
        connection: &OidcConnection,
        metadata: &Metadata,
        seen: &Kept<KeySet>,
    ) -> Option<Kept<KeySet>> {
        let entry = self.entry(connection);
        let fetch = || fetch_keys(party, connection, metadata);
        entry.keys.newer(seen, &*party.clock, fetch).await
    }
}

async fn fetch_keys(
    party: &Party,
    connection: &OidcConnection,
    metadata: &Metadata,
) -> Result<KeySet, SsoRefusal> {
    KeySet::fetch(
        &party.outbound,
        &connection.organization,
        metadata.jwks_uri.clone(),
    )
    .await
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
