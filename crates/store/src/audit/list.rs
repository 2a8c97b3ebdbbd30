//! The log, the newest first, by what is looked for.
//!
//! Each filter that can be the only one has an index that ends with the time and the id, so that a
//! part of what it finds is read and nothing else, however rare that is. What is asked beside it is
//! looked for among the [`SEARCHED`] records that come first, and the part after that begins where
//! the search ended.

use uuid::Uuid;
use vestibule_model::{OrgScope, Timestamp};

use super::ways::{OF_INSTALLATION, OF_ORGANIZATION, Way, Ways};
use super::{AuditFilter, AuditRow, read_record};
use crate::page::{Bounds, COUNTED, Count, Cursor, Listed, Page, Start};
use crate::sql::{Query, Source, sql};
use crate::{Store, StoreError};

/// The number of records that one question looks at, where no index answers all of it.
const SEARCHED: u32 = 10_000;

/// The number of kinds that begin alike, at most.
const KINDS: i64 = 200;

/// A question to one way.
struct Asked<'a> {
    way: &'a Way,
    organization: Option<OrgScope>,
    filter: &'a AuditFilter,
    /// One of the kinds that begin as the filter says.
    kind: Option<&'a str>,
}

impl AuditFilter {
    pub(super) fn prefix(&self) -> Option<&str> {
        self.kind.as_deref().and_then(|kind| kind.strip_suffix('*'))
    }

    pub(super) fn exact(&self) -> Option<&str> {
        self.kind.as_deref().filter(|_| self.prefix().is_none())
    }

    /// The records of the time that the filter names.
    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::ALL;
        if let Some(since) = self.since {
            bounds.above = (since.as_micros(), Uuid::nil());
        }
        if let Some(until) = self.until {
            bounds.below = (until.as_micros(), Uuid::nil());
        }
        bounds
    }
}

impl Asked<'_> {
    /// Binds everything before the limit.
    fn bind(&self, text: &'static str, bounds: Bounds) -> Query {
        let filter = self.filter;
        let query = sql(text).bind(self.organization.map(OrgScope::organization_id));
        let query = bounds.bind(query);
        if let Some(subject) = &filter.subject {
            query
                .bind(subject.as_str())
                .bind(filter.exact())
                .bind(filter.prefix())
                .bind(filter.user_id)
        } else if let Some(user) = filter.user_id {
            query.bind(user).bind(filter.exact()).bind(filter.prefix())
        } else if let Some(kind) = self.kind {
            query.bind(kind)
        } else {
            query
        }
    }

    /// Returns whether the index leaves something to look for.
    fn is_search(&self) -> bool {
        let filter = self.filter;
        let by_subject = filter.subject.is_some();
        (by_subject && (filter.user_id.is_some() || filter.kind.is_some()))
            || (filter.user_id.is_some() && filter.kind.is_some())
    }

    /// The last of the records that a search may look at, within these bounds; nothing where it may
    /// look at all.
    async fn end(
        &self,
        source: &mut impl Source,
        bounds: Bounds,
        from_newest: bool,
    ) -> Result<Option<(Timestamp, Uuid)>, StoreError> {
        if !self.is_search() {
            return Ok(None);
        }
        let text = if from_newest {
            self.way.newest_key
        } else {
            self.way.oldest_key
        };
        let query = bounds.bind(sql(text).bind(self.organization.map(OrgScope::organization_id)));
        let query = match (&self.filter.subject, self.filter.user_id) {
            (Some(subject), _) => query.bind(subject.as_str()),
            (None, Some(user)) => query.bind(user),
            (None, None) => return Ok(None),
        };
        query
            .bind(i64::from(SEARCHED) - 1)
            .optional(source, |row| Ok((row.get("at")?, row.get("id")?)))
            .await
    }

    async fn count(&self, source: &mut impl Source) -> Result<Count, StoreError> {
        let mut bounds = self.filter.bounds();
        let end = self.end(source, bounds, true).await?;
        if let Some((at, id)) = end {
            bounds.above = (at.as_micros(), before(id));
        }
        let query = self.bind(self.way.count, bounds).bind(COUNTED);
        let count = query.count(source).await?;
        Ok(match end {
            Some(_) => Count::AtLeast(count),
            None => Count::stopped(count),
        })
    }

    /// Reads a part, one record beyond the limit if there are more, in the order of reading; and
    /// where the search for more ended, if it did.
    async fn rows(
        &self,
        source: &mut impl Source,
        page: Page,
        taken: u32,
        offset: u32,
    ) -> Result<(Vec<AuditRow>, Option<(Timestamp, Uuid)>), StoreError> {
        let mut bounds = self.filter.bounds();
        let from_newest = match page.start {
            Start::Offset(_) => true,
            Start::After(cursor) => {
                bounds.below = bounds.below.min(cursor.key());
                true
            }
            Start::Before(cursor) => {
                bounds.above = bounds.above.max(cursor.key());
                false
            }
        };
        let end = self.end(source, bounds, from_newest).await?;
        if let Some((at, id)) = end {
            if from_newest {
                bounds.above = (at.as_micros(), before(id));
            } else {
                bounds.below = (at.as_micros(), behind(id));
            }
        }
        let text = if from_newest {
            self.way.newest
        } else {
            self.way.oldest
        };
        let rows = self
            .bind(text, bounds)
            .bind(i64::from(taken))
            .bind(i64::from(offset))
            .all(source, read_record)
            .await?;
        Ok((rows, end))
    }
}

