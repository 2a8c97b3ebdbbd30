//! The single sign-on policy of an organisation.
//!
//! The rule itself is in `accounts`, where every sign-in by password consults it.

use vestibule_accounts::{Caller, Result, SsoPolicy};
use vestibule_model::UserId;

use crate::Sso;

impl Sso {
    /// Returns the single sign-on policy of the organisation. For admins and owners.
    pub async fn sso_policy(&self, caller: &Caller) -> Result<SsoPolicy> {
        self.accounts().sso_policy(caller).await
    }

    /// Exempts exactly these owners from enforcement, so that they can sign in by password. For
    /// owners.
    pub async fn set_break_glass(&self, caller: &Caller, owners: &[UserId]) -> Result<SsoPolicy> {
        self.change_sso_policy(caller, None, Some(owners)).await
    }

    /// Requires single sign-on for the organisation's members, or lifts the requirement. For
    /// owners.
    pub async fn enforce_sso(&self, caller: &Caller, enforced: bool) -> Result<SsoPolicy> {
        self.change_sso_policy(caller, Some(enforced), None).await
    }

    /// Changes both in one transaction. Ends sessions in the organisation that started with a
    /// password and are no longer allowed; keys stay. For owners.
    pub async fn change_sso_policy(
        &self,
        caller: &Caller,
        enforced: Option<bool>,
        break_glass: Option<&[UserId]>,
    ) -> Result<SsoPolicy> {
        let accounts = self.accounts();
        accounts
            .change_sso_policy(caller, enforced, break_glass)
            .await
    }
}
