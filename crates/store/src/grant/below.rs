//! Grants on a path and below it, which follow the resource that is there and end with it.

use vestibule_model::{Grant, OrgScope, ResourcePath, Role, Timestamp, UserId};

use super::{grant_columns, read_grant};
use crate::sql::{Row, sql};
use crate::{StoreError, Write};

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

impl Write {
    /// Moves the grants on a folder and below it from one path to another. Returns the grants that
    /// moved, as they are now. A grant that would end on an unspeakable path (longer than
    /// [`ResourcePath::MAX_BYTES`]) stays where it is.
    pub async fn rebase_grants(
        &mut self,
        scope: OrgScope,
        from: &ResourcePath,
        to: &ResourcePath,
        at: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        if from == to {
            return Ok(Vec::new());
        }
        let grants = self.grants_below(scope, from).await?;
        let mut moved = Vec::new();
        for PlacedGrant { mut grant, .. } in grants {
            let path = grant.path.rebased(from, to);
            if path.as_str().len() > ResourcePath::MAX_BYTES {
                continue;
            }
            grant.path = path;
            grant.updated_at = at;
            self.update_grant(&grant).await?;
            moved.push(grant);
        }
        Ok(moved)
    }

    /// Deletes the grants on a path and below it, whoever holds them. Returns those that there
    /// were, the oldest first. The root is never gone: nothing is deleted for it. Only after
    /// [`lock_organization`](Self::lock_organization) are those all.
    pub async fn delete_grants_below(
        &mut self,
        scope: OrgScope,
        path: &ResourcePath,
    ) -> Result<Vec<Grant>, StoreError> {
        let grants = self.grants_below(scope, path).await?;
        if grants.is_empty() {
            return Ok(Vec::new());
        }
        sql("DELETE FROM path_grant
             WHERE organization_id = $1 AND (path = $2 OR (path > $3 AND path < $4))")
        .bind(scope)
        .bind(path)
        .bind(format!("{path}/").as_str())
        .bind(format!("{path}0").as_str())
        .execute(self)
        .await?;
        Ok(grants.into_iter().map(|placed| placed.grant).collect())
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