fn before(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}

fn behind(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

fn key(row: &AuditRow) -> (Timestamp, Uuid) {
    (row.at, row.id.uuid())
}

impl Store {
    /// A part of the records of an organisation, the newest first.
    pub async fn audit(
        &self,
        scope: OrgScope,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listed<AuditRow>, StoreError> {
        self.records(&OF_ORGANIZATION, Some(scope), filter, page)
            .await
    }

    /// A part of the records that concern no single organisation, the newest first: people and
    /// signing keys. For the operator.
    pub async fn audit_of_the_installation(
        &self,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listed<AuditRow>, StoreError> {
        self.records(&OF_INSTALLATION, None, filter, page).await
    }

    async fn records(
        &self,
        ways: &Ways,
        organization: Option<OrgScope>,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listed<AuditRow>, StoreError> {
        let reader = &mut self.list_reader().await?;
        let way = if filter.subject.is_some() {
            &ways.subject
        } else if filter.user_id.is_some() {
            &ways.user
        } else if filter.exact().is_some() {
            &ways.kind
        } else if let Some(prefix) = filter.prefix().filter(|prefix| !prefix.is_empty()) {
            let kinds = sql(ways.kinds)
                .bind(organization.map(OrgScope::organization_id))
                .bind(prefix)
                .bind(format!("{prefix}\u{10ffff}").as_str())
                .bind(KINDS)
                .all(reader, |row| row.get::<String>("kind"))
                .await?;
            let kinds = kinds.iter().map(|kind| Asked {
                way: &ways.kind,
                organization,
                filter,
                kind: Some(kind),
            });
            return merged(reader, kinds, page).await;
        } else {
            &ways.all
        };
        let asked = Asked {
            way,
            organization,
            filter,
            kind: filter.exact(),
        };
        let (rows, end) = asked
            .rows(reader, page, page.limit.saturating_add(1), page.offset())
            .await?;
        let total = asked.count(reader).await?;
        let is_whole = rows.len() > usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut part = Listed::new(rows, total, page, key);
        // The search ended before the part was full: what is left begins where it ended.
        if let Some((at, id)) = end.filter(|_| !is_whole) {
            let shown = u64::try_from(part.items.len()).unwrap_or(u64::MAX);
            let rank = part.skipped.saturating_add(shown);
            let rank = u32::try_from(rank).unwrap_or(u32::MAX);
            let cursor = Some(Cursor { at, id, rank });
            match page.start {
                Start::Before(_) => part.previous = cursor,
                Start::Offset(_) | Start::After(_) => part.next = cursor,
            }
        }
        Ok(part)
    }
}

/// One part of the records of several kinds, of which each is read by itself.
async fn merged(
    source: &mut impl Source,
    kinds: impl Iterator<Item = Asked<'_>>,
    page: Page,
) -> Result<Listed<AuditRow>, StoreError> {
    let taken = page.limit.saturating_add(1).saturating_add(page.offset());
    let (mut rows, mut count) = (Vec::new(), 0_u64);
    for asked in kinds {
        rows.extend(asked.rows(source, page, taken, 0).await?.0);
        if count <= Count::MOST {
            let more = asked.count(source).await?;
            // One that was not counted to its end is beyond the most by itself.
            let beyond = u64::from(!more.is_exact());
            count = count.saturating_add(more.counted()).saturating_add(beyond);
        }
    }
    rows.sort_unstable_by_key(key);
    if !matches!(page.start, Start::Before(_)) {
        rows.reverse();
    }
    let passed = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    rows.drain(..passed.min(rows.len()));
    Ok(Listed::new(rows, Count::stopped(count), page, key))
}
