//! Connections that only read.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::BUSY;
use crate::StoreError;

/// Connections that only read. They are held for the life of the store: a general pool costs a
/// task and twice the time at every use.
pub(crate) struct Readers {
    slots: Vec<Arc<Mutex<Slot>>>,
    /// One for each slot: whoever waits gets the one that is free first, whichever that is.
    permits: Arc<Semaphore>,
}

/// A held connection; none once it is closed.
type Slot = Option<SqliteConnection>;

/// One of the held connections, on loan.
pub(crate) struct Loan {
    pub(crate) connection: OwnedMappedMutexGuard<Slot, SqliteConnection>,
    // Given back after the connection, in the order in which they stand here.
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) async fn open(
        options: &SqliteConnectOptions,
        count: u32,
    ) -> Result<Self, StoreError> {
        let mut slots = Vec::new();
        for _ in 0..count {
            slots.push(Arc::new(Mutex::new(Some(options.connect().await?))));
        }
        let permits = Arc::new(Semaphore::new(slots.len()));
        Ok(Self { slots, permits })
    }

    /// One that is free; `None` where all are on loan.
    pub(super) fn try_acquire(&self) -> Option<Loan> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        self.lend(permit)
    }

    /// One that is free, or will be first. Of those who wait, whoever came first gets it.
    pub(crate) async fn acquire(&self) -> Result<Loan, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(BUSY, permit).await;
        let loan = permit
            .ok()
            .and_then(Result::ok)
            .and_then(|permit| self.lend(permit));
        let busy = || StoreError::Unavailable("every reading connection is busy".to_owned());
        loan.ok_or_else(busy)
    }

    /// Lends nothing more, and closes each once it is back.
    pub(super) async fn close(&self) {
        self.permits.close();
        for slot in &self.slots {
            if let Some(connection) = slot.lock().await.take() {
                // It only reads: there is nothing that could be lost with it.
                let _ = connection.close().await;
            }
        }
    }

    /// The first that is free, so that the warmest is used most. Where there is a permit, there is
    /// one.
    fn lend(&self, permit: OwnedSemaphorePermit) -> Option<Loan> {
        let mut slots = self.slots.iter();
        let free = |slot: &Arc<Mutex<Slot>>| {
            let guard = Arc::clone(slot).try_lock_owned().ok()?;
            OwnedMutexGuard::try_map(guard, Option::as_mut).ok()
        };
        let connection = slots.find_map(free)?;
        Some(Loan {
            connection,
            _permit: permit,
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
