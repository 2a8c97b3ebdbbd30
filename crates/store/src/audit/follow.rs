//! The log in the order of the commits, for whoever follows it.
//!
//! A record's id comes after the ids of all records that its statement saw
//! ([`Write::append_audit`](crate::Write::append_audit)). On SQLite, where one transaction writes at a
//! time, ids are in the order of the commits by that alone. On PostgreSQL two transactions may write
//! at a time and the smaller id may be committed last: whoever had read past it would never see it.
//! So nobody reads past what may still be written:
//!
//! 1. The largest id that is committed is read.
//! 2. Then all transactions that hold the lock that writing to the log takes are waited for. (That
//!    is how PostgreSQL itself makes an index beside writers.) The lock is taken before the statement
//!    looks at what is there, and is kept until the transaction is over: whoever took it later saw
//!    that largest id and wrote beyond it.
//! 3. What is up to that id is complete, for good.
//!
//! Nobody who writes waits for whoever reads, no statement is added to a transaction, and nothing is
//! stored that another cluster, into which the database is restored, would read otherwise. The
//! transactions have to be of the isolation READ COMMITTED, in which each statement sees what was
//! committed before it began.

use std::time::Duration;

use uuid::Uuid;
use vestibule_model::{AuditId, OrgScope};

use super::{AuditFilter, AuditRow, last_record, read_record, record_columns};
use crate::sql::{Connection, Source, sql};
use crate::{Store, StoreError};

/// The longest wait for a transaction that writes to the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// The records that are followed.
#[derive(Debug, Clone, Copy)]
pub enum Followed {
    /// Those of everybody.
    Everything,
    /// Those that concern no single organisation.
    Installation,
    /// Those of an organisation.
    Organization(OrgScope),
}

const EVERYTHING: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM audit_record WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
);

const INSTALLATION: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM audit_record WHERE organization_id IS NULL AND id > $1 AND id <= $2
      ORDER BY organization_id, id LIMIT $3"
);

// The organisation is in the bounds and in the order, so that only its own records are read.
const ORGANIZATION: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM audit_record WHERE (organization_id, id) > ($4, $1) AND (organization_id, id) <= ($4, $2)
      ORDER BY organization_id, id LIMIT $3"
);

/// The transactions that have written to the log, or are about to. Every statement that writes to a
/// table takes this lock of it, and a reader never does.
const WRITERS: &str = "SELECT virtualtransaction AS writer FROM pg_locks
     WHERE locktype = 'relation' AND relation = 'audit_record'::regclass
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND mode = 'RowExclusiveLock' AND granted";

/// Waits until whatever is written to the log by now is committed or undone.
async fn wait_for_writers(source: &mut impl Source) -> Result<(), StoreError> {
    if matches!(source.connection()?, Connection::Sqlite(..)) {
        return Ok(());
    }
    let begun = std::time::Instant::now();
    let mut waited_for: Option<Vec<String>> = None;
    loop {
        let writing = sql(WRITERS).all(source, |row| row.get::<String>("writer"));
        let mut writing = writing.await?;
        if let Some(waited_for) = &waited_for {
            writing.retain(|writer| waited_for.contains(writer));
        }
        if writing.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(StoreError::Unavailable(
                "a transaction that writes to the audit log does not end".to_owned(),
            ));
        }
        waited_for = Some(writing);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl AuditFilter {
    /// Returns whether a record is wanted.
    pub fn matches(&self, row: &AuditRow) -> bool {
        let kind = match self.prefix() {
            Some(prefix) => row.kind.starts_with(prefix),
            None => self.exact().is_none_or(|kind| row.kind == kind),
        };
        kind && self.user_id.is_none_or(|user| row.user_id == Some(user))
            && (self.subject.is_none() || row.subject == self.subject)
            && self.since.is_none_or(|since| row.at >= since)
            && self.until.is_none_or(|until| row.at < until)
    }
}

impl Store {
    /// The records that were committed after one of them, in the order of the commits, whenever
    /// they happened; from the beginning of the log where none is named. Fewer than `limit` only
    /// where there are no more. Whoever goes on after the last one gets each record once, and
    /// misses none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where a transaction that writes to the log does not end: what
    /// comes after it may not be told yet.
    pub async fn audit_after(
        &self,
        followed: Followed,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let reader = &mut self.reader().await?;
        let Some((last, _)) = last_record(reader).await? else {
            return Ok(Vec::new());
        };
        wait_for_writers(reader).await?;
        let query = match followed {
            Followed::Everything => sql(EVERYTHING),
            Followed::Installation => sql(INSTALLATION),
            Followed::Organization(_) => sql(ORGANIZATION),
        };
        let after = after.map_or(Uuid::nil(), AuditId::uuid);
        let query = query.bind(after).bind(last).bind(i64::from(limit));
        let query = match followed {
            Followed::Organization(scope) => query.bind(scope),
            Followed::Everything | Followed::Installation => query,
        };
        query.all(reader, read_record).await
    }
}
