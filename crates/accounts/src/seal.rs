//! Sealing with the master key, for what is stored or handed out unread.

use vestibule_credential::MasterKey;
use zeroize::Zeroizing;

use crate::{Accounts, Result};

impl Accounts {
    /// Seals `plain` with the master key. Only [`open_sealed`](Self::open_sealed) with the same
    /// `context` opens it again.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.master_key.seal(context, plain, self.entropy())?)
    }

    /// Opens what [`seal`](Self::seal) sealed for the same `context`.
    ///
    /// # Errors
    /// Fails for bytes that were changed, or sealed with another key or for another context.
    pub fn open_sealed(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.0.master_key.open(context, sealed)?)
    }

    /// Derives a key for one purpose from the master key, for what anybody may have sealed as often
    /// as they like: the number of messages under one key is limited.
    pub fn derived_key(&self, purpose: &str) -> MasterKey {
        self.0.master_key.derive(purpose)
    }
}
