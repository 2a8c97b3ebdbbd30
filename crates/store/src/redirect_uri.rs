//! Where organisations' applications get their people back.

use vestibule_model::{OrgScope, RedirectUriId, RegisteredRedirectUri};

use crate::sql::{Source, sql};
use crate::{Store, StoreError, Write};

async fn is_redirect_uri(
    source: &mut impl Source,
    scope: OrgScope,
    text: &str,
) -> Result<bool, StoreError> {
    let found = sql("SELECT COUNT(*) AS count FROM redirect_uri
         WHERE organization_id = $1 AND uri = $2")
    .bind(scope)
    .bind(text)
    .count(source)
    .await?;
    Ok(found > 0)
}

impl Store {
    /// The registered redirect URIs, the oldest first.
    pub async fn redirect_uris(
        &self,
        scope: OrgScope,
    ) -> Result<Vec<RegisteredRedirectUri>, StoreError> {
        sql(
            "SELECT id, organization_id, uri, created_at FROM redirect_uri
             WHERE organization_id = $1 ORDER BY created_at, id",
        )
        .bind(scope)
        .all(&mut self.reader().await?, |row| {
            Ok(RegisteredRedirectUri {
                id: row.get("id")?,
                organization_id: row.get("organization_id")?,
                uri: row.get("uri")?,
                created_at: row.get("created_at")?,
            })
        })
        .await
    }

    /// Returns true if exactly this text is registered, byte for byte.
    pub async fn is_redirect_uri(&self, scope: OrgScope, text: &str) -> Result<bool, StoreError> {
        is_redirect_uri(&mut self.reader().await?, scope, text).await
    }
}

impl Write {
    /// Returns true if exactly this text is registered, as this transaction sees it.
    pub async fn is_redirect_uri(
        &mut self,
        scope: OrgScope,
        text: &str,
    ) -> Result<bool, StoreError> {
        is_redirect_uri(self, scope, text).await
    }

    /// Registers a redirect URI. [`Conflict::RedirectUri`](crate::Conflict::RedirectUri) where it
    /// is registered already.
    pub async fn insert_redirect_uri(
        &mut self,
        uri: &RegisteredRedirectUri,
    ) -> Result<(), StoreError> {
        sql(
            "INSERT INTO redirect_uri (id, organization_id, uri, created_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(uri.id)
        .bind(uri.organization_id)
        .bind(&uri.uri)
        .bind(uri.created_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Counts the registered URIs.
    pub async fn count_redirect_uris(&mut self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count FROM redirect_uri WHERE organization_id = $1")
            .bind(scope)
            .count(self)
            .await
    }

    /// Forgets a redirect URI, and gives back its text; `None` where there is no such one.
    pub async fn delete_redirect_uri(
        &mut self,
        scope: OrgScope,
        id: RedirectUriId,
    ) -> Result<Option<String>, StoreError> {
        sql("DELETE FROM redirect_uri WHERE organization_id = $1 AND id = $2 RETURNING uri")
            .bind(scope)
            .bind(id)
            .optional(self, |row| row.get("uri"))
            .await
    }
}
