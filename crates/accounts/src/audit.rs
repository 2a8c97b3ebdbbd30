//! The audit log, read.

use vestibule_model::Role;
use vestibule_store::{AuditFilter, AuditRow, Page};

use crate::{Accounts, Caller, Operator, Result};

impl Accounts {
    /// The organisation's records, the newest first, and how many there are. For admins and
    /// owners.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditRow>, u64)> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.audit(caller.scope(), filter, page).await?)
    }

    /// The records that concern no single organisation: people and signing keys. The operator's.
    pub async fn audit_of_the_installation(
        &self,
        _: &Operator,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditRow>, u64)> {
        let records = self.0.store.audit_of_the_installation(filter, page);
        Ok(records.await?)
    }
}
