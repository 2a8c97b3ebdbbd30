//! The statements of a list.

use uuid::Uuid;
use vestibule_model::Timestamp;

use super::{Count, Listed, Page, Start};
use crate::StoreError;
use crate::sql::{Query, Row, Source, sql};

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
        let items = bounds
            .bind(values(sql(text)))
            .bind(i64::from(page.limit) + 1)
            .bind(i64::from(page.offset().min(Page::MAX_OFFSET)))
            .all(source, read)
            .await?;
        let count = values(sql(self.count)).bind(COUNTED);
        let count = count.count(source).await?;
        Ok(Listed::new(items, Count::stopped(count), page, key))
    }
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
