//! Who somebody is at an identity provider.

use vestibule_model::{ConnectionId, OrgScope, SsoIdentity, Timestamp, UserId};

use crate::sql::{Row, Source, sql};
use crate::{Store, StoreError, Write};

/// The columns of an identity.
macro_rules! identity_columns {
    () => {
        "connection_id, organization_id, issuer, subject, user_id, created_at, last_used_at"
    };
}

fn read_identity(row: &Row<'_>) -> Result<SsoIdentity, StoreError> {
    Ok(SsoIdentity {
        connection_id: row.get("connection_id")?,
        organization_id: row.get("organization_id")?,
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        user_id: row.get("user_id")?,
        created_at: row.get("created_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}

async fn identity(
    source: &mut impl Source,
    connection: ConnectionId,
    issuer: &str,
    subject: &str,
) -> Result<Option<SsoIdentity>, StoreError> {
    sql(concat!(
        "SELECT ",
        identity_columns!(),
        " FROM sso_identity WHERE connection_id = $1 AND issuer = $2 AND subject = $3"
    ))
    .bind(connection)
    .bind(issuer)
    .bind(subject)
    .optional(source, read_identity)
    .await
}

impl Store {
    /// Looks up the user to whom an identity of a provider is linked.
    pub async fn identity(
        &self,
        connection: ConnectionId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<SsoIdentity>, StoreError> {
        identity(&mut self.reader().await?, connection, issuer, subject).await
    }

    /// Lists the identities of a user at the organisation's providers, the oldest first.
    pub async fn identities_of(
        &self,
        scope: OrgScope,
        user: UserId,
    ) -> Result<Vec<SsoIdentity>, StoreError> {
        sql(concat!(
            "SELECT ",
            identity_columns!(),
            " FROM sso_identity WHERE organization_id = $1 AND user_id = $2
             ORDER BY created_at, connection_id"
        ))
        .bind(scope)
        .bind(user)
        .all(&mut self.reader().await?, read_identity)
        .await
    }
}

impl Write {
    /// Looks up the user to whom an identity of a provider is linked, as this transaction sees it.
    pub async fn identity(
        &mut self,
        connection: ConnectionId,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<SsoIdentity>, StoreError> {
        identity(self, connection, issuer, subject).await
    }

    /// Returns the subject by which a provider knows a user, if the user was linked before.
    pub async fn subject_of(
        &mut self,
        connection: ConnectionId,
        issuer: &str,
        user: UserId,
    ) -> Result<Option<String>, StoreError> {
        sql("SELECT subject FROM sso_identity
             WHERE connection_id = $1 AND issuer = $2 AND user_id = $3")
        .bind(connection)
        .bind(issuer)
        .bind(user)
        .optional(self, |row| row.get("subject"))
        .await
    }

    /// Links a person of a provider with a user.
    /// [`Conflict::SsoIdentity`](crate::Conflict::SsoIdentity) where either is linked at this
    /// provider already.
    pub async fn insert_identity(&mut self, identity: &SsoIdentity) -> Result<(), StoreError> {
        sql("INSERT INTO sso_identity
                (connection_id, organization_id, issuer, subject, user_id, created_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(identity.connection_id)
        .bind(identity.organization_id)
        .bind(identity.issuer.as_str())
        .bind(identity.subject.as_str())
        .bind(identity.user_id)
        .bind(identity.created_at)
        .bind(identity.last_used_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Notes that somebody signed in by an identity.
    pub async fn touch_identity(
        &mut self,
        identity: &SsoIdentity,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sql("UPDATE sso_identity SET last_used_at = $4
             WHERE connection_id = $1 AND issuer = $2 AND subject = $3")
        .bind(identity.connection_id)
        .bind(identity.issuer.as_str())
        .bind(identity.subject.as_str())
        .bind(at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Parts a user from a connection; how many persons of its providers the user was.
    pub async fn delete_identities(
        &mut self,
        scope: OrgScope,
        connection: ConnectionId,
        user: UserId,
    ) -> Result<u64, StoreError> {
        sql("DELETE FROM sso_identity
             WHERE organization_id = $1 AND connection_id = $2 AND user_id = $3")
        .bind(scope)
        .bind(connection)
        .bind(user)
        .execute(self)
        .await
    }
}
