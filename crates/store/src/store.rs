//! The database, whichever it is.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use vestibule_model::{Change, Timestamp};

use crate::feed::ChangeSink;
use crate::health::Health;
use crate::postgres::{self, Postgres, Share};
use crate::sql::{Connection, Source, sql};
use crate::sqlite::{self, Inline, Sqlite};
use crate::url::{Engine, StoreOptions};
use crate::{StoreError, UnauditedWrite, Write};

/// The time that closing waits for other processes that read from the log.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// The database. A clone is another handle to the same connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: Pool,
    sinks: Arc<RwLock<Vec<Arc<dyn ChangeSink>>>>,
    pub(crate) health: Arc<Health>,
}

#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A connection for reads.
pub(crate) enum Reader {
    Sqlite(sqlite::Loan),
    Postgres(postgres::Loan),
}

impl Source for Reader {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(loan) => {
                let held = &mut *loan.held;
                Connection::Sqlite(&mut held.connection, Some(&held.deadline))
            }
            Self::Postgres(loan) => Connection::Postgres(loan),
        })
    }
}

impl Store {
    /// Opens a database that has tables of this program, of whichever version. Changes nothing in
    /// it.
    ///
    /// # Errors
    /// [`StoreError::Absent`] where there is no such database: what would be answered from an empty
    /// one is wrong for every caller.
    pub async fn connect(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        let options = options.into();
        let absent = || StoreError::Absent(format!("{} has no tables of Vestibule", options.url));
        if let Engine::Sqlite(file) = &options.url.0 {
            // Before it is opened for writing, which turns on the log in somebody else's file, too.
            let newest = sqlite::newest_migration(file).await?;
            newest.ok_or_else(absent)?;
        }
        let store = Self::open(&options).await?;
        store.newest_migration().await?.ok_or_else(absent)?;
        Ok(store)
    }

    /// Opens the database whether it has tables or not; makes the file where SQLite has none. For
    /// whoever calls [`migrate`](Self::migrate) next.
    pub async fn create(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        let options = options.into();
        if let Engine::Sqlite(file) = &options.url.0 {
            sqlite::keep_private(file)?;
        }
        Self::open(&options).await
    }

