//! One line for each organisation before the one for the database.
//!
//! On SQLite one transaction writes at a time, and the store serves those who wait in the order of
//! their coming: a burst of one organisation would stand before everybody else. Here at most one of
//! each organisation stands in that line. They would wait for each other in any case, for the lock of
//! their organisation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vestibule_model::OrganizationId;

use crate::{Error, Result};

/// The longest wait for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of lines from which those that nobody stands in are forgotten.
const FORGET_FROM: usize = 1_024;

/// The lines. A line is there as long as somebody stands in it.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<OrganizationId, Weak<Semaphore>>>);

impl Turns {
    /// Waits for the turn of somebody who changes something of this organisation.
    pub(crate) async fn take(&self, organization: OrganizationId) -> Result<OwnedSemaphorePermit> {
        let turn = self.line(organization).acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => turn.map_err(Error::internal),
            Err(_) => Err(Error::Unavailable(
                "too many changes of the organisation wait".into(),
            )),
        }
    }

    fn line(&self, organization: OrganizationId) -> Arc<Semaphore> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= FORGET_FROM {
            lines.retain(|_, line| line.strong_count() > 0);
        }
        let line = lines.entry(organization).or_default();
        line.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Semaphore::new(1));
            *line = Arc::downgrade(&new);
            new
        })
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::{OsEntropy, SystemClock};

    use super::*;

    #[tokio::test]
    async fn those_of_one_organization_wait_for_each_other_and_for_nobody_else() {
        let turns = Turns::default();
        let [one, other] = [(); 2].map(|()| OrganizationId::mint(&SystemClock, &OsEntropy));
        let held = turns.take(one).await.unwrap();
        assert_eq!(turns.line(one).available_permits(), 0);
        drop(turns.take(other).await.unwrap());
        drop(held);
        drop(turns.take(one).await.unwrap());
    }
}
