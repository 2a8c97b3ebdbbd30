//! The memory that hashes share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::phc::Scratch;

/// A size that an allocator takes from the system, and not from a pool of small ones.
const LARGE_BYTES: usize = 4 << 20;

/// Memory of the hashes that have ended, for those to come. It is shared because the one thread
/// that waits for a job has to release what all of them have used.
#[derive(Default)]
pub(super) struct Memory {
    kept: Mutex<Vec<Scratch>>,
    /// True if the last quiet time has freed something.
    freed: AtomicBool,
}

impl Memory {
    pub(super) fn take(&self) -> Scratch {
        self.lock().pop().unwrap_or_default()
    }

    pub(super) fn keep(&self, scratch: Scratch) {
        self.lock().push(scratch);
    }

    /// Frees what is kept and, one quiet time later, has the allocator give it back to the system:
    /// mimalloc only notes what is freed, and looks at its notes when another large piece is freed.
    pub(super) fn release(&self) {
        // Freed outside the lock: giving 19 MiB back to the system takes a while.
        let kept = std::mem::take(&mut *self.lock());
        let frees = !kept.is_empty();
        drop(kept);
        if self.freed.swap(frees, Ordering::Relaxed) {
            drop(std::hint::black_box(vec![0_u8; LARGE_BYTES]));
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
