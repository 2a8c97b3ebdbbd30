//! The environment of all protocol clients.

use std::sync::Arc;

use vestibule_model::{Clock, Entropy, OsEntropy, SystemClock};
use vestibule_outbound::Outbound;

use crate::oidc::Cache;

/// The relying party: network access, clock, randomness and the cache of providers' documents.
/// Cheap to clone.
#[derive(Clone)]
pub struct Party {
    /// The access to the network.
    pub outbound: Outbound,
    /// The clock that tokens are validated by.
    pub clock: Arc<dyn Clock>,
    /// The source of states, nonces and verifiers.
    pub entropy: Arc<dyn Entropy>,
    /// The documents and keys of providers.
    pub cache: Arc<Cache>,
}

impl Party {
    /// Builds a party with the system's clock and randomness and an empty cache.
    pub fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            cache: Arc::new(Cache::default()),
        }
    }
}
