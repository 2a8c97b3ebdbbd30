//! Grants on a path and below it, which follow the resource that is there and end with it.

use vestibule_model::{Grant, OrgScope, ResourcePath, Role, Timestamp, UserId};

use super::{grant_columns, read_grant};
use crate::sql::{Row, sql};
use crate::{ResourceChange, StoreError, UnauditedWrite, Write};

/// A grant, with what decides who may revoke it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedGrant {
    /// The grant.
    pub grant: Grant,
    /// The API key that holds it, where one does.
    pub key: Option<HoldingKey>,
}

/// The API key that holds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldingKey {
    /// The user who owns the key.
    pub owner_id: UserId,
    /// The owner's role in the organisation; `None` where the membership was removed.
    pub owner_role: Option<Role>,
    /// The time of the key's revocation, if it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The time of the key's expiry, if it expires.
    pub expires_at: Option<Timestamp>,
}

impl HoldingKey {
    /// Returns whether the key was revoked or has expired, so that its grants allow nothing.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.expires_at.is_some_and(|end| end <= now)
    }
}

fn read_placed(row: &Row<'_>) -> Result<PlacedGrant, StoreError> {
    let key = match row.get::<Option<UserId>>("key_owner_id")? {
        Some(owner_id) => Some(HoldingKey {
            owner_id,
            owner_role: row.get("key_owner_role")?,
            revoked_at: row.get("key_revoked_at")?,
            expires_at: row.get("key_expires_at")?,
        }),
        None => None,
    };
    Ok(PlacedGrant {
        grant: read_grant(row)?,
        key,
    })
}

/// The grants that were moved or deleted with a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantsBelow {
    /// The number of grants.
    pub count: u64,
    /// Some of them, by their paths.
    pub first: Vec<Grant>,
}

/// The grants on the path `$2` and below it: all that begins with `path/` lies between `path/` and
/// `path0`, since `0` comes after `/`. One range of the index, in its order.
macro_rules! on_and_below {
    () => {
        "organization_id = $1 AND path >= $2 AND path < $4 AND (path = $2 OR path > $3)
             AND OCTET_LENGTH(path) <= $5"
    };
}

const FIRST_BELOW: &str = concat!(
    "SELECT ",
    grant_columns!(),
    " FROM path_grant g WHERE ",
    on_and_below!(),
    " ORDER BY g.path LIMIT $6"
);

const MOVE_BELOW: &str = concat!(
    "UPDATE path_grant SET updated_at = $9,
         path = CASE WHEN path = $2 THEN $6 ELSE $7 || SUBSTR(path, CAST($8 AS INTEGER)) END
     WHERE ",
    on_and_below!(),
);

impl Write {
    /// Moves the grants on a folder and below it from one path to another, in one statement. The
    /// grants that moved are described as they are now, up to `described` of them. A grant that
    /// would end on an unspeakable path (longer than [`ResourcePath::MAX_BYTES`]) stays where it is.
    pub async fn rebase_grants(
        &mut self,
        scope: OrgScope,
        from: &ResourcePath,
        to: &ResourcePath,
        at: Timestamp,
        described: u32,
    ) -> Result<GrantsBelow, StoreError> {
        if from == to || *from == ResourcePath::root() {
            return Ok(GrantsBelow::default());
        }
        // What comes before the rest of each path: nothing at the root, whose own `/` is in the rest.
        let before = to.as_str().trim_end_matches('/');
        let longest = longest_that_fits(from, to);
        let mut first = self.first_below(scope, from, longest, described).await?;
        for grant in &mut first {
            grant.path = grant.path.rebased(from, to);
            grant.updated_at = at;
        }
        let rest = from.as_str().chars().count().saturating_add(1);
        let count = sql(MOVE_BELOW)
            .bind(scope)
            .bind(from)
            .bind(format!("{from}/").as_str())
            .bind(format!("{from}0").as_str())
            .bind(longest)
            .bind(to)
            .bind(before)
            .bind(i64::try_from(rest).unwrap_or(i64::MAX))
            .bind(at)
            .execute(self)
            .await?;
        Ok(GrantsBelow { count, first })
    }

