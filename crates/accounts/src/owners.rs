//! Who owns an organisation.

use vestibule_model::Role;

use crate::error::Result;
use crate::membership::Member;
use crate::{Accounts, Caller};

impl Accounts {
    /// All active owners, the longest first. For admins and owners.
    pub async fn owners(&self, caller: &Caller) -> Result<Vec<Member>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.owners(caller.scope()).await?)
    }
}