    async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let connections = options.connections.get();
        let pool = match &options.url.0 {
            Engine::Sqlite(file) => {
                Pool::Sqlite(Sqlite::open(file, connections, options.checkpoints).await?)
            }
            Engine::Postgres(url) => Pool::Postgres(Postgres::open(url, connections).await?),
        };
        Ok(Self {
            pool,
            sinks: Arc::default(),
            health: Arc::default(),
        })
    }

    /// The database's own time: proof that it answers.
    pub async fn ping(&self) -> Result<Timestamp, StoreError> {
        let query = match self.pool {
            Pool::Sqlite(_) => "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now",
            Pool::Postgres(_) => {
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now"
            }
        };
        sql(query)
            .one(&mut self.caller_reader().await?, |row| row.get("now"))
            .await
    }

    /// Begins a transaction. On SQLite there is one at a time, and the others wait here for up to
    /// five seconds.
    ///
    /// # Errors
    /// [`StoreError::Full`] at once while the disk is full and what is left of it is for revocations.
    pub async fn begin(&self) -> Result<Write, StoreError> {
        self.refuse_reserved()?;
        let write = self.begin_as(false).await?;
        // The wait for the right to write may have been long.
        self.refuse_reserved()?;
        Ok(write)
    }

    /// Begins a transaction that changes no right, and commits without an audit record. The same
    /// errors as [`begin`](Self::begin).
    pub async fn begin_unaudited(&self) -> Result<UnauditedWrite, StoreError> {
        self.begin().await.map(UnauditedWrite::new)
    }

    /// Begins a transaction that takes rights away and gives none: it may use the room that is kept
    /// for such ones on a full disk.
    pub async fn begin_revoking(&self) -> Result<Write, StoreError> {
        self.begin_as(true).await
    }

    /// Refuses what is no revocation while the room that is left is for those.
    pub(crate) fn refuse_reserved(&self) -> Result<(), StoreError> {
        if self.has_reserved_room() {
            return Err(StoreError::Full(
                "what is left is for revocations".to_owned(),
            ));
        }
        Ok(())
    }

    async fn begin_as(&self, revoking: bool) -> Result<Write, StoreError> {
        let begun = Write::begin(self.clone(), revoking).await;
        if let Err(error) = &begun {
            self.health.note_failure(error);
        }
        begun
    }

    /// Tells `sink` of every change from now on: those of this process when they are committed,
    /// and those of others while [`run_feed`](Self::run_feed) runs.
    pub fn attach(&self, sink: Arc<dyn ChangeSink>) {
        self.sinks
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sink);
    }

    /// Moves what was written from SQLite's log into the file every so often, until `shutdown` is
    /// ready: a copy of the file alone then lacks `period` at most. Only waits on PostgreSQL, and
    /// where another process does it ([`Checkpoints`](crate::Checkpoints)).
    pub async fn run_checkpoints(
        &self,
        period: Duration,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let Pool::Sqlite(sqlite) = &self.pool else {
            return shutdown.await;
        };
        tokio::select! {
            () = shutdown => {}
            () = sqlite.empty_log_every(period) => {}
        }
    }

    /// Moves what was written from SQLite's log into the file, and closes every connection once its
    /// transaction is over. Also where another process has the file open, for which
    /// [`close`](Self::close) leaves the log.
    pub async fn empty_log_and_close(&self) {
        if let Pool::Sqlite(sqlite) = &self.pool {
            let emptied = if sqlite.files.is_lost() {
                sqlite.empty_lost_log().await
            } else {
                sqlite.empty_log(LAST_PATIENCE).await
            };
            match emptied {
                Ok(true) => {}
                Ok(false) => tracing::warn!(
                    "another process uses the database: a copy of its file needs its log, too"
                ),
                Err(error) => tracing::warn!(%error, "the log of the database was not emptied"),
            }
        }
        self.close().await;
    }

    /// Closes the connections once their transactions are over. On SQLite the last process that
    /// closes a file empties its log.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(sqlite) => sqlite.close().await,
            Pool::Postgres(postgres) => postgres.connections.close().await,
        }
    }

    /// The file of SQLite that was replaced or removed while it was open, where that was noticed.
    /// Nothing is read from it or written to it from then on.
    pub fn lost_file(&self) -> Option<&Path> {
        match &self.pool {
            Pool::Sqlite(sqlite) if sqlite.files.is_lost() => Some(sqlite.files.main()),
            _ => None,
        }
    }

    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        self.reader_for(Share::Reads).await
    }

    /// A connection for a page of a list. Lists never hold more than half of the connections of
    /// SQLite, and a quarter of those of PostgreSQL, so that nobody who loads pages keeps others from being answered.
    pub(crate) async fn list_reader(&self) -> Result<Reader, StoreError> {
        self.reader_for(Share::Lists).await
    }

    async fn reader_for(&self, share: Share) -> Result<Reader, StoreError> {
        Ok(match &self.pool {
            Pool::Sqlite(sqlite) => {
                sqlite.files.refuse_lost()?;
                Reader::Sqlite(match share {
                    Share::Lists => sqlite.readers.acquire_for_list().await?,
                    Share::Callers | Share::Reads | Share::Writes => {
                        sqlite.readers.acquire().await?
                    }
                })
            }
            Pool::Postgres(postgres) => {
                let connections = &postgres.connections;
                Reader::Postgres(connections.acquire_for(share, postgres::PATIENCE).await?)
            }
        })
    }

    /// A connection for the question who is calling, which every request of a caller who is not
    /// cached waits for, and for the proof that the database answers. On SQLite two are kept for
    /// them; on PostgreSQL neither lists nor transactions may hold all.
    pub(crate) async fn caller_reader(&self) -> Result<Reader, StoreError> {
        match &self.pool {
            Pool::Sqlite(sqlite) => {
                sqlite.files.refuse_lost()?;
                Ok(Reader::Sqlite(sqlite.caller().await?))
            }
            Pool::Postgres(_) => self.reader_for(Share::Callers).await,
        }
    }

    /// Returns the connections that resolve callers on the calling thread.
    pub(crate) fn inline(&self) -> Option<&Inline> {
        match &self.pool {
            Pool::Sqlite(sqlite) if !sqlite.files.is_lost() => Some(&sqlite.inline),
            _ => None,
        }
    }

    /// Returns the connections on which small reads of handlers are answered by the calling thread,
    /// where the engine is SQLite.
    pub(crate) fn inline_reads(&self) -> Option<&Inline> {
        match &self.pool {
            Pool::Sqlite(sqlite) if !sqlite.files.is_lost() => Some(&sqlite.inline_reads),
            _ => None,
        }
    }

    pub(crate) fn apply(&self, change: Change) {
        self.tell(|sink| sink.apply(change));
    }

    pub(crate) fn tell(&self, what: impl Fn(&dyn ChangeSink)) {
        for sink in &*self.sinks.read().unwrap_or_else(PoisonError::into_inner) {
            what(sink.as_ref());
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.pool {
            Pool::Sqlite(_) => "Store(sqlite)",
            Pool::Postgres(_) => "Store(postgres)",
        })
    }
}
