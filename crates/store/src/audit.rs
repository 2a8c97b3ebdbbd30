//! The audit log.

use vestibule_model::{ActorKind, AuditId, AuditRecord, OrganizationId, Timestamp, UserId};

use crate::sql::{Query, Row, Source, sql};
use crate::{Store, StoreError, UnauditedWrite, Write};

mod follow;
mod list;
mod ways;

pub use follow::Followed;

/// A record as it is read back: who and what it is about may be gone by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The record's id.
    pub id: AuditId,
    /// The time of the action.
    pub at: Timestamp,
    /// The organisation it concerns.
    pub organization_id: Option<OrganizationId>,
    /// The kind of the actor; `None` in records of versions that recorded users alone.
    pub actor: Option<ActorKind>,
    /// The user who did it, where it was one.
    pub user_id: Option<UserId>,
    /// The credential of the call, as `api_key:key_01…`.
    pub credential: Option<String>,
    /// The address the call came from.
    pub address: Option<String>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
    /// The action, as `noun.verb`.
    pub kind: String,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// JSON: the state before and after, and whatever else explains it.
    pub details: String,
}

/// A selection of records; the default is all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this kind; `api_key.*` means all kinds that begin with `api_key.`.
    pub kind: Option<String>,
    /// Done by this user.
    pub user_id: Option<UserId>,
    /// Done to this subject.
    pub subject: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// The columns of a record.
macro_rules! record_columns {
    () => {
        "id, at, organization_id, actor, user_id, credential, address, request_id, kind, subject,
         details"
    };
}

pub(crate) use record_columns;

fn read_record(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    // A kind that a later version knows is none for this one.
    let actor: Option<String> = row.get("actor")?;
    let actor = actor.and_then(|text| ActorKind::named(&text));
    let user_id: Option<UserId> = row.get("user_id")?;
    Ok(AuditRow {
        id: row.get("id")?,
        at: row.get("at")?,
        organization_id: row.get("organization_id")?,
        actor: actor.or(user_id.map(|_| ActorKind::User)),
        user_id,
        credential: row.get("credential")?,
        address: row.get("address")?,
        request_id: row.get("request_id")?,
        kind: row.get("kind")?,
        subject: row.get("subject")?,
        details: row.get("details")?,
    })
}

macro_rules! insert {
    ($values:literal, $ending:literal) => {
        concat!(
            "INSERT INTO audit_record (id, at, organization_id, user_id, credential, address,
                request_id, kind, subject, details, actor, event_id) ",
            $values,
            $ending
        )
    };
}

/// Adds a record under an id, if that comes last and the event has no record yet.
const APPEND: &str = insert!(
    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12",
    " WHERE NOT EXISTS (SELECT 1 FROM audit_record WHERE id > $1)
      ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING"
);

/// The same, wherever the id belongs.
const INSERT: &str = insert!(
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    " ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING"
);

const IS_RECORDED: &str = "SELECT COUNT(*) AS count FROM audit_record WHERE event_id = $1";

impl UnauditedWrite {
    /// Adds records of denials, of which there may be many at once, some time after they happened.
    /// Their ids come last as those of all others do. What the denial was to be called is kept
    /// beside: one that is there already is not written again, since the commit that was thought
    /// to have failed had not.
    pub async fn append_denials(&mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut last = None;
        for record in records {
            // The id that a record gets after the one before it is the last at the first try,
            // unless another process writes meanwhile.
            let id = last.map_or(record.id, |last| record.id.following(last));
            last = self
                .inner()
                .append(id, record, Some(record.id))
                .await?
                .or(last);
        }
        Ok(())
    }
}

impl Write {
    /// Adds records beside the one of the commit, of acts that concern several.
    ///
    /// Their ids are in the order of the commits, whatever the clocks say: one whose own would not
    /// come last gets another (RFC 9562, section 6.2, on clocks that go back). So
    /// [`Store::last_audit_record`] is the record that was committed last, and not the one with the
    /// latest time, which may be of a clock that was wrong; and
    /// [`Store::audit_after`] misses none.
    pub async fn append_audit(&mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        for record in records {
            self.append(record.id, record, None).await?;
        }
        Ok(())
    }

    /// Adds a record under `id`, or under a later one where that would not come last. Returns the
    /// id that it got; nothing where the event has a record already.
    async fn append(
        &mut self,
        id: AuditId,
        record: &AuditRecord,
        event: Option<AuditId>,
    ) -> Result<Option<AuditId>, StoreError> {
        if insert(APPEND, id, record, event).execute(self).await? > 0 {
            return Ok(Some(id));
        }
        if let Some(event) = event
            && sql(IS_RECORDED).bind(event).count(self).await? > 0
        {
            return Ok(None);
        }
        let id = match last_record(self).await? {
            Some((last, _)) => id.following(last),
            None => id,
        };
        let added = insert(INSERT, id, record, event).execute(self).await?;
        Ok((added > 0).then_some(id))
    }
}

fn insert(query: &'static str, id: AuditId, record: &AuditRecord, event: Option<AuditId>) -> Query {
    let credential = record.actor.credential.map(|it| it.to_string());
    let address = record.actor.address.map(|it| it.to_string());
    sql(query)
        .bind(id)
        .bind(record.at)
        .bind(record.organization_id)
        .bind(record.actor.user_id)
        .bind(credential.as_deref())
        .bind(address.as_deref())
        .bind(record.actor.request_id.as_deref())
        .bind(record.kind)
        .bind(record.subject.as_deref())
        .bind(record.details.as_str())
        .bind(record.actor.kind.as_str())
        .bind(event)
}

async fn last_record(source: &mut impl Source) -> Result<Option<(AuditId, Timestamp)>, StoreError> {
    sql("SELECT id, at FROM audit_record ORDER BY id DESC LIMIT 1")
        .optional(source, |row| Ok((row.get("id")?, row.get("at")?)))
        .await
}

impl Store {
    /// Returns the id and the time of the audit record that was committed last, where there is any.
    pub async fn last_audit_record(&self) -> Result<Option<(AuditId, Timestamp)>, StoreError> {
        last_record(&mut self.reader().await?).await
    }
}
