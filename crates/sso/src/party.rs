//! What every provider needs of us.

use std::sync::Arc;

use vestibule_model::{Clock, Entropy, OsEntropy, SystemClock};
use vestibule_outbound::Outbound;

use crate::oidc::Cache;

/// The relying party: us, with the way out, time, randomness, and what is remembered of providers.
/// Cheap to clone.
#[derive(Clone)]
pub struct Party {
    /// The way out to the network.
    pub outbound: Outbound,
    /// The time by which tokens are judged.
    pub clock: Arc<dyn Clock>,
    /// Where state, nonce and verifier come from.
    pub entropy: Arc<dyn Entropy>,
    /// The documents and keys of providers.
    pub cache: Arc<Cache>,
}

impl Party {
    /// A party with the machine's clock and randomness and an empty cache.
    pub fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            cache: Arc::new(Cache::default()),
        }
    }
}
