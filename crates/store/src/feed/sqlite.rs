//! Other processes' changes on SQLite: the file's version tells that there may be some, the
//! change table which.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::time::{sleep, timeout};
use vestibule_model::{Change, Clock};

use super::LEASE;
use crate::sql::{Connection, Source, sql};
use crate::sqlite::Sqlite;
use crate::{Store, StoreError};

/// How often the file's version is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

impl Source for SqliteConnection {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(Connection::Sqlite(self))
    }
}

/// Follows the change table until that fails, or comes too late.
///
/// A look at the table proves that the changes committed before it began were heard. So the lease is
/// counted from the beginning of the last that succeeded.
pub(super) async fn follow(
    store: &Store,
    sqlite: &Sqlite,
    clock: &dyn Clock,
) -> Result<Infallible, StoreError> {
    // `data_version` compares with what this very connection has seen, so one is held.
    let connection = &mut sqlite.connect().await?;
    let mut deadline = clock.boot().after(LEASE);
    let mut version = data_version(connection).await?;
    let mut seen: i64 = sql("SELECT COALESCE(MAX(seq), 0) AS seq FROM change")
        .one(connection, |row| row.get("seq"))
        .await?;
    let late = || StoreError::Unavailable("no look at the changes for two seconds".to_owned());
    store.tell(|sink| sink.resume(deadline));
    loop {
        sleep(INTERVAL).await;
        let begun = clock.boot();
        if begun >= deadline {
            return Err(late());
        }
        // Looked at by name: the connection would go on with what it has opened.
        sqlite.files.check()?;
        let look = async {
            let current = data_version(connection).await?;
            if current != version {
                seen = read_changes(store, connection, seen).await?;
                version = current;
            }
            Ok::<_, StoreError>(())
        };
        let left = deadline.since(begun);
        timeout(left, look).await.map_err(|_| late())??;
        deadline = begun.after(LEASE);
        store.tell(|sink| sink.renew(deadline));
    }
}

/// A number that moves when another connection has written to the file.
async fn data_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    sql("PRAGMA data_version")
        .one(connection, |row| row.get("data_version"))
        .await
}

/// Applies the changes after `seen`; the number of the last.
async fn read_changes(
    store: &Store,
    connection: &mut SqliteConnection,
    mut seen: i64,
) -> Result<i64, StoreError> {
    let changes = sql("SELECT seq, fact FROM change WHERE seq > $1 ORDER BY seq")
        .bind(seen)
        .all(connection, |row| {
            Ok((row.get::<i64>("seq")?, row.get::<String>("fact")?))
        })
        .await?;
    for (seq, fact) in changes {
        if seq != seen + 1 {
            // Some were pruned before they were read: this process has slept for long.
            store.apply(Change::Everything);
        }
        store.heard(&fact);
        seen = seq;
    }
    Ok(seen)
}
