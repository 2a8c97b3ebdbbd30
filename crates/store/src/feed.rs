//! Changes, from whoever made them to whoever caches what they touch.

mod postgres;
pub(crate) mod prune;
mod sqlite;

use std::convert::Infallible;
use std::time::Duration;

use vestibule_model::{BootTime, Change, Clock};

use crate::store::Pool;
use crate::{Store, StoreError};

/// The time for which another process may use what it remembers after a change: one that has not
/// heard of new commits within this time keeps nothing, and reads through.
pub const LEASE: Duration = Duration::from_secs(2);

/// The delay before the feed is connected again.
const RETRY: Duration = Duration::from_millis(250);

/// A receiver of changes: a cache of principals, a keyring.
///
/// The calls come from the tasks of commits and of the feed, also at the same time. They must not
/// block.
pub trait ChangeSink: Send + Sync + 'static {
    /// This change is committed: what was read before it may be wrong. The same change may come
    /// more than once.
    fn apply(&self, change: Change);

    /// Changes of other processes may be missed from now on: keep nothing, and read through.
    fn suspend(&self);

    /// Changes of other processes are heard again: what a read that begins from now on finds may
    /// be kept, and used until this time since boot. Whoever uses it compares: a process that is
    /// stopped is told nothing.
    fn resume(&self, until: BootTime);

    /// Lets remembered answers be used until this time, which is later than the one before.
    fn renew(&self, until: BootTime) {
        let _ = until;
    }
}

/// Suspends the sinks when the feed ends, however it does: whoever hears nothing keeps nothing.
struct Deaf<'s>(&'s Store);

impl Drop for Deaf<'_> {
    fn drop(&mut self) {
        self.0.tell(ChangeSink::suspend);
    }
}

impl Store {
    /// Hears the changes that other processes make, until `shutdown` is ready.
    ///
    /// Begins by suspending the sinks and resumes them once it hears; so also whenever it has lost
    /// the thread. When it ends, also by a panic or because it was dropped, they are suspended. It
    /// ends by itself when SQLite's file is lost ([`lost_file`](Self::lost_file)).
    /// Start it before the first request is served.
    ///
    /// The sinks may use what they keep for [`LEASE`] by `clock`, which is the one that they ask,
    /// counted from when the last proof that all changes were heard was begun.
    pub async fn run_feed(&self, clock: &dyn Clock, shutdown: impl Future<Output = ()> + Send) {
        self.tell(ChangeSink::suspend);
        let _deaf = Deaf(self);
        let hear = async {
            loop {
                let Err(lost) = self.hear(clock).await;
                self.tell(ChangeSink::suspend);
                if self.lost_file().is_some() {
                    return;
                }
                tracing::warn!(error = %lost, "no changes are heard; nothing is cached until they are");
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = hear => {}
        }
    }

    async fn hear(&self, clock: &dyn Clock) -> Result<Infallible, StoreError> {
        match &self.pool {
            Pool::Sqlite(sqlite) => sqlite::follow(self, sqlite, clock).await,
            Pool::Postgres(postgres) => postgres::follow(self, postgres, clock).await,
        }
    }

    fn heard(&self, fact: &str) {
        // A later version may know changes that this one does not.
        self.apply(fact.parse().unwrap_or(Change::Everything));
    }
}
