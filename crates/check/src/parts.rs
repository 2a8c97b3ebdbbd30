//! The parts of a core.

use std::sync::Arc;

use arc_swap::ArcSwap;
use vestibule_credential::frame::Prefix;
use vestibule_credential::keyring::Keyring;
use vestibule_model::{Clock, Plans, ProcessClock};
use vestibule_policy::Rule;

use crate::cache::CacheBounds;
use crate::directory::Directory;

/// The parts of a [`Core`](crate::Core).
pub struct CoreParts {
    /// The plans, for the limits they set.
    pub plans: Plans,
    /// The source of principals.
    pub directory: Arc<dyn Directory>,
    /// The keys that access tokens are signed with; `None` where none are taken.
    pub keyring: Option<Arc<ArcSwap<Keyring>>>,
    /// The prefix of every secret of this installation.
    pub prefix: Prefix,
    /// The bounds of the cache, in bytes, entries and time.
    pub cache: CacheBounds,
    /// The most bytes of JSON bodies and forms that are in memory at once, beside the first 4 KiB of
    /// each: a half for known callers and a half for strangers, a quarter at most for one
    /// organisation, an eighth for one caller. At least [`CoreParts::LEAST_BODY_BYTES`].
    pub body_bytes: usize,
    /// The time by which credentials expire. The default is a [`ProcessClock`], which nobody steers:
    /// whoever keeps one to call [`Clock::steer`] about once a second has it follow what a time
    /// service corrects.
    pub clock: Arc<dyn Clock>,
}

impl CoreParts {
    /// The budget of bodies in flight, in bytes, unless configured: 64 MiB.
    pub const BODY_BYTES: usize = 64 * Rule::MAX_BODY_BYTES;

    /// The least budget, in bytes: one caller's part still holds the largest body.
    pub const LEAST_BODY_BYTES: usize = 8 * Rule::MAX_BODY_BYTES;

    /// Returns the parts of a core that accepts the keys and cookies of this directory, and has the
    /// defaults otherwise.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self {
            plans: Plans::default(),
            directory,
            keyring: None,
            prefix: Prefix::default(),
            cache: CacheBounds::default(),
            body_bytes: Self::BODY_BYTES,
            clock: Arc::new(ProcessClock::start()),
        }
    }
}
