//! API keys whose creator had signed in through a connection.

use std::collections::HashSet;

use vestibule_model::{ApiKeyId, ConnectionId, OrgScope, Timestamp, UserId};

use super::list::with_grants;
use super::{NarrowedApiKey, api_key_columns, read_narrowed};
use crate::grant::{grant_columns, read_grant};
use crate::sql::{Query, Row, sql};
use crate::{Store, StoreError, Write};

fn connection_of(id: ApiKeyId) -> Query {
    sql("SELECT connection_id FROM api_key WHERE id = $1").bind(id)
}

fn read_connection(row: &Row<'_>) -> Result<Option<ConnectionId>, StoreError> {
    row.get("connection_id")
}

impl Store {
    /// Returns the connection that the creator of a key had signed in through, if any; the outer
    /// `None` where there is no such key.
    pub async fn connection_of_api_key(
        &self,
        id: ApiKeyId,
    ) -> Result<Option<Option<ConnectionId>>, StoreError> {
        self.prompt_optional(connection_of(id), read_connection)
            .await
    }
}

impl Write {
    /// [`Store::connection_of_api_key`] as this transaction sees it.
    pub async fn connection_of_api_key(
        &mut self,
        id: ApiKeyId,
    ) -> Result<Option<Option<ConnectionId>>, StoreError> {
        connection_of(id).optional(self, read_connection).await
    }

    /// Revokes the keys whose creator had signed in through a connection: those of one owner where
    /// one is named, of all otherwise. Returns the keys that this revoked; what had expired or was
    /// revoked before is left as it is.
    pub async fn revoke_api_keys_of_connection(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        owner: Option<UserId>,
        at: Timestamp,
    ) -> Result<Vec<NarrowedApiKey>, StoreError> {
        let revoked = sql("UPDATE api_key SET revoked_at = $4
             WHERE organization_id = $1 AND connection_id = $2 AND owner_id = COALESCE($3, owner_id)
                 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $4)
             RETURNING id")
        .bind(scope)
        .bind(connection)
        .bind(owner)
        .bind(at)
        .all(self, |row| row.get::<ApiKeyId>("id"))
        .await?;
        if revoked.is_empty() {
            return Ok(Vec::new());
        }
        let mut keys = sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k
             WHERE k.organization_id = $1 AND k.connection_id = $2 AND k.revoked_at = $3
             ORDER BY k.created_at, k.id"
        ))
        .bind(scope)
        .bind(connection)
        .bind(at)
        .all(self, read_narrowed)
        .await?;
        let revoked: HashSet<_> = revoked.into_iter().collect();
        // Another transaction may have revoked some in the same microsecond.
        keys.retain(|(key, _)| revoked.contains(&key.id));
        let grants = sql(concat!(
            "SELECT ",
            grant_columns!(),
            " FROM api_key k JOIN path_grant g ON g.api_key_id = k.id
             WHERE k.organization_id = $1 AND k.connection_id = $2 AND k.revoked_at = $3
             ORDER BY g.created_at, g.id"
        ))
        .bind(scope)
        .bind(connection)
        .bind(at)
        .all(self, read_grant)
        .await?;
        Ok(with_grants(keys, grants))
    }
}
