//! Who is calling: from a credential to all that a decision needs, in one query.

use std::time::Duration;

use uuid::Uuid;
use vestibule_model::{
    ApiKey, Digest, GrantId, GroupId, HeldGrant, OrgScope, OrganizationId, PlanName, Role, Session,
    SessionId, SigningKeyId, Timestamp, UserId,
};

use crate::api_key::{api_key_columns, read_api_key};
use crate::session::{read_session, session_columns};
use crate::sql::{Query, Row, sql};
use crate::{Store, StoreError};

/// A request waits for its caller this long at most, and is then told that the truth cannot be
/// known.
const PATIENCE: Duration = Duration::from_millis(900);

/// The stored facts about a caller, besides the credential itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerRow {
    /// The user: of a key, its owner.
    pub user_id: UserId,
    /// Since when the user is suspended, where that is so.
    pub user_suspended_at: Option<Timestamp>,
    /// The organisation the call is about.
    pub organization_id: OrganizationId,
    /// Since when the organisation is deactivated, where that is so.
    pub organization_deactivated_at: Option<Timestamp>,
    /// The organisation's plan.
    pub plan: PlanName,
    /// The user's role there, and since when the membership is deactivated, where that is so.
    pub membership: Option<(Role, Option<Timestamp>)>,
    /// The user's own grants there and those of the user's groups, by id.
    pub grants: Vec<HeldGrant>,
    /// The grants that narrow the key; `None` where the credential has the user's full rights.
    pub narrowed_to: Option<Vec<HeldGrant>>,
}

/// One grant `g` as a line, with one space between its parts: id, group or nothing, capability,
/// `A` or `-`, path. The path comes last, because it may contain spaces; no path contains a line
/// break.
macro_rules! grant_lines {
    () => {
        "STRING_AGG(
             HEX(g.id) || ' ' || COALESCE(HEX(g.group_id), '') || ' ' || g.capability || ' '
                 || CASE WHEN g.can_approve THEN 'A' ELSE '-' END || ' ' || g.path,
             '\n')"
    };
}

