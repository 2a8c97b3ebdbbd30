//! A key pair, as the store keeps it: sealed.

use std::fmt;

use vestibule_model::{Clock, Entropy, SigningKeyId, Timestamp};
use zeroize::Zeroizing;

use crate::{MasterKey, SealError};

const SEED_LENGTH: usize = 32;

/// One Ed25519 key pair. The private part is wiped when dropped and never printed.
#[derive(Clone)]
pub struct SigningKey {
    /// Its id, the `kid` of the tokens it signs.
    pub id: SigningKeyId,
    /// The time of creation.
    pub created_at: Timestamp,
    /// Since when it signs no more, where that is so.
    pub retired_at: Option<Timestamp>,
    pub(super) seed: Zeroizing<[u8; SEED_LENGTH]>,
}

impl SigningKey {
    /// A new key.
    pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; SEED_LENGTH]);
        entropy.fill(seed.as_mut_slice());
        Self {
            id: SigningKeyId::mint(clock, entropy),
            created_at: clock.now(),
            retired_at: None,
            seed,
        }
    }

    /// The private part, sealed for the store. It opens only under this key's own id.
    pub fn to_sealed(
        &self,
        master: &MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        master.seal(&context(self.id), self.seed.as_slice(), entropy)
    }

    /// The key that the store keeps sealed.
    pub fn from_sealed(
        master: &MasterKey,
        id: SigningKeyId,
        created_at: Timestamp,
        retired_at: Option<Timestamp>,
        sealed: &[u8],
    ) -> Result<Self, SealError> {
        let plain = master.open(&context(id), sealed)?;
        let seed = plain.as_slice().try_into().map_err(|_| SealError::Format)?;
        Ok(Self {
            id,
            created_at,
            retired_at,
            seed: Zeroizing::new(seed),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("retired_at", &self.retired_at)
            .finish_non_exhaustive()
    }
}

fn context(id: SigningKeyId) -> String {
    format!("signing_key:{id}")
}
