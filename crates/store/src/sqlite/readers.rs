//! Connections that only read.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::{Deadline, PATIENCE};
use crate::StoreError;

/// Connections that only read. They are held for the life of the store: a general pool costs a
/// task and twice the time at every use.
pub(crate) struct Readers {
    slots: Vec<Arc<Mutex<Slot>>>,
    /// One for each slot: whoever waits gets the one that is free first, whichever that is.
    permits: Arc<Semaphore>,
    /// Half of them: pages of lists may use so many at once.
    lists: Arc<Semaphore>,
}

/// A held connection; none once it is closed.
type Slot = Option<Held>;

/// An open connection, and what ends its statements.
pub(crate) struct Held {
    pub(crate) connection: SqliteConnection,
    pub(crate) deadline: Deadline,
}

/// One of the held connections, on loan.
pub(crate) struct Loan {
    pub(crate) held: OwnedMappedMutexGuard<Slot, Held>,
    // Given back after the connection, in the order in which they stand here.
    _permit: OwnedSemaphorePermit,
    _of_lists: Option<OwnedSemaphorePermit>,
}

impl Readers {
    pub(super) async fn open(
        options: &SqliteConnectOptions,
        count: u32,
    ) -> Result<Self, StoreError> {
        let mut slots = Vec::new();
        for _ in 0..count {
            let mut connection = options.connect().await?;
            let deadline = Deadline::new(PATIENCE);
            deadline.install(&mut connection).await?;
            let held = Held {
                connection,
                deadline,
            };
            slots.push(Arc::new(Mutex::new(Some(held))));
        }
        Ok(Self {
            permits: Arc::new(Semaphore::new(slots.len())),
            lists: Arc::new(Semaphore::new(slots.len().div_ceil(2))),
            slots,
        })
    }

    /// One that is free; `None` where all are on loan.
    pub(super) fn try_acquire(&self) -> Option<Loan> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        self.lend(permit, None)
    }

    /// One that is free, or will be first. Of those who wait, whoever came first gets it.
    pub(crate) async fn acquire(&self) -> Result<Loan, StoreError> {
        self.lend_within(async {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            self.lend(permit.ok()?, None)
        })
        .await
    }

    /// The same for a page of a list: lists never hold more than half of the connections.
    pub(crate) async fn acquire_for_list(&self) -> Result<Loan, StoreError> {
        self.lend_within(async {
            let of_lists = Arc::clone(&self.lists).acquire_owned().await;
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            self.lend(permit.ok()?, Some(of_lists.ok()?))
        })
        .await
    }

    async fn lend_within(
        &self,
        loan: impl Future<Output = Option<Loan>>,
    ) -> Result<Loan, StoreError> {
        let loan = tokio::time::timeout(PATIENCE, loan).await;
        let busy = || StoreError::Unavailable("every reading connection is busy".to_owned());
        loan.ok().flatten().ok_or_else(busy)
    }

    /// Lends nothing more, and closes each once it is back.
    pub(super) async fn close(&self) {
        self.permits.close();
        for slot in &self.slots {
            if let Some(held) = slot.lock().await.take() {
                // It only reads: there is nothing that could be lost with it.
                let _ = held.connection.close().await;
            }
        }
    }

    /// The first that is free, so that the warmest is used most. Where there is a permit, there is
    /// one.
    fn lend(
        &self,
        permit: OwnedSemaphorePermit,
        of_lists: Option<OwnedSemaphorePermit>,
    ) -> Option<Loan> {
        let mut slots = self.slots.iter();
        let free = |slot: &Arc<Mutex<Slot>>| {
            let guard = Arc::clone(slot).try_lock_owned().ok()?;
            OwnedMutexGuard::try_map(guard, Option::as_mut).ok()
        };
        let held = slots.find_map(free)?;
        Some(Loan {
            held,
            _permit: permit,
            _of_lists: of_lists,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_gets_the_connection_that_is_free_first() {
        let options = SqliteConnectOptions::new();
        let readers = Readers::open(&options, 2).await.unwrap();
        for first_back in 0..2 {
            let mut loans = vec![
                readers.try_acquire().unwrap(),
                readers.try_acquire().unwrap(),
            ];
            assert!(readers.try_acquire().is_none());
            let back = async { drop(loans.remove(first_back)) };
            let (loan, ()) = tokio::join!(readers.acquire(), back);
            drop(loan.unwrap());
        }
    }
}
