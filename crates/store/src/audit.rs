//! The audit log.

use vestibule_model::{
    ActorKind, AuditId, AuditRecord, OrgScope, OrganizationId, Timestamp, UserId,
};

use crate::page::Page;
use crate::sql::{Query, Row, Source, sql};
use crate::{Store, StoreError, Write};

/// A record as it is read back: who and what it is about may be gone by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The record's id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// The organisation it concerns.
    pub organization_id: Option<OrganizationId>,
    /// What kind of actor did it; `None` in records of versions that wrote down users alone.
    pub actor: Option<ActorKind>,
    /// The user who did it, where it was one.
    pub user_id: Option<UserId>,
    /// What the user called with, as `api_key:key_01…`.
    pub credential: Option<String>,
    /// The address the call came from.
    pub address: Option<String>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
    /// What was done, as `noun.verb`.
    pub kind: String,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// JSON: the state before and after, and whatever else explains it.
    pub details: String,
}

/// Which records are wanted; the default is all.
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

impl AuditFilter {
    fn bind(&self, scope: Option<OrgScope>, query: Query) -> Query {
        let prefix = self.kind.as_deref().and_then(|kind| kind.strip_suffix('*'));
        let exact = match prefix {
            Some(_) => None,
            None => self.kind.as_deref(),
        };
        query
            .bind(scope.map(OrgScope::organization_id))
            .bind(exact)
            .bind(prefix)
            .bind(self.user_id)
            .bind(self.subject.as_deref())
            .bind(self.since)
            .bind(self.until)
    }
}

macro_rules! wanted {
    ($whose:literal) => {
        concat!(
            " FROM audit_record WHERE ",
            $whose,
            " AND ($2 IS NULL OR kind = $2)
             AND ($3 IS NULL OR SUBSTR(kind, 1, LENGTH($3)) = $3)
             AND ($4 IS NULL OR user_id = $4)
             AND ($5 IS NULL OR subject = $5)
             AND ($6 IS NULL OR at >= $6)
             AND ($7 IS NULL OR at < $7)"
        )
    };
}

macro_rules! records {
    ($whose:literal) => {
        (
            concat!(
                "SELECT id, at, organization_id, actor, user_id, credential, address, request_id,
                     kind, subject, details",
                wanted!($whose),
                " ORDER BY at DESC, id DESC LIMIT $8 OFFSET $9"
            ),
            concat!("SELECT COUNT(*) AS count", wanted!($whose)),
        )
    };
}

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

impl Store {
    /// The records of an organisation, the newest first, and how many there are.
    pub async fn audit(
        &self,
        scope: OrgScope,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditRow>, u64), StoreError> {
        self.audit_records(records!("organization_id = $1"), Some(scope), filter, page)
            .await
    }

    /// The records that concern no single organisation, the newest first, and how many there are:
    /// people and signing keys. For the operator.
    pub async fn audit_of_the_installation(
        &self,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditRow>, u64), StoreError> {
        let queries = records!("organization_id IS NULL AND $1 IS NULL");
        self.audit_records(queries, None, filter, page).await
    }

    async fn audit_records(
        &self,
        (list, count): (&'static str, &'static str),
        scope: Option<OrgScope>,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditRow>, u64), StoreError> {
        let reader = &mut self.reader().await?;
        let records = filter
            .bind(scope, sql(list))
            .page(page)
            .all(reader, read_record)
            .await?;
        let total = filter.bind(scope, sql(count)).count(reader).await?;
        Ok((records, total))
    }
}

macro_rules! insert {
    ($values:literal, $ending:literal) => {
        concat!(
            "INSERT INTO audit_record (id, at, organization_id, user_id, credential, address,
                request_id, kind, subject, details, actor) ",
            $values,
            $ending
        )
    };
}

/// Adds a record under its own id, if that comes last.
const APPEND: &str = insert!(
    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11",
    " WHERE NOT EXISTS (SELECT 1 FROM audit_record WHERE id > $1)"
);

/// Adds a record wherever its id belongs.
const INSERT: &str = insert!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", "");

/// The same, unless it is there.
const INSERT_ONCE: &str = insert!(
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    " ON CONFLICT (id) DO NOTHING"
);

impl Write {
    /// Adds records beside the one of the commit, of acts that concern several.
    ///
    /// Their ids are in the order of the commits, whatever the clocks say: one whose own would not
    /// come last gets another (RFC 9562, section 6.2, on clocks that go back). So
    /// [`Store::last_audit_record`] is the record that was committed last, and not the one with the
    /// latest time, which may be of a clock that was wrong.
    pub async fn append_audit(&mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        for record in records {
            if insert(APPEND, record.id, record).execute(self).await? > 0 {
                continue;
            }
            let id = match last_record(self).await? {
                Some((last, _)) => record.id.following(last),
                None => record.id,
            };
            insert(INSERT, id, record).execute(self).await?;
        }
        Ok(())
    }

    /// Adds records of denials, of which there may be many at once. One that is there already stays
    /// as it is: the commit that was thought to have failed had not. So they keep their ids.
    pub async fn append_denials(&mut self, records: &[AuditRecord]) -> Result<(), StoreError> {
        for record in records {
            insert(INSERT_ONCE, record.id, record).execute(self).await?;
        }
        Ok(())
    }
}

fn insert(query: &'static str, id: AuditId, record: &AuditRecord) -> Query {
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
