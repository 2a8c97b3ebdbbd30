//! The few writes that somebody unknown can cause.
//!
//! They have their own short line before the one for the database: on SQLite, where one transaction
//! writes at a time, whoever is known waits for one of them at most, however many strangers come.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vestibule_store::UnauditedWrite;

use crate::{Accounts, Error, Result};

/// The number of transactions of strangers at a time.
const TURNS: usize = 1;

/// The time that a stranger waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The line in which strangers wait for their turn to write.
#[derive(Debug)]
pub(crate) struct Strangers(Arc<Semaphore>);

impl Default for Strangers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TURNS)))
    }
}

/// A transaction of somebody unknown, which changes no right.
pub struct StrangersWrite {
    write: UnauditedWrite,
    _turn: OwnedSemaphorePermit,
}

impl StrangersWrite {
    /// Commits without a record.
    pub async fn commit(self) -> Result<()> {
        Ok(self.write.commit().await?)
    }
}

impl Deref for StrangersWrite {
    type Target = UnauditedWrite;

    fn deref(&self) -> &UnauditedWrite {
        &self.write
    }
}

impl DerefMut for StrangersWrite {
    fn deref_mut(&mut self) -> &mut UnauditedWrite {
        &mut self.write
    }
}

impl Accounts {
    /// Begins a transaction for somebody unknown, in the strangers' own line.
    pub async fn begin_for_stranger(&self) -> Result<StrangersWrite> {
        let turn = Arc::clone(&self.0.strangers.0).acquire_owned();
        let turn = match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => turn.map_err(Error::internal)?,
            Err(_) => {
                return Err(Error::Unavailable(
                    "too many strangers wait to write".into(),
                ));
            }
        };
        Ok(StrangersWrite {
            write: self.0.store.begin_unaudited().await?,
            _turn: turn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn strangers_wait_for_each_other() {
        let line = Strangers::default();
        let held = Arc::clone(&line.0).try_acquire_owned().unwrap();
        assert!(line.0.try_acquire().is_err());
        drop(held);
        assert!(line.0.try_acquire().is_ok());
    }
}
