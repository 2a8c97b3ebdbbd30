//! What has changed, from the store to the check and to the keyring.

use std::sync::Arc;

use tokio::sync::Notify;
use vestibule_check::Check;
use vestibule_model::Change;
use vestibule_store::ChangeSink;

use crate::Accounts;

/// Hands the store's changes to the check. Attach it before the first request is served.
///
/// The keyring is read again by [`Duties::follow_keyring`](crate::Duties::follow_keyring), which
/// is only woken here: a sink must not block.
#[derive(Debug, Clone)]
pub struct Bridge {
    check: Check,
    keyring_moved: Arc<Notify>,
}

impl Bridge {
    /// A bridge to `check` and to the keyring that it shares with `accounts`.
    pub fn new(check: Check, accounts: &Accounts) -> Self {
        Self {
            check,
            keyring_moved: Arc::clone(&accounts.0.keyring_moved),
        }
    }
}

impl ChangeSink for Bridge {
    fn apply(&self, change: Change) {
        self.check.apply(change);
        if matches!(change, Change::Keyring | Change::Everything) {
            self.keyring_moved.notify_one();
        }
    }

    fn suspend(&self) {
        self.check.suspend();
    }

    /// A rotation may have been missed meanwhile.
    fn resume(&self) {
        self.check.resume();
        self.keyring_moved.notify_one();
    }
}
