//! The documents and keys of providers, fetched through the cache.

use crate::oidc::connection::OidcConnection;
use crate::oidc::discovery::{Document, Metadata};
use crate::oidc::keys::KeySet;
use crate::oidc::slot::Kept;
use crate::party::Party;
use crate::refusal::SsoRefusal;

impl Party {
    /// Returns the provider's metadata, validated for this connection.
    pub(crate) async fn metadata(
        &self,
        connection: &OidcConnection,
    ) -> Result<Metadata, SsoRefusal> {
        let OidcConnection {
            organization,
            issuer,
            algorithm,
            ..
        } = connection;
        let entry = self.cache.entry(connection);
        let fetch = || async {
            let document = Document::fetch(&self.outbound, organization, issuer).await?;
            // Refused before it is cached, so that a wrong document is fetched again.
            document.check_issuer(issuer)?;
            Ok(document)
        };
        let document = entry.document.get(&*self.clock, fetch).await?;
        // Validated on each use: two connections may share the document and differ in algorithm.
        document.value.judge(&self.outbound, issuer, *algorithm)
    }

    /// Returns the provider's keys.
    pub(crate) async fn keys(
        &self,
        connection: &OidcConnection,
        metadata: &Metadata,
    ) -> Result<Kept<KeySet>, SsoRefusal> {
        let entry = self.cache.entry(connection);
        let fetch = || fetch_keys(self, connection, metadata);
        entry.keys.get(&*self.clock, fetch).await
    }

    /// Returns keys newer than `seen`, unless they were requested too recently.
    pub(crate) async fn newer_keys(
        &self,
        connection: &OidcConnection,
        metadata: &Metadata,
        seen: &Kept<KeySet>,
    ) -> Option<Kept<KeySet>> {
        let entry = self.cache.entry(connection);
        let fetch = || fetch_keys(self, connection, metadata);
        entry.keys.newer(seen, &*self.clock, fetch).await
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
