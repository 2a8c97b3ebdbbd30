//! Operations that take rights away, and so are stored on a full disk, too.

use crate::{Accounts, Error, Result};

tokio::task_local! {
    /// Set while an operation runs that takes rights away and gives none.
    static REVOKING: ();
}

/// Returns whether an operation runs that takes rights away and gives none.
pub(crate) fn is_revoking() -> bool {
    REVOKING.try_with(|()| ()).is_ok()
}

impl Accounts {
    /// Runs an operation that takes rights away and gives none: where the disk is full, once more in
    /// the room that is kept for such operations alone. What failed has changed nothing.
    pub async fn revoking<T, F>(&self, operation: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let done = REVOKING.scope((), operation()).await;
        let is_full = match &done {
            Err(Error::Full(_)) => true,
            // SQLite has other names for it, too, where it is its index of the log that cannot grow.
            Err(Error::Unavailable(_)) => false,
            _ => return done,
        };
        if self.0.store.release_reserve(is_full).await {
            return REVOKING.scope((), operation()).await;
        }
        done
    }
}
