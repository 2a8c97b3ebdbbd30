//! What a check is put together from.

use std::sync::Arc;

use arc_swap::ArcSwap;
use vestibule_credential::frame::Prefix;
use vestibule_credential::keyring::Keyring;
use vestibule_model::{Clock, Plans, ProcessClock};
use vestibule_policy::{Rule, RuleTable};

use crate::cache::CacheBounds;
use crate::csrf::OwnOrigin;
use crate::directory::Directory;

/// What the check is made of.
pub struct CheckParts {
    /// Which requests need what.
    pub table: RuleTable,
    /// The plans, for the limits they set.
    pub plans: Plans,
    /// Where principals come from.
    pub directory: Arc<dyn Directory>,
    /// The keys that access tokens are signed with; `None` where none are taken.
    pub keyring: Option<Arc<ArcSwap<Keyring>>>,
    /// What every secret of this installation begins with.
    pub prefix: Prefix,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// The origin of our own pages.
    pub origin: OwnOrigin,
    /// How much is remembered, and for how long.
    pub cache: CacheBounds,
    /// How many bytes of JSON bodies and forms are in memory at once, beside the first 4 KiB of
    /// each: a half for known callers and a half for strangers, a quarter at most for one
    /// organisation, an eighth for one caller. At least [`CheckParts::LEAST_BODY_BYTES`].
    pub body_bytes: usize,
    /// The time by which credentials expire. The default is a [`ProcessClock`], which nobody steers:
    /// whoever keeps one to call [`Clock::steer`] about once a second has it follow what a time
    /// service corrects.
    pub clock: Arc<dyn Clock>,
}

impl CheckParts {
    /// Room for the bodies that are on their way, in bytes, unless configured: 64 MiB.
    pub const BODY_BYTES: usize = 64 * Rule::MAX_BODY_BYTES;

    /// The least room for them, in bytes: one caller's part still holds the largest body.
    pub const LEAST_BODY_BYTES: usize = 8 * Rule::MAX_BODY_BYTES;

    /// The parts of a check that takes keys and cookies of this directory, from pages of this
    /// origin, and is otherwise as the defaults have it.
    pub fn new(table: RuleTable, directory: Arc<dyn Directory>, origin: OwnOrigin) -> Self {
        Self {
            table,
            plans: Plans::default(),
            directory,
            keyring: None,
            prefix: Prefix::default(),
            cookie_name: DEFAULT_COOKIE_NAME.to_owned(),
            origin,
            cache: CacheBounds::default(),
            body_bytes: Self::BODY_BYTES,
            clock: Arc::new(ProcessClock::start()),
        }
    }
}

/// The name of the session cookie, unless configured. The `__Host-` prefix makes the browser
/// refuse one that another host or an unencrypted page has set (RFC 6265bis, 4.1.3.2).
pub const DEFAULT_COOKIE_NAME: &str = "__Host-vestibule";
