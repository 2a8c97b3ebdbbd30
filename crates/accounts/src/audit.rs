//! The audit log, read.

use vestibule_model::{AuditId, Role};
use vestibule_store::{AuditFilter, AuditRow, Followed, Listed, Page};

use crate::{Accounts, Caller, Operator, Result};

impl Accounts {
    /// A part of the organisation's records, the newest first. For admins and owners.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listed<AuditRow>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.audit(caller.scope(), filter, page).await?)
    }

    /// A part of the records that concern no single organisation: people and signing keys. The
    /// operator's.
    pub async fn audit_of_the_installation(
        &self,
        _: &Operator,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listed<AuditRow>> {
        let records = self.0.store.audit_of_the_installation(filter, page);
        Ok(records.await?)
    }

    /// The organisation's records that were committed after one of them, in the order of the
    /// commits, from the beginning where none is named; fewer than `limit` where there are no more.
    /// For admins and owners.
    pub async fn audit_after(
        &self,
        caller: &Caller,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        caller.needs(Role::Admin)?;
        let followed = Followed::Organization(caller.scope());
        Ok(self.0.store.audit_after(followed, after, limit).await?)
    }

    /// The same of the records that concern no single organisation. The operator's.
    pub async fn audit_of_the_installation_after(
        &self,
        _: &Operator,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        let store = &self.0.store;
        Ok(store
            .audit_after(Followed::Installation, after, limit)
            .await?)
    }

    /// The same of all records, whatever they concern. The operator's.
    pub async fn whole_audit_after(
        &self,
        _: &Operator,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        let store = &self.0.store;
        Ok(store
            .audit_after(Followed::Everything, after, limit)
            .await?)
    }
}
