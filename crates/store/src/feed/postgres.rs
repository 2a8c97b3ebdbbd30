//! Other processes' changes on PostgreSQL: NOTIFY carries them, in the order of the commits.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{Instant, timeout_at};

use super::ChangeSink;
use crate::{Store, StoreError};

/// The channel of the changes; `Write` notifies it.
const CHANGES: &str = "vestibule";

/// The channel of the heartbeat.
const HEARTBEAT: &str = "vestibule_heartbeat";

/// How often this process notifies the heartbeat.
const BEAT: Duration = Duration::from_millis(500);

/// After this long without one, changes may be lost.
const LEASE: Duration = Duration::from_secs(2);

/// Listens until that fails.
///
/// The heartbeat goes out on the listening connection itself, through the server's queue of
/// notifications and back: hearing it proves that the changes committed before it were heard.
pub(super) async fn follow(
    store: &Store,
    options: &PgConnectOptions,
) -> Result<Infallible, StoreError> {
    let silent = || StoreError::Unavailable("no heartbeat for two seconds".to_owned());
    let mut deadline = Instant::now() + LEASE;
    let mut listener = timeout_at(deadline, listen(options))
        .await
        .map_err(|_| silent())??;
    let mut resumed = false;
    let mut next_beat = Instant::now();
    loop {
        if Instant::now() >= next_beat {
            let beat = sqlx::query("SELECT pg_notify('vestibule_heartbeat', '')");
            timeout_at(deadline, beat.execute(&mut listener))
                .await
                .map_err(|_| silent())??;
            next_beat = Instant::now() + BEAT;
        }
        if Instant::now() >= deadline {
            return Err(silent());
        }
        let wake = next_beat.min(deadline);
        let Ok(heard) = timeout_at(wake, listener.try_recv()).await else {
            continue;
        };
        let Some(notification) = heard? else {
            return Err(StoreError::Unavailable("the connection is lost".to_owned()));
        };
        if notification.channel() == CHANGES {
            store.heard(notification.payload());
            continue;
        }
        deadline = Instant::now() + LEASE;
        if !resumed {
            resumed = true;
            store.tell(ChangeSink::resume);
        }
    }
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
    listener.listen_all([CHANGES, HEARTBEAT]).await?;
    Ok(listener)
}
