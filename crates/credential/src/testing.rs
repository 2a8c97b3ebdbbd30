//! What the tests of this crate share.

use std::sync::atomic::{AtomicU64, Ordering};

use vestibule_model::{Digest, Entropy};

/// Entropy that gives the same bytes in every run.
pub(crate) struct Predictable(AtomicU64);

impl Predictable {
    pub(crate) fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Predictable {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            let block = Digest::of(&count.to_le_bytes());
            chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        }
    }
}
