//! The providers behind the connections, each made once for each version.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vestibule_model::{ConnectionId, ConnectionSettings, SsoConnection, SsoProtocol};
use vestibule_sso::github::{GithubConnection, GithubProvider, GithubSite};
use vestibule_sso::oidc::{ClientAuth, Connection, OidcProvider};
use vestibule_sso::{NamedCheck, Provider};
use vestibule_store::ConnectionSecrets;

use super::settings::{algorithm_of, mapping_of};
use super::{NO_CONNECTION, Sso};
use crate::{Caller, Error, Result};

/// How many providers are kept ready.
const KEPT: usize = 1_000;

/// Which settings of a connection are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those that sign-ins go by.
    #[default]
    Live,
    /// Those that are being prepared.
    Staged,
}

type Key = (ConnectionId, i64, Which);

/// The providers that are ready.
pub(super) struct Providers(quick_cache::sync::Cache<Key, Arc<dyn Provider>>);

impl Default for Providers {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(KEPT))
    }
}

/// The settings and the sealed secret that are meant.
pub(super) fn chosen<'a>(
    connection: &'a SsoConnection,
    secrets: &'a ConnectionSecrets,
    which: Which,
) -> Result<(&'a ConnectionSettings, &'a [u8])> {
    match (which, &connection.staged, &secrets.staged) {
        (Which::Live, _, _) => Ok((&connection.live, &secrets.live)),
        (Which::Staged, Some(settings), Some(sealed)) => Ok((settings, sealed)),
        (Which::Staged, _, _) => Err(Error::NotFound {
            what: "staged change of this connection",
        }),
    }
}

impl Sso {
    /// The provider of a connection.
    pub(super) fn provider(
        &self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
        which: Which,
    ) -> Result<Arc<dyn Provider>> {
        let key = (connection.id, connection.version, which);
        if let Some(ready) = self.0.providers.0.get(&key) {
            return Ok(ready);
        }
        let (settings, sealed) = chosen(connection, secrets, which)?;
        let provider = self.provider_of(connection, settings, sealed)?;
        self.0.providers.0.insert(key, Arc::clone(&provider));
        Ok(provider)
    }

    /// A provider that is not kept.
    pub(super) fn provider_of(
        &self,
        connection: &SsoConnection,
        settings: &ConnectionSettings,
        sealed: &[u8],
    ) -> Result<Arc<dyn Provider>> {
        let party = self.0.party.clone();
        let organization = connection.organization_id.to_string();
        let auth = self.open_secret(connection.id, settings.client_auth, sealed)?;
        let (issuer, client_id) = (settings.issuer.clone(), settings.client_id.clone());
        Ok(match (settings.protocol, auth) {
            (SsoProtocol::Oidc, client_auth) => {
                let connection = Connection {
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

    /// Forgets what the providers of a connection have told.
    pub(super) fn forget(&self, connection: &SsoConnection) {
        let organization = connection.organization_id.to_string();
        let staged = connection.staged.iter();
        for settings in staged.chain([&connection.live]) {
            self.0.party.cache.forget(&organization, &settings.issuer);
        }
    }

    /// Looks a connection over, past every cache. For admins and owners.
    pub async fn preflight(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: Which,
    ) -> Result<Vec<NamedCheck>> {
        caller.needs(vestibule_model::Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let provider = self.provider(&connection, &secrets, which)?;
        Ok(provider.preflight().await)
    }

    /// The public part of a connection's own key, for the provider; `None` where it proves itself
    /// with a secret. For admins and owners.
    pub async fn client_jwk(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: Which,
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
