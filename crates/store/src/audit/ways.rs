//! The statements that read the log, the newest first: one for each index.
//!
//! What leads an index is in the order and in the bounds, and in no condition of its own. So no
//! other index gives this order, and no planner that believes a kind to be frequent walks through
//! all records of an organisation that has none of that kind.

use super::record_columns;

/// The statements of one way into the log.
pub(super) struct Way {
    pub(super) newest: &'static str,
    pub(super) oldest: &'static str,
    pub(super) count: &'static str,
    /// The keys alone, for the end of a search.
    pub(super) newest_key: &'static str,
    pub(super) oldest_key: &'static str,
}

macro_rules! from {
    ($whose:literal, $lead:literal, $value:literal, $more:literal) => {
        concat!(
            " FROM audit_record WHERE ",
            $whose,
            " AND (",
            $lead,
            "at, id) > (",
            $value,
            "$2, $3) AND (",
            $lead,
            "at, id) < (",
            $value,
            "$4, $5)",
            $more
        )
    };
}

// The organisation leads the order, too: PostgreSQL does not see that `IS NULL` leaves one value.
macro_rules! ascending {
    ($lead:literal) => {
        concat!(" ORDER BY organization_id, ", $lead, "at, id LIMIT ")
    };
}

macro_rules! descending {
    ($lead:literal) => {
        concat!(
            " ORDER BY organization_id DESC, ",
            $lead,
            "at DESC, id DESC LIMIT "
        )
    };
}

macro_rules! way {
    ($whose:literal, $lead:literal, $down:literal, $value:literal, $present:literal,
     $more:literal, $limit:literal, $offset:literal) => {
        Way {
            newest: concat!(
                "SELECT ",
                record_columns!(),
                from!($whose, $lead, $value, $present),
                $more,
                descending!($down),
                $limit,
                " OFFSET ",
                $offset
            ),
            oldest: concat!(
                "SELECT ",
                record_columns!(),
                from!($whose, $lead, $value, $present),
                $more,
                ascending!($lead),
                $limit,
                " OFFSET ",
                $offset
            ),
            // In order, too: what is not asked for in order may be collected as a whole first.
            count: concat!(
                "SELECT COUNT(*) AS count FROM (SELECT 1 AS one",
                from!($whose, $lead, $value, $present),
                $more,
                descending!($down),
                $limit,
                ") AS counted"
            ),
            newest_key: concat!(
                "SELECT at, id",
                from!($whose, $lead, $value, $present),
                descending!($down),
                "1 OFFSET $7"
            ),
            oldest_key: concat!(
                "SELECT at, id",
                from!($whose, $lead, $value, $present),
                ascending!($lead),
                "1 OFFSET $7"
            ),
        }
    };
}

/// All ways into the log of an organisation, or of the installation.
pub(super) struct Ways {
    pub(super) all: Way,
    pub(super) kind: Way,
    pub(super) user: Way,
    pub(super) subject: Way,
    pub(super) kinds: &'static str,
}

macro_rules! ways {
    ($whose:literal) => {
        Ways {
            all: way!($whose, "", "", "", "", "", "$6", "$7"),
            kind: way!($whose, "kind, ", "kind DESC, ", "$6, ", "", "", "$7", "$8"),
            user: way!(
                $whose,
                "user_id, ",
                "user_id DESC, ",
                "$6, ",
                " AND user_id IS NOT NULL",
                " AND ($7 IS NULL OR kind = $7)
                  AND ($8 IS NULL OR SUBSTR(kind, 1, LENGTH($8)) = $8)",
                "$9",
                "$10"
            ),
            subject: way!(
                $whose,
                "subject, ",
                "subject DESC, ",
                "$6, ",
                " AND subject IS NOT NULL",
                " AND ($7 IS NULL OR kind = $7)
                  AND ($8 IS NULL OR SUBSTR(kind, 1, LENGTH($8)) = $8)
                  AND ($9 IS NULL OR user_id = $9)",
                "$10",
                "$11"
            ),
            // From kind to kind, each found at once: the records of one are passed over.
            kinds: concat!(
                "WITH RECURSIVE found (kind) AS (
                     SELECT (SELECT kind FROM audit_record WHERE ",
                $whose,
                " AND kind >= $2 AND kind < $3
                             ORDER BY organization_id, kind LIMIT 1)
                     UNION ALL
                     SELECT (SELECT a.kind FROM audit_record a WHERE ",
                $whose,
                " AND a.kind > f.kind AND a.kind < $3
                             ORDER BY a.organization_id, a.kind LIMIT 1)
                     FROM found f WHERE f.kind IS NOT NULL)
                 SELECT kind FROM found WHERE kind IS NOT NULL LIMIT $4"
            ),
        }
    };
}

pub(super) const OF_ORGANIZATION: Ways = ways!("organization_id = $1");
pub(super) const OF_INSTALLATION: Ways = ways!("organization_id IS NULL AND $1 IS NULL");
