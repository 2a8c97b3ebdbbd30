//! The protocol clients of connections.

use std::sync::Arc;

use serde_json::Value;
use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{ConnectionId, ConnectionSettings, SsoConnection, SsoProtocol};
use vestibule_sso::github::{GithubConnection, GithubProvider, GithubSite};
use vestibule_sso::oidc::{ClientAuth, OidcConnection, OidcProvider};
use vestibule_sso::{NamedCheck, Provider};
use vestibule_store::ConnectionSecrets;

use super::settings::{algorithm_of, mapping_of};
use super::version::chosen;
use crate::{NO_CONNECTION, SettingsVersion, Sso};

impl Sso {
    /// Returns the client of a connection, kept ready for each version.
    pub(crate) fn provider(
        &self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
        which: SettingsVersion,
    ) -> Result<Arc<dyn Provider>> {
        // A change raises the version, so that a kept client never has old settings.
        let key = (connection.id, connection.version, which);
        if let Some(ready) = self.providers().0.get(&key) {
            return Ok(ready);
        }
        let (settings, sealed) = chosen(connection, secrets, which)?;
        let provider = self.provider_of(connection, settings, sealed)?;
        self.providers().0.insert(key, Arc::clone(&provider));
        Ok(provider)
    }

    /// Builds a client that is not kept.
    pub(crate) fn provider_of(
        &self,
        connection: &SsoConnection,
        settings: &ConnectionSettings,
        sealed: &[u8],
    ) -> Result<Arc<dyn Provider>> {
        let party = self.party().clone();
        let organization = connection.organization_id.to_string();
        // Opened once for each kept client, not for each sign-in.
        let auth = self.open_secret(connection.id, settings.client_auth, sealed)?;
        let (issuer, client_id) = (settings.issuer.clone(), settings.client_id.clone());
        Ok(match (settings.protocol, auth) {
            (SsoProtocol::Oidc, client_auth) => {
                let connection = OidcConnection {
                    organization,
                    issuer,
                    client_id,
                    client_auth,
                    algorithm: algorithm_of(settings)?,
                    scopes: settings.scopes.clone(),
                    trusted_audiences: settings.trusted_audiences.clone(),
                    mapping: mapping_of(&settings.claims)?,
                };
                Arc::new(OidcProvider::new(party, connection))
            }
            (
                SsoProtocol::Github,
                ClientAuth::Secret(client_secret)
                | ClientAuth::Basic(client_secret)
                | ClientAuth::Post(client_secret),
            ) => {
                let site = GithubSite::default();
                let connection = GithubConnection {
                    organization,
                    site: if issuer.trim_end_matches('/') == site.issuer {
                        site
                    } else {
                        GithubSite::enterprise(&issuer)
                    },
                    client_id,
                    client_secret,
                };
                Arc::new(GithubProvider::new(party, connection))
            }
            (SsoProtocol::Github, ClientAuth::PrivateKeyJwt(_)) => {
                return Err(Error::internal("GitHub takes no key"));
            }
        })
    }

    /// Removes the documents of a connection's providers from the cache.
    pub(crate) fn forget(&self, connection: &SsoConnection) {
        let organization = connection.organization_id.to_string();
        let staged = connection.staged.iter();
        for settings in staged.chain([&connection.live]) {
            self.party().cache.forget(&organization, &settings.issuer);
        }
    }

    /// Runs all checks of a connection against its provider, bypassing every cache. For admins and
    /// owners.
    pub async fn preflight(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: SettingsVersion,
    ) -> Result<Vec<NamedCheck>> {
        caller.needs(vestibule_model::Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let provider = self.provider(&connection, &secrets, which)?;
        Ok(provider.preflight().await)
    }

    /// Returns the public part of a connection's own key as a JWK (RFC 7517, 4), for registration
    /// at the provider. `None` if the connection authenticates with a secret. For admins and
    /// owners.
    pub async fn client_jwk(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: SettingsVersion,
    ) -> Result<Option<Value>> {
        caller.needs(vestibule_model::Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let (settings, sealed) = chosen(&connection, &secrets, which)?;
        match self.open_secret(id, settings.client_auth, sealed)? {
            ClientAuth::PrivateKeyJwt(key) => Ok(Some(key.public_jwk())),
            _ => Ok(None),
        }
    }
}
