//! What has changed, from the store to the check and to the keyring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use vestibule_check::Core;
use vestibule_model::{BootTime, Change, Lease};
use vestibule_store::ChangeSink;

use crate::Accounts;

/// Hands the store's changes to the check. Attach it before the first request is served.
///
/// The keyring is read again by [`Duties::follow_keyring`](crate::Duties::follow_keyring), which
/// is only woken here: a sink must not block.
#[derive(Debug, Clone)]
pub struct Bridge {
    core: Core,
    keyring: Arc<KeyringWatch>,
}

/// Tells whether the keyring in memory may be another than the one in the store.
#[derive(Debug)]
pub(crate) struct KeyringWatch {
    /// Wakes whoever reads the keyring again.
    pub(crate) moved: Notify,
    /// A change was heard, or may have been missed, since the keyring was read.
    stale: AtomicBool,
    /// Without an end until somebody hears the changes of other processes.
    lease: Lease,
}

impl KeyringWatch {
    pub(crate) const fn new() -> Self {
        Self {
            moved: Notify::const_new(),
            stale: AtomicBool::new(false),
            lease: Lease::unlimited(),
        }
    }

    /// Returns whether the keyring in memory is the one in the store, as far as that is heard.
    pub(crate) fn is_current(&self, at: BootTime) -> bool {
        !self.stale.load(Ordering::SeqCst) && self.lease.holds(at)
    }

    /// To be called before the keyring is read: what is heard later makes it stale again.
    pub(crate) fn begin_reading(&self) {
        self.stale.store(false, Ordering::SeqCst);
    }

    /// Notes that the keyring in memory may be an old one.
    pub(crate) fn touch(&self) {
        self.stale.store(true, Ordering::SeqCst);
        self.moved.notify_one();
    }
}

impl Bridge {
    /// A bridge to `core` and to the keyring that it shares with `accounts`.
    pub fn new(core: Core, accounts: &Accounts) -> Self {
        Self {
            core,
            keyring: Arc::clone(&accounts.0.keyring_watch),
        }
    }
}

impl ChangeSink for Bridge {
    fn apply(&self, change: Change) {
        self.core.apply(change);
        if matches!(change, Change::Keyring | Change::Everything) {
            self.keyring.touch();
        }
    }

    fn suspend(&self) {
        self.core.suspend();
        self.keyring.lease.end();
    }

    /// A rotation may have been missed meanwhile.
    fn resume(&self, until: BootTime) {
        self.core.resume(until);
        self.keyring.touch();
        self.keyring.lease.renew(until);
    }

    fn renew(&self, until: BootTime) {
        self.core.renew(until);
        self.keyring.lease.renew(until);
    }
}
