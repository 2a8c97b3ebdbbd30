//! The e-mail domains of organisations.

use vestibule_model::{
    ConnectionId, DomainId, DomainName, OrgScope, OrganizationId, SsoDomain, Timestamp,
};

use crate::sql::{Row, Source, sql};
use crate::{Store, StoreError, Write};

/// The columns of a domain.
macro_rules! domain_columns {
    () => {
        "id, organization_id, connection_id, name, challenge, created_at, verified_at"
    };
}

fn read_domain(row: &Row<'_>) -> Result<SsoDomain, StoreError> {
    Ok(SsoDomain {
        id: row.get("id")?,
        organization_id: row.get("organization_id")?,
        connection_id: row.get("connection_id")?,
        name: row.get("name")?,
        challenge: row.get("challenge")?,
        created_at: row.get("created_at")?,
        verified_at: row.get("verified_at")?,
    })
}

async fn domain(
    source: &mut impl Source,
    scope: OrgScope,
    id: DomainId,
) -> Result<Option<SsoDomain>, StoreError> {
    sql(concat!(
        "SELECT ",
        domain_columns!(),
        " FROM sso_domain WHERE organization_id = $1 AND id = $2"
    ))
    .bind(scope)
    .bind(id)
    .optional(source, read_domain)
    .await
}

impl Store {
    /// The domains, proved or not, by name.
    pub async fn domains(&self, scope: OrgScope) -> Result<Vec<SsoDomain>, StoreError> {
        sql(concat!(
            "SELECT ",
            domain_columns!(),
            " FROM sso_domain WHERE organization_id = $1 ORDER BY name"
        ))
        .bind(scope)
        .all(&mut self.reader().await?, read_domain)
        .await
    }

    /// A domain.
    pub async fn domain(
        &self,
        scope: OrgScope,
        id: DomainId,
    ) -> Result<Option<SsoDomain>, StoreError> {
        domain(&mut self.reader().await?, scope, id).await
    }

    /// The active organisation that has proved a domain, the enabled connection by which its
    /// people sign in, the domain's own before the others, where there is one, and whether they must.
    pub async fn home_realm(
        &self,
        name: &DomainName,
    ) -> Result<Option<(OrganizationId, Option<ConnectionId>, bool)>, StoreError> {
        sql("SELECT d.organization_id, c.id AS connection_id, e.since
             FROM sso_domain d
             JOIN organization o ON o.id = d.organization_id AND o.deactivated_at IS NULL
             LEFT JOIN sso_enforcement e ON e.organization_id = d.organization_id
             LEFT JOIN sso_connection c ON c.organization_id = d.organization_id
                 AND c.disabled_at IS NULL
             WHERE d.name = $1 AND d.verified_at IS NOT NULL
             ORDER BY CASE WHEN c.id = d.connection_id THEN 0 ELSE 1 END, c.created_at, c.id
             LIMIT 1")
        .bind(name)
        .optional(&mut self.reader().await?, |row| {
            let since: Option<Timestamp> = row.get("since")?;
            Ok((
                row.get("organization_id")?,
                row.get("connection_id")?,
                since.is_some(),
            ))
        })
        .await
    }
}

impl Write {
    /// Counts the domains of the organisation, verified or not. Only after
    /// [`lock_organization`](Self::lock_organization) is it still true at the commit.
    pub async fn count_domains(&mut self, scope: OrgScope) -> Result<u64, StoreError> {
        sql("SELECT COUNT(*) AS count FROM sso_domain WHERE organization_id = $1")
            .bind(scope)
            .count(self)
            .await
    }

    /// Adds a domain. [`Conflict::Domain`](crate::Conflict::Domain) where the organisation has it
    /// already.
    pub async fn insert_domain(&mut self, domain: &SsoDomain) -> Result<(), StoreError> {
        sql("INSERT INTO sso_domain
                (id, organization_id, connection_id, name, challenge, created_at, verified_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(domain.id)
        .bind(domain.organization_id)
        .bind(domain.connection_id)
        .bind(&domain.name)
        .bind(domain.challenge.as_str())
        .bind(domain.created_at)
        .bind(domain.verified_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Returns true if the organisation has verified a domain.
    pub async fn is_domain_verified(
        &mut self,
        scope: OrgScope,
        name: &DomainName,
    ) -> Result<bool, StoreError> {
        let found = sql("SELECT COUNT(*) AS count FROM sso_domain
             WHERE organization_id = $1 AND name = $2 AND verified_at IS NOT NULL")
        .bind(scope)
        .bind(name)
        .count(self)
        .await?;
        Ok(found > 0)
    }

    /// Notes that a domain is proved; whether there is such one.
    /// [`Conflict::Domain`](crate::Conflict::Domain) where another organisation has proved it.
    pub async fn set_domain_verified(
        &mut self,
        scope: OrgScope,
        id: DomainId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = sql(
            "UPDATE sso_domain SET verified_at = COALESCE(verified_at, $3)
             WHERE organization_id = $1 AND id = $2",
        )
        .bind(scope)
        .bind(id)
        .bind(at)
        .execute(self)
        .await?;
        Ok(changed > 0)
    }

    /// Forgets a domain; whether there was such one.
    pub async fn delete_domain(
        &mut self,
        scope: OrgScope,
        id: DomainId,
    ) -> Result<bool, StoreError> {
        let deleted = sql("DELETE FROM sso_domain WHERE organization_id = $1 AND id = $2")
            .bind(scope)
            .bind(id)
            .execute(self)
            .await?;
        Ok(deleted > 0)
    }
}
