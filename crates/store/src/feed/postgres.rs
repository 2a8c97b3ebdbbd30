//! Other processes' changes on PostgreSQL: NOTIFY carries them, in the order of the commits.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::timeout;
use vestibule_model::{BootTime, Clock};

use super::LEASE;
use crate::{Store, StoreError};

/// The channel of the changes; `Write` notifies it.
const CHANGES: &str = "vestibule";

/// The channel of the heartbeat.
const HEARTBEAT: &str = "vestibule_heartbeat";

/// How often this process notifies the heartbeat.
const BEAT: Duration = Duration::from_millis(500);

/// The heartbeats that are on their way, by their numbers, and when each was sent.
#[derive(Debug, Default)]
struct Beats {
    sent: VecDeque<(u64, BootTime)>,
    count: u64,
}

impl Beats {
    /// The number of one that is sent now.
    fn send(&mut self, now: BootTime) -> u64 {
        self.count += 1;
        self.sent.push_back((self.count, now));
        self.count
    }

    /// When the one was sent that is heard now, where it is ours.
    fn heard(&mut self, number: &str) -> Option<BootTime> {
        let number: u64 = number.parse().ok()?;
        self.sent.retain(|(other, _)| *other >= number);
        let (_, sent) = *self.sent.front().filter(|(first, _)| *first == number)?;
        self.sent.pop_front();
        Some(sent)
    }
}

/// Listens until that fails.
///
/// The heartbeat goes out on the listening connection itself, through the server's queue of
/// notifications and back: hearing it proves that the changes committed before it was sent were
/// heard. So the lease is counted from the sending of the last that was heard, and other processes'
/// heartbeats prove nothing.
pub(super) async fn follow(
    store: &Store,
    options: &PgConnectOptions,
    clock: &dyn Clock,
) -> Result<Infallible, StoreError> {
    let silent = || StoreError::Unavailable("no heartbeat for two seconds".to_owned());
    // Timers may not count the time for which this process, or the machine, is suspended. So they
    // only wake, and what has passed is read from the clock.
    let mut deadline = clock.boot().after(LEASE);
    let (mut listener, own) = timeout(LEASE, listen(options))
        .await
        .map_err(|_| silent())??;
    let mut resumed = false;
    let mut next_beat = clock.boot();
    let mut beats = Beats::default();
    loop {
        let now = clock.boot();
        if now >= next_beat {
            let number = beats.send(now).to_string();
            let beat = sqlx::query("SELECT pg_notify('vestibule_heartbeat', $1)").bind(number);
            timeout(deadline.since(now), beat.execute(&mut listener))
                .await
                .map_err(|_| silent())??;
            next_beat = now.after(BEAT);
        }
        let now = clock.boot();
        if now >= deadline {
            return Err(silent());
        }
        let wake = next_beat.min(deadline);
        let Ok(heard) = timeout(wake.since(now), listener.try_recv()).await else {
            continue;
        };
        let Some(notification) = heard? else {
            return Err(StoreError::Unavailable("the connection is lost".to_owned()));
        };
        if notification.channel() == CHANGES {
            store.heard(notification.payload());
            continue;
        }
        if notification.process_id() != own {
            continue;
        }
        let Some(sent) = beats.heard(notification.payload()) else {
            continue;
        };
        deadline = sent.after(LEASE);
        if resumed {
            store.tell(|sink| sink.renew(deadline));
        } else if clock.boot() < deadline {
            resumed = true;
            store.tell(|sink| sink.resume(deadline));
        }
    }
}

/// A listener on a connection of its own, which never connects again by itself: what was notified
/// in between would be lost without a trace. With the number of the process at the other end, which
/// the connection's own notifications bear.
async fn listen(options: &PgConnectOptions) -> Result<(PgListener, u32), StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(LEASE)
        .connect_with(options.clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen_all([CHANGES, HEARTBEAT]).await?;
    let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut listener)
        .await?;
    Ok((listener, own.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_is_counted_from_the_sending_of_the_own_heartbeat_that_is_heard() {
        let start = BootTime::from_micros(1);
        let later = start.after(BEAT);
        let mut beats = Beats::default();
        let first = beats.send(start).to_string();
        let second = beats.send(later).to_string();
        assert_eq!(beats.heard(""), None);
        assert_eq!(beats.heard(&first), Some(start));
        assert_eq!(beats.heard(&first), None, "once");
        assert_eq!(beats.heard(&second), Some(later));
        assert_eq!(beats.heard("3"), None, "never sent");
        // One that is lost is passed over.
        beats.send(start);
        let last = beats.send(later).to_string();
        assert_eq!(beats.heard(&last), Some(later));
    }
}
