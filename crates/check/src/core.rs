//! The part of the check that all entry points of a process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use vestibule_credential::frame::Prefix;
use vestibule_credential::keyring::Keyring;
use vestibule_model::{BootTime, Change, Clock, CredentialRef, Plans, Timestamp};

use crate::bodies::Bodies;
use crate::cache::Cache;
use crate::denials::{DenialBatch, Denials};
use crate::directory::Directory;
use crate::flights::Flights;
use crate::limits::Limits;
use crate::parts::CoreParts;
use crate::totals::Totals;
use crate::usage::Usage;
use crate::verdict::Verdict;

/// The part of the check that all entry points of a process share: the remembered callers, the use
/// of limits, and the record of uses and denials. A process has one; a second one would give every
/// caller a second allowance. [`Core::entry_point`] makes an entry point. Cloning is cheap.
#[derive(Clone)]
pub struct Core(pub(crate) Arc<Shared>);

/// The state of a [`Core`].
pub(crate) struct Shared {
    pub(crate) plans: Plans,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) keyring: Option<Arc<ArcSwap<Keyring>>>,
    pub(crate) prefix: Prefix,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Cache,
    /// The questions that the directory has yet to answer.
    pub(crate) flights: Arc<Flights>,
    pub(crate) limits: Limits,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) usage: Usage,
    pub(crate) denials: Arc<Denials>,
    permitted: AtomicU64,
    turned_away: AtomicU64,
}

impl Core {
    /// Returns a core with nothing remembered.
    pub fn new(parts: CoreParts) -> Self {
        Self(Arc::new(Shared {
            limits: Limits::new(&parts.plans),
            denials: Arc::new(Denials::new(Arc::clone(&parts.clock))),
            plans: parts.plans,
            directory: parts.directory,
            keyring: parts.keyring,
            prefix: parts.prefix,
            clock: parts.clock,
            cache: Cache::new(parts.cache),
            flights: Arc::default(),
            bodies: Bodies::new(parts.body_bytes),
            usage: Usage::default(),
            permitted: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        }))
    }

    /// Makes a committed change hold: when this returns, no request that starts later passes on
    /// what was true before.
    pub fn apply(&self, change: Change) {
        self.0.cache.apply(change);
    }

    /// Forgets everything and remembers nothing until [`Core::resume`], because the changes of
    /// other servers cannot be heard.
    pub fn suspend(&self) {
        self.0.cache.suspend();
    }

    /// Remembers again, and uses what is remembered until this time since boot, by the clock of the
    /// core. [`Core::renew`] lets it go on.
    pub fn resume(&self, until: BootTime) {
        self.0.cache.resume(until);
    }

    /// Lets what is remembered be used until this time since boot: the changes that other servers
    /// make until then are applied before it. From then on the directory is asked every time, as
    /// after [`Core::suspend`], also where this process was stopped and could not be told.
    ///
    /// Until [`Core::suspend`] or this is called for the first time, there is no such end: nobody
    /// else makes changes.
    pub fn renew(&self, until: BootTime) {
        self.0.cache.renew(until);
    }

    /// Returns the credentials used since the last call, at most one use a minute each.
    pub fn drain_usage(&self) -> Vec<(CredentialRef, Timestamp)> {
        self.0.usage.drain()
    }

    /// Waits until so many uses wait for [`drain_usage`](Self::drain_usage) that it should not wait
    /// for its turn.
    pub async fn usage_filling(&self) {
        self.0.usage.filling().await;
    }

    /// Returns the denials of known callers since the last call.
    pub fn drain_denials(&self) -> DenialBatch {
        self.0.denials.drain()
    }

    /// Forgets the counts of those who have their full allowance again. To be called every few
    /// seconds.
    pub fn forget_idle_limits(&self) {
        self.0.limits.forget_idle();
    }

    /// Forgets the remembered credentials whose time is up. To be called about once a minute: what
    /// is not swept goes with later credentials, and is never used.
    pub fn forget_expired(&self) {
        self.0.cache.sweep(self.0.clock.now());
    }

    /// Returns the number of requests that were judged, and what the process remembers.
    pub fn totals(&self) -> Totals {
        Totals {
            permitted: self.0.permitted.load(Ordering::Relaxed),
            denied: self.0.denials.count(),
            turned_away: self.0.turned_away.load(Ordering::Relaxed),
            remembered: self.0.cache.len(),
            remembered_bytes: self.0.cache.bytes(),
            body_bytes: self.0.bodies.taken_bytes(),
        }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Counts a verdict in the totals.
    pub(crate) fn count(&self, verdict: &Verdict) {
        let counter = match verdict {
            Ok(_) => &self.permitted,
            Err(denial) if denial.caller.is_none() => &self.turned_away,
            // Noted already, and so counted.
            Err(_) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
