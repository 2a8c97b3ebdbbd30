//! The open connections of a listener.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::activity::Activity;
use vestibule_config::Timeouts;

use super::LAST_HEAD;

/// A connection is not closed for others before it was idle for this long: who asks again and
/// again would only connect again and again.
const LEAST_IDLE: Duration = Duration::from_secs(1);

/// The tasks of all connections, and what each of them is doing.
pub(super) struct Roster {
    tasks: JoinSet<()>,
    activities: HashMap<Id, Arc<Activity>>,
    /// The number of connections up to which no idle one is closed.
    comfortable: usize,
    timeouts: Timeouts,
}

impl Roster {
    /// No connection of at most `most`.
    pub(super) fn new(most: usize, timeouts: Timeouts) -> Self {
        Self {
            tasks: JoinSet::new(),
            activities: HashMap::new(),
            comfortable: most / 5 * 4 + most % 5 * 4 / 5,
            timeouts,
        }
    }

    /// Runs a connection.
    pub(super) fn spawn(
        &mut self,
        activity: Arc<Activity>,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.tasks.spawn(connection).id();
        self.activities.insert(id, activity);
    }

    /// Ready once one of them has ended; never where there is none.
    pub(super) async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.activities.remove(&id),
            Some(Err(error)) => self.activities.remove(&error.id()),
            None => std::future::pending().await,
        };
    }

    /// Returns whether more connections are open than four fifths of those that may be.
    pub(super) fn is_crowded(&self) -> bool {
        self.activities.len() > self.comfortable
    }

    /// Closes idle connections, those first that have been idle for longest, until four fifths of
    /// those that may be open are.
    pub(super) fn make_room(&self) {
        let all = self.activities.values();
        let ending = all.clone().filter(|it| it.is_ending()).count();
        let excess = (self.activities.len() - ending).saturating_sub(self.comfortable);
        let now = Instant::now();
        let mut idle: Vec<_> = all
            .filter(|it| !it.is_ending())
            .filter_map(|it| Some((it.idle_since()?, it)))
            .filter(|(since, _)| now.saturating_duration_since(*since) >= LEAST_IDLE)
            .collect();
        if excess < idle.len() {
            idle.select_nth_unstable_by_key(excess, |(since, _)| *since);
            idle.truncate(excess);
        }
        if !idle.is_empty() {
            let closed = idle.len();
            tracing::debug!(closed, "idle connections make room for others");
        }
        for (_, activity) in idle {
            activity.end(self.timeouts.head);
        }
    }

    /// Asks every connection to end.
    pub(super) fn end(&self) {
        for activity in self.activities.values() {
            activity.end(LAST_HEAD);
        }
    }

    /// Ready once all have ended; at `deadline` those that have not are cut off. Returns whether
    /// there were any.
    pub(super) async fn ended(&mut self, deadline: Instant) -> bool {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let cut_off = tokio::time::timeout_at(deadline, all).await.is_err();
        self.tasks.shutdown().await;
        cut_off
    }
}
