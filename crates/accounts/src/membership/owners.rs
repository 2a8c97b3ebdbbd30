//! The owners that an organisation keeps.

use vestibule_model::Role;
use vestibule_store::Write;

use crate::{Caller, Error, Result};

/// The owners of an organisation, counted before one of its members is changed.
pub(super) struct Owners {
    /// True if the member is an owner.
    touched: bool,
    /// True if members have to sign in through the provider.
    pub(super) enforced: bool,
    /// The number of owners who can sign in without the provider that everybody else has to use; 0
    /// elsewhere, and where none is touched.
    break_glass: u64,
}

impl Owners {
    pub(super) async fn before(write: &mut Write, caller: &Caller, role: Role) -> Result<Self> {
        let touched = role == Role::Owner;
        let scope = caller.scope();
        let enforced = write.sso_policy(scope).await?.enforced_since.is_some();
        let mut break_glass = 0;
        if touched && enforced {
            break_glass = write.count_break_glass(scope).await?;
        }
        Ok(Self {
            touched,
            enforced,
            break_glass,
        })
    }

    /// Refuses a change that has left none.
    pub(super) async fn keep(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        let scope = caller.scope();
        if self.touched && write.count_owners(scope, 1).await? == 0 {
            return Err(Error::conflict(
                "last_owner",
                "An organisation keeps at least one active owner; make somebody else an owner \
                 first.",
            ));
        }
        if self.break_glass > 0 && write.count_break_glass(scope).await? == 0 {
            return Err(Error::conflict(
                "last_break_glass_owner",
                "This is the last owner who can sign in without the identity provider while the \
                 others have to sign in by it; name another break-glass owner or stop enforcing \
                 single sign-on first.",
            ));
        }
        Ok(())
    }
}
