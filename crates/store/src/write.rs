//! Transactions.

use std::collections::HashSet;

use std::time::Duration;

use sqlx::Transaction;
use vestibule_model::{AuditRecord, Change, OrgScope};

use crate::postgres::{self, Share};
use crate::sql::{Connection, Source, sql};
use crate::sqlite::Deadline;
use crate::store::Pool;
use crate::{ResourceChange, Store, StoreError};

/// The time that one statement of a transaction may take on PostgreSQL, where it may wait for the
/// lock of another. A database that is silent is noticed before.
const PATIENCE: Duration = Duration::from_secs(10);

/// A transaction: all of it is committed, with the record of who did it, or nothing is.
///
/// Dropping it without [`commit`](Self::commit) undoes everything. After an error there is nothing
/// else to do with it: every further query, and the commit, fails. (PostgreSQL demands that of any
/// error and SQLite of a full disk; here both do of all.)
#[must_use = "a transaction that is not committed is undone"]
pub struct Write {
    store: Store,
    transaction: Open,
    changes: Changes,
    failed: bool,
    /// Takes rights away and gives none, so that it may use the reserve of a full disk.
    revoking: bool,
    /// Dropped when the transaction is over.
    kept: Option<Box<dyn Send>>,
}

/// The changes that a transaction makes. Beyond [`Changes::MAX`] it is everything, which is sent
/// and applied faster than so many single facts.
#[derive(Debug, Default)]
struct Changes(HashSet<Change>);

impl Changes {
    const MAX: usize = 1_000;

    fn insert(&mut self, change: Change) {
        if self.0.contains(&Change::Everything) && change != Change::Keyring {
            return;
        }
        self.0.insert(change);
        if self.0.len() > Self::MAX {
            self.0.retain(|change| *change == Change::Keyring);
            self.0.insert(Change::Everything);
        }
    }
}

enum Open {
    Sqlite(Transaction<'static, sqlx::Sqlite>, Deadline),
    Postgres(postgres::Loan),
}

impl Source for Write {
    fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        self.check()?;
        Ok(match &mut self.transaction {
            Open::Sqlite(transaction, deadline) => Connection::Sqlite(transaction, Some(deadline)),
            Open::Postgres(loan) => Connection::Postgres(loan),
        })
    }

    fn fail(&mut self, error: &StoreError) {
        self.failed = true;
        self.store.health.note_failure(error);
    }
}

