//! When credentials were last used, on its way from the check's memory to the store.

use std::collections::HashMap;
use std::hash::Hash;

use vestibule_check::Core;
use vestibule_model::{ApiKeyId, CredentialRef, SessionId, Timestamp};

use crate::{Accounts, Result};

/// The number of rows that one transaction writes, so that others need not wait long.
const BATCH: usize = 500;

/// Uses of keys that wait for the store at most; beyond that, "last used" is a little older than it
/// was.
const MAX_KEYS: usize = 65_536;

/// Sessions whose use waits for the store at most, some 12 MiB. They have room of their own, since
/// one whose uses are lost ends as idle: with a store that writes 2,000 a second, all of these are
/// written within three minutes.
const MAX_SESSIONS: usize = 262_144;

/// The latest use of each credential that is not written yet.
#[derive(Debug, Default)]
pub(crate) struct WaitingUsage {
    keys: HashMap<ApiKeyId, Timestamp>,
    sessions: HashMap<SessionId, Timestamp>,
}

impl WaitingUsage {
    pub(crate) fn extend(&mut self, uses: impl IntoIterator<Item = (CredentialRef, Timestamp)>) {
        for (credential, at) in uses {
            if let Some(id) = credential.api_key() {
                keep_latest(&mut self.keys, MAX_KEYS, id, at);
            } else if let Some(id) = credential.session() {
                keep_latest(&mut self.sessions, MAX_SESSIONS, id, at);
            }
        }
    }

    /// Writes all of it, and what `core` has counted meanwhile; what could not be written stays.
    pub(crate) async fn flush(&mut self, accounts: &Accounts, core: &Core) -> Result<()> {
        while !(self.keys.is_empty() && self.sessions.is_empty()) {
            // All that waits now comes before what comes meanwhile, so that nothing waits forever.
            let mut sessions: Vec<_> = self.sessions.drain().collect();
            let mut keys: Vec<_> = self.keys.drain().collect();
            while !(keys.is_empty() && sessions.is_empty()) {
                let batch = (last(&keys), last(&sessions));
                let written = write(accounts, batch.0, batch.1).await;
                if written.is_err() {
                    for (id, at) in keys {
                        keep_latest(&mut self.keys, MAX_KEYS, id, at);
                    }
                    for (id, at) in sessions {
                        keep_latest(&mut self.sessions, MAX_SESSIONS, id, at);
                    }
                    return written;
                }
                let left = (keys.len() - batch.0.len(), sessions.len() - batch.1.len());
                keys.truncate(left.0);
                sessions.truncate(left.1);
                // Writing may take longer than the check has room for.
                self.extend(core.drain_usage());
            }
        }
        Ok(())
    }
}

async fn write(
    accounts: &Accounts,
    keys: &[(ApiKeyId, Timestamp)],
    sessions: &[(SessionId, Timestamp)],
) -> Result<()> {
    let mut write = accounts.store().begin_unaudited().await?;
    write.flush_usage(keys, sessions).await?;
    Ok(write.commit().await?)
}

fn last<T>(all: &[T]) -> &[T] {
    all.rchunks(BATCH).next().unwrap_or_default()
}

fn keep_latest<K: Eq + Hash>(map: &mut HashMap<K, Timestamp>, max: usize, id: K, at: Timestamp) {
    if let Some(known) = map.get_mut(&id) {
        *known = at.max(*known);
    } else if map.len() < max {
        map.insert(id, at);
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::{OsEntropy, SystemClock};

    use super::*;

    #[test]
    fn as_many_keys_as_there_may_be_take_no_room_of_a_session() {
        let at = Timestamp::from_seconds;
        let key = |_| CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy));
        let mut waiting = WaitingUsage::default();
        waiting.extend((0..MAX_KEYS + 10).map(key).map(|key| (key, at(1))));
        assert_eq!(waiting.keys.len(), MAX_KEYS);
        let session = SessionId::mint(&SystemClock, &OsEntropy);
        let (token, cookie) = (
            CredentialRef::AccessToken(session),
            CredentialRef::SessionCookie(session),
        );
        waiting.extend([(cookie, at(5)), (token, at(3))]);
        assert_eq!(waiting.sessions, [(session, at(5))].into());
    }
}
