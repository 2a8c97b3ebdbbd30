//! Demanding that an organisation's people sign in through its provider.
//!
//! The rule itself is in `accounts`, where every sign-in by password asks it.

use vestibule_accounts::{Caller, Result, SsoPolicy};
use vestibule_model::UserId;

use crate::Sso;

impl Sso {
    /// Returns how the organisation's people have to sign in. For admins and owners.
    pub async fn sso_policy(&self, caller: &Caller) -> Result<SsoPolicy> {
        self.accounts().sso_policy(caller).await
    }

    /// Lets these owners, and no others, sign in by password even where single sign-on is
    /// enforced. For owners.
    pub async fn set_break_glass(&self, caller: &Caller, owners: &[UserId]) -> Result<SsoPolicy> {
        self.change_sso_policy(caller, None, Some(owners)).await
    }

    /// Demands that the organisation's people sign in through its provider, or no longer. For
    /// owners.
    pub async fn enforce_sso(&self, caller: &Caller, enforced: bool) -> Result<SsoPolicy> {
        self.change_sso_policy(caller, Some(enforced), None).await
    }

    /// Changes both at once: all of it is done, or nothing. Sessions in the organisation that
    /// started with a password end where they are no longer allowed; keys stay. For owners.
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
