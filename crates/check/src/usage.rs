//! Which credentials were used, for `last_used_at` and the idle end of sessions: counted in
//! memory, written by somebody else in batches, never on a request's own path.

use std::sync::{Mutex, PoisonError};

use vestibule_model::{CredentialRef, Timestamp};

/// Uses kept between two batches; more are dropped, which makes "last used" a little older.
const MAX_WAITING: usize = 65_536;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<Vec<(CredentialRef, Timestamp)>>);

impl Usage {
    /// Notes a use. Called at most once a minute for each credential.
    pub(crate) fn note(&self, credential: CredentialRef, at: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING {
            waiting.push((credential, at));
        }
    }

    pub(crate) fn drain(&self) -> Vec<(CredentialRef, Timestamp)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
