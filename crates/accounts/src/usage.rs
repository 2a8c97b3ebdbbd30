//! When credentials were last used, on its way from the check's memory to the store.

use std::collections::HashMap;

use vestibule_model::{CredentialRef, Timestamp};

use crate::{Accounts, Result};

/// How many rows one transaction writes, so that others need not wait long.
const BATCH: usize = 500;

/// Uses that wait for the store at most; beyond that, "last used" is a little older than it was.
const MAX_WAITING: usize = 65_536;

/// The latest use of each credential that is not written yet.
#[derive(Debug, Default)]
pub(crate) struct WaitingUsage(HashMap<CredentialRef, Timestamp>);

impl WaitingUsage {
    pub(crate) fn extend(&mut self, uses: impl IntoIterator<Item = (CredentialRef, Timestamp)>) {
        for (credential, at) in uses {
            if let Some(known) = self.0.get_mut(&credential) {
                *known = at.max(*known);
            } else if self.0.len() < MAX_WAITING {
                self.0.insert(credential, at);
            }
        }
    }

    /// Writes all of it; what could not be written stays.
    pub(crate) async fn flush(&mut self, accounts: &Accounts) -> Result<()> {
        while !self.0.is_empty() {
            let batch: Vec<_> = self.0.iter().take(BATCH).map(|(k, v)| (*k, *v)).collect();
            let keys: Vec<_> = batch
                .iter()
                .filter_map(|(credential, at)| Some((credential.api_key()?, *at)))
                .collect();
            let sessions: Vec<_> = batch
                .iter()
                .filter_map(|(credential, at)| Some((credential.session()?, *at)))
                .collect();
            let mut write = accounts.begin().await?;
            write.flush_usage(&keys, &sessions).await?;
            write.commit_unaudited().await?;
            for (credential, _) in batch {
                self.0.remove(&credential);
            }
        }
        Ok(())
    }
}
