//! The statements of a list.

use uuid::Uuid;
use vestibule_model::Timestamp;

use super::{Count, Listed, Page, Start};
use crate::sql::{Query, Row, Source, sql};
use crate::{Store, StoreError};

/// One more than is counted of a list.
pub(crate) const COUNTED: i64 = 10_001;

/// The statements of one list: its rows after a place, its rows before a place from there
/// backwards, and their number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    pub(crate) forward: &'static str,
    pub(crate) backward: &'static str,
    pub(crate) count: &'static str,
}

/// Makes a [`Listing`] of the columns, of what stands between `FROM` and the end of `WHERE`, and of
/// the time and the id that the list is sorted by, the oldest first. The number tells how many
/// places the condition has; those of the part come after them.
macro_rules! listing {
    (0, $($list:tt)*) => { listing!(@ "$1", "$2", "$3", "$4", "$5", "$6", $($list)*) };
    (1, $($list:tt)*) => { listing!(@ "$2", "$3", "$4", "$5", "$6", "$7", $($list)*) };
    (2, $($list:tt)*) => { listing!(@ "$3", "$4", "$5", "$6", "$7", "$8", $($list)*) };
    (@ $a:literal, $b:literal, $c:literal, $d:literal, $limit:literal, $offset:literal,
     $columns:expr, $from:literal, $at:literal, $id:literal) => {
        $crate::page::Listing {
            forward: concat!(
                "SELECT ", $columns, " FROM ", $from,
                " AND (", $at, ", ", $id, ") > (", $a, ", ", $b, ")
                  AND (", $at, ", ", $id, ") < (", $c, ", ", $d, ")
                  ORDER BY ", $at, ", ", $id, " LIMIT ", $limit, " OFFSET ", $offset
            ),
            backward: concat!(
                "SELECT ", $columns, " FROM ", $from,
                " AND (", $at, ", ", $id, ") > (", $a, ", ", $b, ")
                  AND (", $at, ", ", $id, ") < (", $c, ", ", $d, ")
                  ORDER BY ", $at, " DESC, ", $id, " DESC LIMIT ", $limit, " OFFSET ", $offset
            ),
            // In order, too: what is not asked for in order may be collected as a whole first.
            count: concat!(
                "SELECT COUNT(*) AS count FROM (SELECT 1 AS one FROM ",
                $from,
                " ORDER BY ",
                $at,
                ", ",
                $id,
                " LIMIT ",
                $a,
                ") AS counted"
            ),
        }
    };
}
pub(crate) use listing;

/// The rows between two keys, both excluded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) above: (i64, Uuid),
    pub(crate) below: (i64, Uuid),
}

impl Bounds {
    /// All rows. (No id is of zeros or of ones alone.)
    pub(crate) const ALL: Self = Self {
        above: (i64::MIN, Uuid::nil()),
        below: (i64::MAX, Uuid::max()),
    };

    pub(crate) fn bind(self, query: Query) -> Query {
        query
            .bind(self.above.0)
            .bind(self.above.1)
            .bind(self.below.0)
            .bind(self.below.1)
    }
}

/// The most rows that a part read on the calling thread passes over and returns.
const FEW: u32 = 256;

impl Listing {
    /// Reads a part of the list. `values` binds the places of the condition.
    pub(crate) async fn read<T>(
        self,
        source: &mut impl Source,
        page: Page,
        values: impl Fn(Query) -> Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
        key: impl Fn(&T) -> (Timestamp, Uuid),
    ) -> Result<Listed<T>, StoreError> {
        let items = self.part(page, &values).all(source, read).await?;
        let total = match total_of_short(&items, page) {
            Some(total) => total,
            None => self.counting(&values).count(source).await?,
        };
        Ok(Listed::new(items, Count::stopped(total), page, key))
    }

    /// Does as [`read`](Self::read), on the calling thread where the engine is SQLite and the part
    /// is small.
    pub(crate) async fn read_promptly<T>(
        self,
        store: &Store,
        page: Page,
        values: impl Fn(Query) -> Query,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
        key: impl Fn(&T) -> (Timestamp, Uuid),
    ) -> Result<Listed<T>, StoreError> {
        if page.limit.saturating_add(page.offset()) > FEW {
            let reader = &mut store.list_reader().await?;
            return self.read(reader, page, values, read, key).await;
        }
        let items = store.prompt_all(self.part(page, &values), read).await?;
        let total = if let Some(total) = total_of_short(&items, page) {
            total
        } else {
            // Up to 10,001 rows, which is too long for a thread that others wait for.
            let reader = &mut store.list_reader().await?;
            self.counting(&values).count(reader).await?
        };
        Ok(Listed::new(items, Count::stopped(total), page, key))
    }

    /// Returns the query of the rows of a part, and of one more.
    fn part(self, page: Page, values: impl Fn(Query) -> Query) -> Query {
        let mut bounds = Bounds::ALL;
        let text = match page.start {
            Start::Offset(_) => self.forward,
            Start::After(cursor) => {
                bounds.above = cursor.key();
                self.forward
            }
            Start::Before(cursor) => {
                bounds.below = cursor.key();
                self.backward
            }
        };
        bounds
            .bind(values(sql(text)))
            .bind(i64::from(page.limit) + 1)
            .bind(i64::from(page.offset().min(Page::MAX_OFFSET)))
    }

    /// Returns the query that counts the whole list.
    fn counting(self, values: impl Fn(Query) -> Query) -> Query {
        values(sql(self.count)).bind(COUNTED)
    }
}

/// Returns the number of rows of the whole list where the part that was read shows it: one that
/// begins at the first row and has no more after it. Most lists are so short, and need no second
/// statement.
fn total_of_short<T>(items: &[T], page: Page) -> Option<u64> {
    let is_whole = page.start == Start::Offset(0);
    let total = u64::try_from(items.len()).ok()?;
    (is_whole && total <= u64::from(page.limit)).then_some(total)
}

/// The places of fifty values, after a first one; what is over is bound to the last again.
macro_rules! fifty {
    () => {
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39,
         $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51"
    };
}
pub(crate) use fifty;

/// The number of places that `fifty!` has.
pub(crate) const FIFTY: usize = 50;

/// Binds up to fifty ids to the places of `fifty!`.
pub(crate) fn bind_fifty(query: Query, ids: &[Uuid]) -> Query {
    let last = ids.last().copied().unwrap_or_default();
    let padded = ids.iter().copied().chain(std::iter::repeat(last));
    padded.take(FIFTY).fold(query, Query::bind)
}
