//! Other processes' changes on PostgreSQL: the change table has them, and NOTIFY tells when to look.
//!
//! A look reads the rows of all transactions that may have been committed since the look before. The
//! numbers of rows are given out before the commit, and so are those of transactions: neither is in
//! the order of the commits. But every transaction that was open at a look has a number that is at
//! least the smallest of those open then (`pg_snapshot_xmin`), so the next look begins there, and
//! passes over the rows that it has seen.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use sqlx::Row as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::timeout;
use vestibule_model::{BootTime, Clock};

use super::LEASE;
use crate::postgres::{Breaker, CHANNEL, PATIENCE, Postgres};
use crate::{Store, StoreError};

/// The longest time between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// The least time between two looks, however often other processes notify.
const REST: Duration = Duration::from_millis(10);

/// The snapshot's own horizon comes with every row, and by itself where there is none.
const LOOK: &str = "SELECT snapshot.horizon, change.seq, change.fact, change.transaction_id
     FROM (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)
               AS horizon) snapshot
     LEFT JOIN change ON change.transaction_id >= $1
     ORDER BY change.seq";

/// The result of the last look.
#[derive(Debug, Default)]
struct Seen {
    /// The smallest transaction that may still be committed.
    horizon: i64,
    /// The changes from the horizon on that were found, by their transactions and numbers.
    rows: BTreeSet<(i64, i64)>,
}

/// A row of a look.
struct Found {
    horizon: i64,
    /// The transaction, the number and the fact.
    change: Option<(i64, i64, String)>,
}

impl Seen {
    /// The facts that were not seen before, in the order of their numbers.
    fn news(&mut self, found: Vec<Found>) -> Vec<String> {
        let mut news = Vec::new();
        for row in found {
            self.horizon = row.horizon;
            if let Some((transaction, seq, fact)) = row.change
                && self.rows.insert((transaction, seq))
            {
                news.push(fact);
            }
        }
        self.rows = self.rows.split_off(&(self.horizon, i64::MIN));
        news
    }
}

/// Looks until that fails, or comes too late.
///
/// A look proves that the changes committed before it began were heard. So the lease is counted
/// from the beginning of the last that was answered, and depends on no other process: not even on
/// NOTIFY, which waits for every commit in the cluster that notifies.
pub(super) async fn follow(
    store: &Store,
    postgres: &Postgres,
    clock: &dyn Clock,
) -> Result<Infallible, StoreError> {
    let silent = || StoreError::Unavailable("no look at the changes for two seconds".to_owned());
    // Timers may not count the time for which this process, or the machine, is suspended. So they
    // only wake, and what has passed is read from the clock.
    let mut deadline = clock.boot().after(LEASE);
    let mut listener = timeout(LEASE, listen(&postgres.options))
        .await
        .map_err(|_| silent())??;
    // What was committed before is in what is read from now on.
    let mut seen = Seen {
        horizon: newest(&mut listener).await?,
        rows: BTreeSet::new(),
    };
    let mut resumed = false;
    loop {
        let begun = clock.boot();
        if begun >= deadline {
            return Err(silent());
        }
        let left = deadline.since(begun);
        let look = watched(&postgres.breaker, look(&mut listener, seen.horizon));
        let found = timeout(left, look).await.map_err(|_| silent())??;
        postgres.breaker.answered();
        let news = seen.news(found);
        if resumed {
            for fact in news {
                store.heard(&fact);
            }
        }
        deadline = begun.after(LEASE);
        if resumed {
            store.tell(|sink| sink.renew(deadline));
        } else if clock.boot() < deadline {
            resumed = true;
            store.tell(|sink| sink.resume(deadline));
        }
        tokio::time::sleep(REST).await;
        wait(store, &mut listener, clock, begun.after(EVERY)).await?;
    }
}

/// Waits for a notification, and at most until `next`.
async fn wait(
    store: &Store,
    listener: &mut PgListener,
    clock: &dyn Clock,
    next: BootTime,
) -> Result<(), StoreError> {
    let left = next.since(clock.boot().min(next));
    let mut wait = timeout(left, listener.try_recv()).await;
    // Those that came with it are told by the same look.
    while let Ok(heard) = wait {
        let Some(notification) = heard? else {
            return Err(StoreError::Unavailable("the connection is lost".to_owned()));
        };
        // A version without a change table tells its changes in this way alone.
        store.heard(notification.payload());
        wait = timeout(Duration::ZERO, listener.try_recv()).await;
    }
    Ok(())
}

/// Waits for the answer to a look, and notes after a while that there is none.
async fn watched<T>(breaker: &Breaker, look: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    tokio::pin!(look);
    if let Ok(answer) = timeout(PATIENCE, &mut look).await {
        return answer;
    }
    breaker.unanswered_since(begun);
    look.await
}

async fn look(listener: &mut PgListener, horizon: i64) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query(LOOK).bind(horizon).fetch_all(listener).await?;
    let found = rows.iter().map(|row| {
        let seq: Option<i64> = row.try_get("seq")?;
        Ok(Found {
            horizon: row.try_get("horizon")?,
            change: match seq {
                None => None,
                Some(seq) => Some((row.try_get("transaction_id")?, seq, row.try_get("fact")?)),
            },
        })
    });
    found.collect()
}

/// The smallest transaction that may still be committed.
async fn newest(listener: &mut PgListener) -> Result<i64, StoreError> {
    // No transaction has this number, so that the horizon comes alone.
    let found = look(listener, i64::MAX).await?;
    let horizon = found.first().map(|row| row.horizon);
    horizon.ok_or_else(|| StoreError::Other("no row from the change table".to_owned()))
}

/// A listener on a connection of its own, which never connects again by itself: what was notified
/// in between would be lost without a trace.
async fn listen(options: &PgConnectOptions) -> Result<PgListener, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(LEASE)
        .connect_with(options.clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(horizon: i64, transaction: i64, seq: i64) -> Found {
        Found {
            horizon,
            change: Some((transaction, seq, format!("{transaction}.{seq}"))),
        }
    }

    #[test]
    fn a_transaction_that_commits_late_is_found_and_none_is_told_twice() {
        let mut seen = Seen::default();
        assert_eq!(seen.news(vec![row(7, 8, 2)]), ["8.2"]);
        assert_eq!(seen.horizon, 7, "7 is open still");
        let both = vec![row(9, 7, 1), row(9, 8, 2)];
        assert_eq!(seen.news(both), ["7.1"]);
        assert_eq!((seen.horizon, seen.rows.len()), (9, 0));
        let nothing = Found {
            horizon: 12,
            change: None,
        };
        assert!(seen.news(vec![nothing]).is_empty());
        assert_eq!(seen.horizon, 12);
    }
}
