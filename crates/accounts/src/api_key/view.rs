//! A key's description of itself.

use vestibule_check::Permit;
use vestibule_model::{ApiKey, Grant, Organization, PlanName, UserId};
use vestibule_store::NarrowedApiKey;

use crate::{Accounts, Error, Result};

/// A narrowed key as its holder may know it, who is often somebody else than the user it belongs
/// to: nothing of that user but the id, and of the organisation only its name.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// The user whose rights the key narrows.
    pub user_id: UserId,
    /// The key's organisation, without its plan and its seats.
    pub organization: Organization,
    /// The key.
    pub key: ApiKey,
    /// The grants that narrow it.
    pub grants: Vec<Grant>,
}

impl Accounts {
    /// Returns the calling key's view of itself where a narrowed key calls, and `None` for every
    /// other credential.
    pub async fn key_view(&self, permit: &Permit) -> Result<Option<KeyView>> {
        if permit.principal().narrowed_to.is_none() {
            return Ok(None);
        }
        let (key, grants) = self.calling_api_key(permit).await?;
        let organization = self.0.store.organization(permit.organization_id()).await?;
        Ok(Some(KeyView {
            user_id: permit.user_id(),
            organization: without_plan(organization.ok_or(Error::CredentialEnded)?),
            key,
            // A key does not cease to be narrowed: one without grants could do nothing.
            grants: grants.unwrap_or_default(),
        }))
    }

    /// Returns the key that calls, narrowed or not. [`Error::NotFound`] where a token or a session
    /// calls.
    pub async fn calling_api_key(&self, permit: &Permit) -> Result<NarrowedApiKey> {
        let id = permit.credential().api_key();
        let id = id.ok_or(Error::NotFound { what: "API key" })?;
        let (scope, owner) = (permit.scope(), permit.user_id());
        let found = self.0.store.api_key(scope, owner, id).await?;
        found.ok_or(Error::CredentialEnded)
    }
}

/// Replaces the plan by the default one, so that nothing of what the organisation has paid for is
/// told.
pub(crate) fn without_plan(organization: Organization) -> Organization {
    Organization {
        plan: PlanName::default(),
        ..organization
    }
}
