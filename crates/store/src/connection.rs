//! Connections to identity providers. Their secrets are sealed before they come here.

use vestibule_model::{ConnectionId, ConnectionSettings, OrgScope, OrganizationId, SsoConnection};

use crate::sql::{Row, Source, sql};
use crate::{Store, StoreError, Write};

/// The columns of a connection.
macro_rules! connection_columns {
    () => {
        "id, organization_id, name, live, staged, version, created_at, updated_at, disabled_at"
    };
}

/// The sealed secrets of a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionSecrets {
    /// The secret of the live settings.
    pub live: Vec<u8>,
    /// The secret of the staged settings, if there are any.
    pub staged: Option<Vec<u8>>,
}

/// Leaves the sealed bytes out.
impl std::fmt::Debug for ConnectionSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionSecrets(…)")
    }
}

fn settings(text: &str) -> Result<ConnectionSettings, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt)
}

fn text_of(settings: &ConnectionSettings) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|error| StoreError::Other(error.to_string()))
}

fn read_connection(row: &Row<'_>) -> Result<SsoConnection, StoreError> {
    let live: String = row.get("live")?;
    let staged: Option<String> = row.get("staged")?;
    Ok(SsoConnection {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        name: row.get("name")?,
        live: settings(&live)?,
        staged: staged.as_deref().map(settings).transpose()?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        disabled_at: row.get("disabled_at")?,
    })
}

fn read_secrets(row: &Row<'_>) -> Result<ConnectionSecrets, StoreError> {
    Ok(ConnectionSecrets {
        live: row.get("live_secret")?,
        staged: row.get("staged_secret")?,
    })
}

async fn connection(
    source: &mut impl Source,
    scope: OrgScope,
    id: ConnectionId,
) -> Result<Option<(SsoConnection, ConnectionSecrets)>, StoreError> {
    sql(concat!(
        "SELECT ",
        connection_columns!(),
        ", live_secret, staged_secret FROM sso_connection
         WHERE organization_id = $1 AND id = $2"
    ))
    .bind(scope)
    .bind(id)
    .optional(source, |row| {
        Ok((read_connection(row)?, read_secrets(row)?))
    })
    .await
}

impl Store {
    /// The connections, the oldest first.
    pub async fn connections(&self, scope: OrgScope) -> Result<Vec<SsoConnection>, StoreError> {
        sql(concat!(
            "SELECT ",
            connection_columns!(),
            " FROM sso_connection WHERE organization_id = $1 ORDER BY created_at, id"
        ))
        .bind(scope)
        .all(&mut self.reader().await?, read_connection)
        .await
    }

    /// A connection with its sealed secrets.
    pub async fn connection(
        &self,
        scope: OrgScope,
        id: ConnectionId,
    ) -> Result<Option<(SsoConnection, ConnectionSecrets)>, StoreError> {
        connection(&mut self.reader().await?, scope, id).await
    }

    /// The first of an organisation's enabled connections, where there is one: for strangers who
    /// name the organisation.
    pub async fn first_connection(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<ConnectionId>, StoreError> {
        sql("SELECT id FROM sso_connection
             WHERE organization_id = $1 AND disabled_at IS NULL
             ORDER BY created_at, id LIMIT 1")
        .bind(organization)
        .optional(&mut self.reader().await?, |row| row.get("id"))
        .await
    }
}

impl Write {
    /// A connection with its sealed secrets, as this transaction sees it.
    pub async fn connection(
        &mut self,
        scope: OrgScope,
        id: ConnectionId,
    ) -> Result<Option<(SsoConnection, ConnectionSecrets)>, StoreError> {
        connection(self, scope, id).await
    }

    /// Adds a connection.
    pub async fn insert_connection(
        &mut self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
    ) -> Result<(), StoreError> {
        let staged = connection.staged.as_ref().map(text_of).transpose()?;
        sql(
            "INSERT INTO sso_connection (id, organization_id, name, live, live_secret, staged,
                staged_secret, version, created_at, updated_at, disabled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(connection.id)
        .bind(connection.organization_id)
        .bind(&connection.name)
        .bind(text_of(&connection.live)?.as_str())
        .bind(secrets.live.as_slice())
        .bind(staged.as_deref())
        .bind(secrets.staged.as_deref())
        .bind(connection.version)
        .bind(connection.created_at)
        .bind(connection.updated_at)
        .bind(connection.disabled_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Replaces all of a connection but its id, if it still has the version before this one;
    /// whether it had.
    pub async fn update_connection(
        &mut self,
        connection: &SsoConnection,
        secrets: &ConnectionSecrets,
    ) -> Result<bool, StoreError> {
        let staged = connection.staged.as_ref().map(text_of).transpose()?;
        let changed = sql(
            "UPDATE sso_connection SET name = $4, live = $5, live_secret = $6, staged = $7,
                staged_secret = $8, version = $3, updated_at = $9, disabled_at = $10
             WHERE organization_id = $1 AND id = $2 AND version = $3 - 1",
        )
        .bind(connection.organization_id)
        .bind(connection.id)
        .bind(connection.version)
        .bind(&connection.name)
        .bind(text_of(&connection.live)?.as_str())
        .bind(secrets.live.as_slice())
        .bind(staged.as_deref())
        .bind(secrets.staged.as_deref())
        .bind(connection.updated_at)
        .bind(connection.disabled_at)
        .execute(self)
        .await?;
        Ok(changed > 0)
    }

    /// Counts the connections that people can sign in with.
    pub async fn count_enabled_connections(&mut self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count FROM sso_connection
             WHERE organization_id = $1 AND disabled_at IS NULL")
        .bind(scope)
        .count(self)
        .await
    }

    /// Counts the connections.
    pub async fn count_connections(&mut self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count FROM sso_connection WHERE organization_id = $1")
            .bind(scope)
            .count(self)
            .await
    }
}