impl Write {
    pub(crate) async fn begin(store: Store, revoking: bool) -> Result<Self, StoreError> {
        let transaction = match &store.pool {
            // IMMEDIATE: the right to write is taken now or waited for, never asked for half-way.
            Pool::Sqlite(sqlite) => {
                sqlite.files.refuse_lost()?;
                let transaction = sqlite.writer.begin_with("BEGIN IMMEDIATE").await?;
                Open::Sqlite(transaction, sqlite.write_deadline.clone())
            }
            Pool::Postgres(postgres) => {
                let connections = &postgres.connections;
                let limit = postgres::PATIENCE;
                let mut loan = connections.acquire_for(Share::Writes, limit).await?;
                loan.begin(PATIENCE).await?;
                Open::Postgres(loan)
            }
        };
        Ok(Self {
            store,
            transaction,
            changes: Changes::default(),
            failed: false,
            revoking,
            kept: None,
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Other(
                "a query of this transaction has failed before".to_owned(),
            ));
        }
        Ok(())
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps `something`, such as a place in a line, until the transaction is over.
    pub fn keep(&mut self, something: impl Send + 'static) {
        self.kept = Some(Box::new(something));
    }

    /// Notes that principals read before this transaction are wrong after it.
    pub fn change(&mut self, change: Change) {
        self.changes.insert(change);
    }

    /// Commits with the record of what was done. When this returns, every sink of this process
    /// knows the changes.
    ///
    /// The commit runs to its end even if the caller stops waiting for it. Where it fails, nothing
    /// is known of what is stored, and the sinks are told of the changes nevertheless.
    pub async fn commit(mut self, record: AuditRecord) -> Result<(), StoreError> {
        self.append_audit(&[record]).await?;
        self.finish().await
    }

    /// Commits with a note of what a service is about to do with a resource, which names its actor
    /// and is the record until the grants follow. Nothing that a principal depends on may have
    /// changed.
    ///
    /// # Errors
    /// [`StoreError::Other`] where the transaction has noted a [`Change`]: that takes a record.
    pub async fn commit_noting(mut self, noted: &ResourceChange) -> Result<(), StoreError> {
        if !self.changes.0.is_empty() {
            return Err(StoreError::Other(
                "a change of rights was to be committed without a record".to_owned(),
            ));
        }
        self.insert_resource_change(noted).await?;
        self.finish().await
    }

    /// A caller that goes away must not cut this in half: a change that is stored but not applied
    /// would let a deleted key pass. So it runs in a task of its own.
    pub(crate) async fn finish(mut self) -> Result<(), StoreError> {
        let task = tokio::spawn(async move {
            self.check()?;
            self.publish().await?;
            if let Pool::Sqlite(sqlite) = &self.store.pool {
                // What is written to a file that has no name any more is lost with the process.
                sqlite.files.check()?;
            }
            // Again: the pages go to the log here, and whoever waited for the right to write may
            // have begun before the reserve was given away.
            if !self.revoking {
                self.store.refuse_reserved()?;
            }
            let committed = match self.transaction {
                Open::Sqlite(transaction, _) => transaction.commit().await.map_err(Into::into),
                Open::Postgres(mut loan) => loan.commit().await,
            };
            if let Err(error) = &committed {
                self.store.health.note_failure(error);
            }
            // Also after an error: the answer may be lost and the commit not.
            for change in &self.changes.0 {
                self.store.apply(*change);
            }
            if let Pool::Postgres(postgres) = &self.store.pool {
                postgres
                    .wake
                    .tell(self.changes.0.iter().map(Change::to_string));
            }
            committed
        });
        task.await
            .unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// Holds the members of an organisation, and who else has a session in it. Two transactions that
    /// hold some of the same people do so in the same order, so that one waits for the other and
    /// never both for each other.
    pub async fn hold_people(&mut self, scope: OrgScope) -> Result<(), StoreError> {
        if self.holds_everything() {
            return Ok(());
        }
        sql("SELECT id FROM user_account
             WHERE id IN (SELECT user_id FROM membership WHERE organization_id = $1
                 UNION SELECT user_id FROM session
                     WHERE organization_id = $1 AND ended_at IS NULL)
             ORDER BY id FOR NO KEY UPDATE")
        .bind(scope)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Returns true if nobody else can write meanwhile: on SQLite, a writer locks the whole file.
    pub(crate) fn holds_everything(&self) -> bool {
        matches!(self.transaction, Open::Sqlite(..))
    }

    /// Hands the changes to the other processes, from the moment of the commit on.
    async fn publish(&mut self) -> Result<(), StoreError> {
        let facts: Vec<_> = self.changes.0.iter().map(Change::to_string).collect();
        if matches!(self.transaction, Open::Postgres(_)) {
            if !facts.is_empty() {
                // One round trip for all: they are made under locks. No fact contains a comma.
                sql("INSERT INTO change (fact) SELECT UNNEST(STRING_TO_ARRAY($1, ','))")
                    .bind(facts.join(",").as_str())
                    .execute(self)
                    .await?;
            }
            return Ok(());
        }
        for fact in facts {
            sql("INSERT INTO change (fact, mark) VALUES ($1, RANDOM())")
                .bind(fact.as_str())
                .execute(self)
                .await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write")
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::{OsEntropy, SessionId, SystemClock};

    use super::*;

    #[test]
    fn very_many_changes_are_told_as_one() {
        let mut changes = Changes::default();
        changes.insert(Change::Keyring);
        for _ in 0..2 * Changes::MAX {
            let session = SessionId::mint(&SystemClock, &OsEntropy);
            changes.insert(Change::Session(session));
            changes.insert(Change::Session(session));
        }
        let told = HashSet::from([Change::Keyring, Change::Everything]);
        assert_eq!(changes.0, told);
    }
}