    /// Deletes the grants on a path and below it, whoever holds them. Those that there were are
    /// described up to `described` of them. The root is never gone: nothing is deleted for it. Only
    /// after [`lock_organization`](Self::lock_organization) are those all.
    pub async fn delete_grants_below(
        &mut self,
        scope: OrgScope,
        path: &ResourcePath,
        described: u32,
    ) -> Result<GrantsBelow, StoreError> {
        if *path == ResourcePath::root() {
            return Ok(GrantsBelow::default());
        }
        let first = self.first_below(scope, path, i64::MAX, described).await?;
        let count = sql("DELETE FROM path_grant
             WHERE organization_id = $1 AND (path = $2 OR (path > $3 AND path < $4))")
        .bind(scope)
        .bind(path)
        .bind(format!("{path}/").as_str())
        .bind(format!("{path}0").as_str())
        .execute(self)
        .await?;
        Ok(GrantsBelow { count, first })
    }

    /// Some of the grants on a path and below it, in the order of their paths, so that no more are
    /// read than are wanted.
    async fn first_below(
        &mut self,
        scope: OrgScope,
        path: &ResourcePath,
        longest: i64,
        wanted: u32,
    ) -> Result<Vec<Grant>, StoreError> {
        sql(FIRST_BELOW)
            .bind(scope)
            .bind(path)
            .bind(format!("{path}/").as_str())
            .bind(format!("{path}0").as_str())
            .bind(longest)
            .bind(i64::from(wanted))
            .all(self, read_grant)
            .await
    }

    /// Returns the grants on a path and below it, whoever holds them, the oldest first; none for
    /// the root. Only after [`lock_organization`](Self::lock_organization) are those all at the
    /// commit.
    pub async fn grants_below(
        &mut self,
        scope: OrgScope,
        path: &ResourcePath,
    ) -> Result<Vec<PlacedGrant>, StoreError> {
        if *path == ResourcePath::root() {
            return Ok(Vec::new());
        }
        // All that begins with `path/` lies between `path/` and `path0`: `0` comes after `/`.
        sql(concat!(
            "SELECT ",
            grant_columns!(),
            ", k.owner_id AS key_owner_id, m.role AS key_owner_role,
                 k.revoked_at AS key_revoked_at, k.expires_at AS key_expires_at
             FROM path_grant g
             LEFT JOIN api_key k ON k.id = g.api_key_id
             LEFT JOIN membership m
                 ON m.organization_id = k.organization_id AND m.user_id = k.owner_id
             WHERE g.organization_id = $1 AND (g.path = $2 OR (g.path > $3 AND g.path < $4))
             ORDER BY g.created_at, g.id"
        ))
        .bind(scope)
        .bind(path)
        .bind(format!("{path}/").as_str())
        .bind(format!("{path}0").as_str())
        .all(self, read_placed)
        .await
    }
}

/// Returns the length in bytes up to which a path below `from` is no longer than
/// [`ResourcePath::MAX_BYTES`] once it has moved to `to`.
fn longest_that_fits(from: &ResourcePath, to: &ResourcePath) -> i64 {
    let before = to.as_str().trim_end_matches('/').len();
    let longest = (ResourcePath::MAX_BYTES + from.as_str().len()).saturating_sub(before);
    i64::try_from(longest).unwrap_or(i64::MAX)
}

impl UnauditedWrite {
    /// Returns true if a grant follows the change: if
    /// [`rebase_grants`](Write::rebase_grants) would move one, or
    /// [`delete_grants_below`](Write::delete_grants_below) would delete one. Only after
    /// [`lock_organization`](Self::lock_organization) is that still true at the commit.
    pub async fn has_movable_grants(
        &mut self,
        scope: OrgScope,
        change: &ResourceChange,
    ) -> Result<bool, StoreError> {
        let from = &change.from;
        if *from == ResourcePath::root() || change.to.as_ref() == Some(from) {
            return Ok(false);
        }
        let longest = change.to.as_ref().map(|to| longest_that_fits(from, to));
        let longest = longest.unwrap_or(i64::MAX);
        let first = self.inner().first_below(scope, from, longest, 1).await?;
        Ok(!first.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::explained::uses_only;
    use crate::support::{Backend, World};

    #[rstest]
    #[tokio::test]
    async fn a_folder_s_grants_are_one_range_of_an_index(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let world = World::new(backend).await;
        let types = "UUID, TEXT, TEXT, TEXT, BIGINT, BIGINT";
        uses_only(&world, FIRST_BELOW, types, "path_grant_path").await;
        let types = "UUID, TEXT, TEXT, TEXT, BIGINT, TEXT, TEXT, BIGINT, BIGINT";
        uses_only(&world, MOVE_BELOW, types, "path_grant_path").await;
    }
}
