//! Uses of credentials, for `last_used_at` and the idle end of sessions: noted in memory, written
//! elsewhere in batches, never on a request's own path.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use vestibule_model::{CredentialRef, Timestamp};

/// Uses of keys, and uses of sessions, kept between two batches. Beyond it, "last used" of a key is
/// a little older. Sessions have room of their own, since one whose uses are lost ends as idle.
const MAX_WAITING: usize = 65_536;

/// The uses since the last batch. See the module.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    waiting: Mutex<Waiting>,
    is_filling: AtomicBool,
    writer: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    keys: Vec<(CredentialRef, Timestamp)>,
    sessions: Vec<(CredentialRef, Timestamp)>,
}

impl Usage {
    /// Notes a use. Called at most once a minute for each credential.
    pub(crate) fn note(&self, credential: CredentialRef, at: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let list = match credential.session() {
            Some(_) => &mut waiting.sessions,
            None => &mut waiting.keys,
        };
        if list.len() < MAX_WAITING {
            list.push((credential, at));
        }
        // Once, at half: as much again fits in until the batch is drained.
        if list.len() == MAX_WAITING / 2 {
            self.is_filling.store(true, Ordering::Release);
            self.writer.wake();
        }
    }

    /// Waits until half of the room is taken. For one at a time.
    pub(crate) async fn filling(&self) {
        poll_fn(|context| {
            // First, or what is noted in between would wake nobody.
            self.writer.register(context.waker());
            if self.is_filling.swap(false, Ordering::AcqRel) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    pub(crate) fn drain(&self) -> Vec<(CredentialRef, Timestamp)> {
        let waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all = waiting.sessions;
        all.extend(waiting.keys);
        all
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use vestibule_model::{ApiKeyId, OsEntropy, SessionId, SystemClock};

    use super::*;

    #[tokio::test]
    async fn a_batch_is_asked_for_when_half_of_the_room_is_taken_and_keys_take_none_of_sessions() {
        let usage = Usage::default();
        let at = Timestamp::from_seconds(1);
        let key = || CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy));
        for _ in 1..MAX_WAITING / 2 {
            usage.note(key(), at);
        }
        assert!(usage.filling().now_or_never().is_none());
        for _ in 0..MAX_WAITING {
            usage.note(key(), at);
        }
        assert!(usage.filling().now_or_never().is_some());
        let session = SessionId::mint(&SystemClock, &OsEntropy);
        usage.note(CredentialRef::SessionCookie(session), at);
        let drained = usage.drain();
        assert_eq!(drained.len(), MAX_WAITING + 1);
        assert_eq!(drained[0].0.session(), Some(session));
        assert!(usage.drain().is_empty());
    }
}
