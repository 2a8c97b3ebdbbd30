//! Other processes' changes on SQLite: the file's version tells that there may be some, the
//! change table which.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::time::{sleep, timeout};
use vestibule_model::{Change, Clock};

use super::LEASE;
use crate::sql::{Connection, Row, Source, sql};
use crate::sqlite::Sqlite;
use crate::{Store, StoreError};

/// The interval at which the file's version is read.
const INTERVAL: Duration = Duration::from_millis(50);

impl Source for SqliteConnection {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(Connection::Sqlite(self, None))
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
    let mut seen = last(connection).await?;
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

/// A change by its number, and a mark that another of the same number in another history has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    seq: i64,
    mark: Option<i64>,
}

fn read_place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        seq: row.get("seq")?,
        mark: row.get("mark")?,
    })
}

/// The last change there is.
async fn last(connection: &mut SqliteConnection) -> Result<Place, StoreError> {
    let last = sql("SELECT seq, mark FROM change ORDER BY seq DESC LIMIT 1")
        .optional(connection, read_place)
        .await?;
    Ok(last.unwrap_or_default())
}

/// Applies the changes after `seen`; the last of them.
///
/// Where what was seen is not there any more, or is another, this is another history: a copy of the
/// database was restored in place. Then everything has changed, whatever the table says.
async fn read_changes(
    store: &Store,
    connection: &mut SqliteConnection,
    mut seen: Place,
) -> Result<Place, StoreError> {
    let changes = sql("SELECT seq, mark, fact FROM change WHERE seq >= $1 ORDER BY seq")
        .bind(seen.seq)
        .all(connection, |row| {
            Ok((read_place(row)?, row.get::<String>("fact")?))
        })
        .await?;
    let mut changes = changes.into_iter().peekable();
    if seen == Place::default() || changes.next_if(|(place, _)| *place == seen).is_some() {
        for (place, fact) in changes {
            if place.seq != seen.seq + 1 {
                // Some were pruned before they were read: this process has slept for long.
                store.apply(Change::Everything);
            }
            store.heard(&fact);
            seen = place;
        }
        return Ok(seen);
    }
    tracing::warn!(
        "the database was restored, or this process has slept for long; nothing that was remembered is used"
    );
    store.apply(Change::Keyring);
    store.apply(Change::Everything);
    last(connection).await
}
