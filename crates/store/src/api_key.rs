//! API keys.

mod change;
mod connection;
mod list;

use vestibule_model::{ApiKey, ApiKeyId, Grant, GrantHolder, OrgScope, UserId};

use crate::sql::{Row, sql};
use crate::{Store, StoreError};

/// The columns of a key `k`.
macro_rules! api_key_columns {
    () => {
        "k.id AS key_id, k.organization_id AS key_organization_id, k.owner_id, k.name AS key_name,
         k.suffix, k.narrowed, k.connection_id AS key_connection_id,
         k.created_at AS key_created_at, k.expires_at AS key_expires_at, k.last_used_at,
         k.revoked_at"
    };
}
pub(crate) use api_key_columns;

pub(crate) fn read_api_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.get("key_id")?,
        organization_id: row.get("key_organization_id")?,
        owner_id: row.get("owner_id")?,
        name: row.get("key_name")?,
        suffix: row.get("suffix")?,
        connection_id: row.get("key_connection_id")?,
        created_at: row.get("key_created_at")?,
        expires_at: row.get("key_expires_at")?,
        last_used_at: row.get("last_used_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

fn read_narrowed(row: &Row<'_>) -> Result<(ApiKey, bool), StoreError> {
    Ok((read_api_key(row)?, row.get("narrowed")?))
}

/// A key with the grants that narrow it, `None` where it has its owner's full rights.
pub type NarrowedApiKey = (ApiKey, Option<Vec<Grant>>);

impl Store {
    /// Returns a user's key that is not revoked.
    pub async fn api_key(
        &self,
        scope: OrgScope,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<Option<NarrowedApiKey>, StoreError> {
        let query = sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.id = $3
                 AND k.revoked_at IS NULL"
        ))
        .bind(scope)
        .bind(owner)
        .bind(id);
        let key = self.prompt_optional(query, read_narrowed).await?;
        Ok(match key {
            None => None,
            Some((key, false)) => Some((key, None)),
            Some((key, true)) => {
                let grants = self.grants_of(scope, GrantHolder::ApiKey(id)).await?;
                Some((key, Some(grants)))
            }
        })
    }

    /// Returns a user's key, revoked or not.
    pub async fn api_key_or_revoked(
        &self,
        scope: OrgScope,
        owner: UserId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k
             WHERE k.organization_id = $1 AND k.owner_id = $2 AND k.id = $3"
        ))
        .bind(scope)
        .bind(owner)
        .bind(id)
        .optional(&mut self.reader().await?, read_api_key)
        .await
    }

    /// Returns a key of the organisation, whoever owns it, revoked or not. For the operator.
    pub async fn api_key_of_anyone(
        &self,
        scope: OrgScope,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        sql(concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key k WHERE k.organization_id = $1 AND k.id = $2"
        ))
        .bind(scope)
        .bind(id)
        .optional(&mut self.reader().await?, read_api_key)
        .await
    }
}
