//! The store's health: whether it answers, and whether it takes what is written.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use vestibule_model::Timestamp;

use crate::feed::prune;
use crate::sql::sql;
use crate::sqlite::Sqlite;
use crate::store::Pool;
use crate::{Store, StoreError};

/// The time that one question whether the store answers may take.
const PULSE: Duration = Duration::from_millis(900);

/// The longest time that writers wait, each time, for readers of a log that is emptied to make room.
const ROOM_PATIENCE: Duration = Duration::from_millis(200);

/// The interval at which a store that takes nothing is tried again, and the reserve is looked after.
const INTERVAL: Duration = Duration::from_secs(1);

type Answer = Result<Timestamp, String>;

/// The store's health, as far as it is known.
#[derive(Default)]
pub(crate) struct Health {
    /// The reason why the last write failed, as long as none has succeeded since.
    failing: Mutex<Option<String>>,
    /// The question that is being asked.
    asking: Mutex<Option<Shared<BoxFuture<'static, Answer>>>>,
}

impl Health {
    /// Notes that a write failed, if that is the store's own trouble.
    pub(crate) fn note_failure(&self, error: &StoreError) {
        let reason = match error {
            StoreError::Full(_) => "no space is left".to_owned(),
            StoreError::Unavailable(reason) => reason.clone(),
            _ => return,
        };
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.is_none() {
            tracing::error!(%error, "writes fail");
        }
        *failing = Some(reason);
    }

    fn note_success(&self) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if failing.take().is_some() {
            tracing::info!("writes succeed again");
        }
    }
}

impl Store {
    /// The database's own time, like [`ping`](Self::ping), for probes: it takes less than a second,
    /// also where the database is frozen, and whoever asks while somebody else does gets the same
    /// answer, so that probes do not pile up.
    pub async fn pulse(&self) -> Result<Timestamp, StoreError> {
        let answer = self.asking();
        answer.await.map_err(StoreError::Unavailable)
    }

    fn asking(&self) -> Shared<BoxFuture<'static, Answer>> {
        let mut asking = self
            .health
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = asking.as_ref().filter(|asked| asked.peek().is_none()) {
            return asked.clone();
        }
        let store = self.clone();
        // In a task of its own: whoever asks first may go away, and the others still wait.
        let task = tokio::spawn(async move {
            match tokio::time::timeout(PULSE, store.ping()).await {
                Ok(Err(StoreError::Unavailable(reason))) => Err(reason),
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err("no answer in time".to_owned()),
            }
        });
        let answer = task.map(|done| done.unwrap_or_else(|error| Err(error.to_string())));
        let answer = answer.boxed().shared();
        *asking = Some(answer.clone());
        answer
    }

    /// Returns the reason why nothing can be written: the last write has failed because of the
    /// store, and none has succeeded since. `None` where there is no such reason.
    pub fn writes_fail(&self) -> Option<String> {
        if self.has_reserved_room() {
            return Some("no space is left, and only revocations are stored".to_owned());
        }
        let failing = self.health.failing.lock();
        failing.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns true while the disk of a SQLite database is full and the room that is left is for
    /// revocations alone.
    pub fn has_reserved_room(&self) -> bool {
        matches!(&self.pool, Pool::Sqlite(sqlite) if sqlite.reserve.is_released())
    }

    /// Keeps room for revocations on SQLite and the change table of PostgreSQL short, and tries a
    /// store that takes nothing again, every second until `shutdown` is ready.
    pub async fn run_health(&self, shutdown: impl Future<Output = ()>) {
        let look = async {
            let (mut old_changes, mut next_pruning) = (Vec::new(), Instant::now() + prune::EVERY);
            loop {
                self.look_after_reserve().await;
                if self.writes_fail().is_some() && self.try_to_write().await.is_ok() {
                    self.health.note_success();
                }
                if matches!(self.pool, Pool::Postgres(_)) && Instant::now() >= next_pruning {
                    old_changes = self.prune_changes(&old_changes).await.unwrap_or_default();
                    next_pruning = Instant::now() + prune::EVERY;
                }
                tokio::time::sleep(INTERVAL).await;
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = look => {}
        }
    }

    async fn look_after_reserve(&self) {
        let Pool::Sqlite(sqlite) = &self.pool else {
            return;
        };
        if sqlite.files.is_lost() {
            return;
        }
        if sqlite.reserve.is_released() {
            self.make_room(sqlite).await;
        }
        let reserve = Arc::clone(&sqlite.reserve);
        // It waits for the disk. Where the runtime ends meanwhile there is nothing to say.
        let _: Result<(), _> = tokio::task::spawn_blocking(move || reserve.look_after()).await;
    }

    /// Moves the log into the file and truncates it. That takes less room than it gives, but some: it
    /// is done while there is any.
    async fn make_room(&self, sqlite: &Sqlite) {
        if let Err(error) = sqlite.empty_log(ROOM_PATIENCE).await {
            tracing::warn!(%error, "the log of the database could not be emptied on a full disk");
        }
    }

    /// Writes something that is of no use but that it was written.
    async fn try_to_write(&self) -> Result<(), StoreError> {
        let mut write = self.begin_unaudited().await?;
        sql("INSERT INTO write_probe (id, writes) VALUES (1, 1)
             ON CONFLICT (id) DO UPDATE SET writes = write_probe.writes + 1")
        .execute(&mut write)
        .await?;
        write.commit().await
    }

    /// Makes room for revocations where a write has failed with this error and there is none
    /// otherwise. Returns whether it makes sense to try once more, after
    /// [`begin_revoking`](Self::begin_revoking).
    pub async fn release_reserve(&self, is_full: bool) -> bool {
        let Pool::Sqlite(sqlite) = &self.pool else {
            return false;
        };
        let released = sqlite.reserve.release(is_full);
        if released {
            self.make_room(sqlite).await;
        }
        released
    }
}
