//! The queries of a caller: one for each way of naming one, each as one statement.

use crate::Store;
use crate::api_key::api_key_columns;
use crate::session::session_columns;
use crate::sql::{Query, sql};
use crate::store::Pool;

/// Selects the grants `g` as a JSON array, each as an array of what `read_grants` takes: ids as
/// text, the group or null, the capability, 1 or 0 for approving, the path.
macro_rules! grants {
    (sqlite) => {
        "JSON_GROUP_ARRAY(JSON_ARRAY(HEX(g.id), NULLIF(HEX(g.group_id), ''), g.capability,
             g.can_approve, g.path))"
    };
    (postgres) => {
        "CAST(JSON_AGG(JSON_BUILD_ARRAY(g.id, g.group_id, g.capability,
             CAST(g.can_approve AS INTEGER), g.path)) AS TEXT)"
    };
}

/// The grants that narrow a key `k`; null where nothing does.
macro_rules! narrowing {
    ($engine:ident) => {
        concat!(
            "CASE WHEN k.narrowed THEN COALESCE((SELECT ",
            grants!($engine),
            " FROM path_grant g WHERE g.api_key_id = k.id), '[]') END AS key_grants"
        )
    };
}

/// The grants of a credential that is never narrowed.
macro_rules! full_rights {
    ($engine:ident) => {
        "NULL AS key_grants"
    };
}

/// A query of a caller as each engine has it, since their JSON functions differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallerQuery {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl CallerQuery {
    pub(super) fn on(self, store: &Store) -> Query {
        sql(match store.pool {
            Pool::Sqlite(_) => self.sqlite,
            Pool::Postgres(_) => self.postgres,
        })
    }
}

/// The query of a caller: `$credential` are the credential's columns, `$from` where they come
/// from, `$user` and `$organization` whom they name, `$key_grants` what narrows them.
///
/// Of the user it asks only for the suspension, and as a range, so that SQLite reads the index of
/// the few who are suspended: asked for an id, it would take the primary key and find nearly every
/// user's row in memory that no cache holds.
macro_rules! caller {
    ($credential:expr, $from:literal, $user:literal, $organization:literal, $key_grants:ident,
     $condition:literal) => {
        CallerQuery {
            sqlite: caller!(@ sqlite, $credential, $from, $user, $organization, $key_grants,
                $condition),
            postgres: caller!(@ postgres, $credential, $from, $user, $organization, $key_grants,
                $condition),
        }
    };
    (@ $engine:ident, $credential:expr, $from:literal, $user:literal, $organization:literal,
     $key_grants:ident, $condition:literal) => {
        concat!(
            "SELECT ",
            $credential,
            ", ",
            $user,
            " AS user_id, (SELECT u.suspended_at FROM user_account u
                           WHERE u.suspended_at IS NOT NULL AND u.id BETWEEN ",
            $user,
            " AND ",
            $user,
            ") AS user_suspended_at, o.id AS organization_id,
             o.deactivated_at AS organization_deactivated_at, o.plan, m.role,
             m.deactivated_at AS membership_deactivated_at,
             (SELECT ",
            grants!($engine),
            " FROM path_grant g
              WHERE g.user_id = ",
            $user,
            " AND g.organization_id = o.id) AS user_grants,
             (SELECT ",
            grants!($engine),
            " FROM group_member gm JOIN path_grant g ON g.group_id = gm.group_id
              WHERE gm.user_id = ",
            $user,
            " AND gm.organization_id = o.id) AS group_grants, ",
            $key_grants!($engine),
            " FROM ",
            $from,
            " JOIN organization o ON o.id = ",
            $organization,
            " LEFT JOIN membership m ON m.organization_id = o.id AND m.user_id = ",
            $user,
            " WHERE ",
            $condition
        )
    };
}

pub(super) const BY_KEY: CallerQuery = caller!(
    api_key_columns!(),
    "api_key k",
    "k.owner_id",
    "k.organization_id",
    narrowing,
    "k.digest = $1"
);

pub(super) const BY_COOKIE: CallerQuery = caller!(
    session_columns!(),
    "session s",
    "s.user_id",
    "s.organization_id",
    full_rights,
    "s.cookie_digest = $1"
);

pub(super) const BY_SESSION: CallerQuery = caller!(
    session_columns!(),
    "session s",
    "s.user_id",
    "$2",
    full_rights,
    "s.id = $1"
);

pub(super) const BY_TOKEN: CallerQuery = caller!(
    session_columns!(),
    "session s JOIN signing_key key ON key.id = $3",
    "s.user_id",
    "$2",
    full_rights,
    "s.id = $1"
);

pub(super) const BY_MEMBERSHIP: CallerQuery = caller!(
    "1 AS held",
    "membership held",
    "held.user_id",
    "held.organization_id",
    full_rights,
    "held.organization_id = $1 AND held.user_id = $2"
);