/// The query of a caller: `$credential` are the credential's columns, `$from` where they come
/// from, `$user` and `$organization` whom they name, `$key_grants` what narrows them.
///
/// Of the user it asks only for the suspension, and as a range, so that SQLite reads the index of
/// the few who are suspended: asked for an id, it would take the primary key and find nearly every
/// user's row in memory that no cache holds.
macro_rules! caller {
    ($credential:expr, $from:literal, $user:literal, $organization:literal, $key_grants:expr,
     $condition:literal) => {
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
            grant_lines!(),
            " FROM path_grant g
              WHERE g.user_id = ",
            $user,
            " AND g.organization_id = o.id) AS user_grants,
             (SELECT ",
            grant_lines!(),
            " FROM group_member gm JOIN path_grant g ON g.group_id = gm.group_id
              WHERE gm.user_id = ",
            $user,
            " AND gm.organization_id = o.id) AS group_grants, ",
            $key_grants,
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

pub(crate) const BY_KEY: &str = caller!(
    api_key_columns!(),
    "api_key k",
    "k.owner_id",
    "k.organization_id",
    concat!(
        "CASE WHEN k.narrowed THEN COALESCE((SELECT ",
        grant_lines!(),
        " FROM path_grant g WHERE g.api_key_id = k.id), '') END AS key_grants"
    ),
    "k.digest = $1"
);

pub(crate) const BY_COOKIE: &str = caller!(
    session_columns!(),
    "session s",
    "s.user_id",
    "s.organization_id",
    "NULL AS key_grants",
    "s.cookie_digest = $1"
);

pub(crate) const BY_SESSION: &str = caller!(
    session_columns!(),
    "session s",
    "s.user_id",
    "$2",
    "NULL AS key_grants",
    "s.id = $1"
);

pub(crate) const BY_TOKEN: &str = caller!(
    session_columns!(),
    "session s JOIN signing_key key ON key.id = $3",
    "s.user_id",
    "$2",
    "NULL AS key_grants",
    "s.id = $1"
);

pub(crate) const BY_MEMBERSHIP: &str = caller!(
    "1 AS held",
    "membership held",
    "held.user_id",
    "held.organization_id",
    "NULL AS key_grants",
    "held.organization_id = $1 AND held.user_id = $2"
);

impl Store {
    /// Returns the caller that a member, active or not, would be after a sign-in of any kind.
    pub async fn caller_by_membership(
        &self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Option<CallerRow>, StoreError> {
        let query = sql(BY_MEMBERSHIP).bind(scope).bind(user);
        let found = self.caller(query, |_| Ok(())).await?;
        Ok(found.map(|((), row)| row))
    }

    /// The key with this digest, deleted and expired ones too, and who calls with it.
    pub async fn caller_by_key(
        &self,
        digest: &Digest,
    ) -> Result<Option<(ApiKey, CallerRow)>, StoreError> {
        self.caller(sql(BY_KEY).bind(digest), read_api_key).await
    }

    /// The session whose cookie has this digest, ended ones too, and who calls with it, in the
    /// session's active organisation.
    pub async fn caller_by_cookie(
        &self,
        digest: &Digest,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        self.caller(sql(BY_COOKIE).bind(digest), read_session).await
    }

    /// A session, ended ones too, and who calls with an access token of it that was signed with
    /// this key, in the token's organisation; nobody where the key is no longer kept.
    pub async fn caller_by_token(
        &self,
        session: SessionId,
        organization: OrganizationId,
        key: SigningKeyId,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        let query = sql(BY_TOKEN).bind(session).bind(organization).bind(key);
        self.caller(query, read_session).await
    }

    /// A session, ended ones too, and who its user is in an organisation.
    pub async fn caller_by_session(
        &self,
        session: SessionId,
        organization: OrganizationId,
    ) -> Result<Option<(Session, CallerRow)>, StoreError> {
        let query = sql(BY_SESSION).bind(session).bind(organization);
        self.caller(query, read_session).await
    }

    async fn caller<T>(
        &self,
        query: Query,
        read_credential: fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<(T, CallerRow)>, StoreError> {
        let read = |row: &Row<'_>| Ok((read_credential(row)?, read_caller(row)?));
        if let Some(Ok(answer)) = self.inline().map(|inline| inline.optional(&query, read)) {
            return answer;
        }
        let patient = async {
            let reader = &mut self.caller_reader().await?;
            query.optional(reader, read).await
        };
        tokio::time::timeout(PATIENCE, patient)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
    }
}

fn read_caller(row: &Row<'_>) -> Result<CallerRow, StoreError> {
    let role: Option<Role> = row.get("role")?;
    let membership = match role {
        Some(role) => Some((role, row.get("membership_deactivated_at")?)),
        None => None,
    };
    let mut grants = read_lines(row.get("user_grants")?)?;
    grants.extend(read_lines(row.get("group_grants")?)?);
    grants.sort_unstable_by_key(|grant| grant.id);
    let narrowed_to = match row.get("key_grants")? {
        Some(lines) => Some(read_lines(Some(lines))?),
        None => None,
    };
    Ok(CallerRow {
        user_id: row.get("user_id")?,
        user_suspended_at: row.get("user_suspended_at")?,
        organization_id: row.get("organization_id")?,
        organization_deactivated_at: row.get("organization_deactivated_at")?,
        plan: row.get("plan")?,
        membership,
        grants,
        narrowed_to,
    })
}

fn read_lines(lines: Option<String>) -> Result<Vec<HeldGrant>, StoreError> {
    let lines = lines.unwrap_or_default();
    let read =
        |line| read_line(line).ok_or_else(|| StoreError::corrupt("a grant that cannot be read"));
    lines.split_terminator('\n').map(read).collect()
}

fn read_line(line: &str) -> Option<HeldGrant> {
    let mut parts = line.splitn(5, ' ');
    let id = Uuid::try_parse(parts.next()?).ok()?;
    let through = match parts.next()? {
        "" => None,
        group => Some(GroupId::from_uuid(Uuid::try_parse(group).ok()?)),
    };
    Some(HeldGrant {
        id: GrantId::from_uuid(id),
        through,
        capability: parts.next()?.parse().ok()?,
        can_approve: parts.next()? == "A",
        path: parts.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
