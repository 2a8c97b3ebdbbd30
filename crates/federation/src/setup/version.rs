//! The two versions of a connection's settings, and the providers kept ready for each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vestibule_accounts::{Error, Result};
use vestibule_model::{ConnectionId, ConnectionSettings, SsoConnection};
use vestibule_sso::Provider;
use vestibule_store::ConnectionSecrets;

/// The number of protocol clients kept ready.
const KEPT: usize = 1_000;

/// The versions of a connection's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsVersion {
    /// The settings that sign-ins use.
    #[default]
    Live,
    /// The staged settings.
    Staged,
}

/// Returns the settings and the sealed secret of a version.
pub(crate) fn chosen<'a>(
    connection: &'a SsoConnection,
    secrets: &'a ConnectionSecrets,
    which: SettingsVersion,
) -> Result<(&'a ConnectionSettings, &'a [u8])> {
    match (which, &connection.staged, &secrets.staged) {
        (SettingsVersion::Live, _, _) => Ok((&connection.live, &secrets.live)),
        (SettingsVersion::Staged, Some(settings), Some(sealed)) => Ok((settings, sealed)),
        (SettingsVersion::Staged, _, _) => Err(Error::NotFound {
            what: "staged change of this connection",
        }),
    }
}

type Key = (ConnectionId, i64, SettingsVersion);

/// The protocol clients kept ready, by connection and version.
pub(crate) struct Providers(pub(crate) quick_cache::sync::Cache<Key, Arc<dyn Provider>>);

impl Default for Providers {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(KEPT))
    }
}
