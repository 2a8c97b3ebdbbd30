//! The e-mail domains of an organisation and their verification by DNS.

use serde_json::json;
use vestibule_accounts::{Caller, Error, Operator, Result};
use vestibule_model::{ConnectionId, DomainId, OrganizationId, Role, SsoDomain};
use vestibule_outbound::{DnsError, OutboundError};

use crate::secret_text::random_text;
use crate::{NO_CONNECTION, Sso};

/// The number of domains that an organisation may have.
const MOST: u64 = 100;

const NO_DOMAIN: Error = Error::NotFound { what: "domain" };

impl Sso {
    /// Returns the domains, verified or not. For admins and owners.
    pub async fn domains(&self, caller: &Caller) -> Result<Vec<SsoDomain>> {
        caller.needs(Role::Admin)?;
        Ok(self.accounts().store().domains(caller.scope()).await?)
    }

    /// Claims a domain. Its users sign in through `connection`, or through the oldest one if it is
    /// `None`. The claim has no effect until it is verified. For owners.
    pub async fn add_domain(
        &self,
        caller: &Caller,
        name: &str,
        connection: Option<ConnectionId>,
    ) -> Result<SsoDomain> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let name = name.parse();
        let name = name.map_err(|invalid| Error::invalid("domain", invalid))?;
        let domain = SsoDomain {
            id: DomainId::mint(accounts.clock(), accounts.entropy()),
            organization_id: caller.organization_id(),
            connection_id: connection,
            name,
            challenge: random_text(accounts.entropy()).to_string(),
            created_at: accounts.now(),
            verified_at: None,
        };
        let mut write = accounts.begin_locked(caller).await?;
        if let Some(id) = connection {
            let found = write.connection(caller.scope(), id).await?;
            // Of the same organisation: the scope of the query leaves others out.
            found.ok_or(NO_CONNECTION)?;
        }
        if write.count_domains(caller.scope()).await? >= MOST {
            return Err(Error::conflict(
                "too_many_domains",
                format!("An organisation has at most {MOST} domains; remove one first."),
            ));
        }
        write.insert_domain(&domain).await?;
        let details = json!({ "domain": domain.name, "connection": connection });
        let subject = domain.id.to_string();
        accounts
            .commit(write, caller, "sso.domain_added", subject, &details)
            .await?;
        Ok(domain)
    }

    /// Verifies a domain by the TXT record that holds its challenge. For owners.
    pub async fn verify_domain(&self, caller: &Caller, id: DomainId) -> Result<SsoDomain> {
        caller.needs(Role::Owner)?;
        let domain = self.accounts().store().domain(caller.scope(), id).await?;
        let domain = domain.ok_or(NO_DOMAIN)?;
        // The DNS is asked before a transaction begins, since it may take seconds.
        let (name, value) = (domain.record_name(), domain.record_value());
        let key = caller.organization_id().to_string();
        let texts = match self.party().outbound.texts(&key, &name).await {
            Ok(texts) => texts,
            // No such name is the usual answer before the record is published: not proved, no fault.
            Err(OutboundError::Dns(DnsError::NotFound { .. })) => Vec::new(),
            Err(error) => {
                return Err(Error::conflict(
                    "dns_unavailable",
                    format!("The DNS gave no answer: {error}; try again later."),
                ));
            }
        };
        if !texts.contains(&value) {
            return Err(Error::conflict(
                "domain_not_proved",
                format!("The DNS has no TXT record {name} with the text {value}."),
            ));
        }
        self.mark_verified(caller, domain, "dns").await
    }

    /// Marks a domain as verified without asking the DNS. For the operator.
    pub async fn assert_domain(
        &self,
        operator: &Operator,
        organization: OrganizationId,
        id: DomainId,
    ) -> Result<SsoDomain> {
        let caller = &Caller::operator(operator, organization);
        let domain = self.accounts().store().domain(caller.scope(), id).await?;
        self.mark_verified(caller, domain.ok_or(NO_DOMAIN)?, "operator")
            .await
    }

    /// Removes a domain. For owners.
    pub async fn remove_domain(&self, caller: &Caller, id: DomainId) -> Result<()> {
        self.accounts()
            .revoking(move || self.remove_domain_once(caller, id))
            .await
    }

    async fn remove_domain_once(&self, caller: &Caller, id: DomainId) -> Result<()> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let domain = accounts.store().domain(caller.scope(), id).await?;
        let domain = domain.ok_or(NO_DOMAIN)?;
        let mut write = accounts.begin_locked(caller).await?;
        if !write.delete_domain(caller.scope(), id).await? {
            return Err(NO_DOMAIN);
        }
        let details = json!({ "domain": domain.name, "verified_at": domain.verified_at });
        let subject = id.to_string();
        accounts
            .commit(write, caller, "sso.domain_removed", subject, &details)
            .await
    }

    async fn mark_verified(
        &self,
        caller: &Caller,
        domain: SsoDomain,
        by: &'static str,
    ) -> Result<SsoDomain> {
        // Repeating a verification keeps the first date, and writes no record.
        if domain.verified_at.is_some() {
            return Ok(domain);
        }
        let accounts = self.accounts();
        let now = accounts.now();
        let mut write = accounts.begin_locked(caller).await?;
        let scope = caller.scope();
        if !write.set_domain_verified(scope, domain.id, now).await? {
            return Err(NO_DOMAIN);
        }
        let details = json!({ "domain": domain.name, "by": by });
        let subject = domain.id.to_string();
        accounts
            .commit(write, caller, "sso.domain_verified", subject, &details)
            .await?;
        Ok(SsoDomain {
            verified_at: Some(now),
            ..domain
        })
    }
}
