//! The two versions of a connection's settings, and the providers kept ready for each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vestibule_accounts::{Error, Result};
use vestibule_model::{ConnectionId, ConnectionSettings, SsoConnection};
use vestibule_sso::Provider;
use vestibule_store::ConnectionSecrets;

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

/// The settings and the sealed secret that are meant.
pub(crate) fn chosen<'a>(
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

type Key = (ConnectionId, i64, Which);

/// The providers that are ready.
pub(crate) struct Providers(pub(crate) quick_cache::sync::Cache<Key, Arc<dyn Provider>>);

impl Default for Providers {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(KEPT))
    }
}
