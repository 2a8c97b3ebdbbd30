//! NOTIFY, which wakes the other processes after a commit.
//!
//! It is not part of the transaction: transactions that notify hold one lock for the whole cluster
//! until they are committed, so that a commit that waits in somebody else's database would hold up
//! every one of ours; and with a full queue (SQLSTATE 54000) they fail. What other processes hear
//! this way they would find in the change table half a second later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::connections::Connections;
use crate::StoreError;

/// The channel, which versions without a change table listen to for the changes themselves.
pub(crate) const CHANNEL: &str = "vestibule";

/// The time that a NOTIFY may take: longer than the limit on waiting for a lock, so that a cluster
/// whose queue is held up says so itself and is not taken for one that is silent.
const LIMIT: Duration = Duration::from_secs(10);

const NOTIFY: &str = "SELECT COUNT(pg_notify('vestibule', fact)) AS count
    FROM UNNEST($1::TEXT[]) AS fact";

/// The most facts that wait to be told; more are told as one.
const MOST: usize = 1_000;

/// The number of tries of a NOTIFY, and the pause after a failure.
const TRIES: u32 = 60;
const RETRY: Duration = Duration::from_secs(1);

/// Tells other processes of changes, one NOTIFY at a time.
pub(crate) struct Wake {
    connections: Arc<Connections>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    facts: Vec<String>,
    /// True while a task tells them.
    told: bool,
}

impl Wake {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self {
            connections,
            waiting: Mutex::default(),
        }
    }

    /// Tells of committed changes, soon and without waiting for it.
    pub(crate) fn tell(self: &Arc<Self>, facts: impl IntoIterator<Item = String>) {
        let mut waiting = self.waiting();
        waiting.facts.extend(facts);
        if waiting.facts.len() > MOST {
            waiting.facts = vec![vestibule_model::Change::Everything.to_string()];
            waiting
                .facts
                .push(vestibule_model::Change::Keyring.to_string());
        }
        if waiting.facts.is_empty() || std::mem::replace(&mut waiting.told, true) {
            return;
        }
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let mut failed = 0;
            while let Some(facts) = this.next() {
                let Err(error) = this.notify(&facts).await else {
                    failed = 0;
                    continue;
                };
                failed += 1;
                if failed == TRIES {
                    tracing::warn!(%error, "servers of the version before were not told of changes");
                    failed = 0;
                    continue;
                }
                // Those of this version look by themselves; others have no other way to hear.
                this.waiting().facts.extend(facts);
                tokio::time::sleep(RETRY).await;
            }
        });
    }

    /// The facts that wait; `None` ends the task.
    fn next(&self) -> Option<Vec<String>> {
        let mut waiting = self.waiting();
        let facts = std::mem::take(&mut waiting.facts);
        waiting.told = !facts.is_empty();
        waiting.told.then_some(facts)
    }

    async fn notify(&self, facts: &[String]) -> Result<(), StoreError> {
        let mut loan = self.connections.acquire(LIMIT).await?;
        let (connection, wait) = loan.start()?;
        let query = sqlx::query(NOTIFY).bind(facts).execute(connection);
        let answer = wait.of(query).await;
        loan.ended(answer).map(drop)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
