//! Who may do what, and why: for administrators who set permissions.

use vestibule_check::Inactive;
use vestibule_model::{
    Capability, CredentialRef, HeldGrant, ResourcePath, Role, SessionId, UserId,
};
use vestibule_policy::Refusal;
use vestibule_policy::rights::{self, Basis};

use crate::{Accounts, Caller, Error, Result};

/// A question about somebody's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The user who wants to act.
    pub user: UserId,
    /// On what.
    pub path: ResourcePath,
    /// The capability that the action needs.
    pub capability: Capability,
}

/// The grounds on which a user may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessGround {
    /// The role.
    Role(Role),
    /// It lies in the user's own folder.
    Home(ResourcePath),
    /// A grant of the user's own, or of one of the user's groups.
    Grant(HeldGrant),
}

/// The answer that the check would give after a sign-in of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedAccess {
    /// Yes, and by what; or why not.
    pub outcome: std::result::Result<AccessGround, Refusal>,
    /// The highest capability that the user has there.
    pub have: Option<Capability>,
    /// The reason why nothing of the user passes at all, if there is one.
    pub inactive: Option<Inactive>,
    /// Every grant of the user's own and of the user's groups.
    pub grants: Vec<HeldGrant>,
}

impl Accounts {
    /// Explains whether a member may act on a path, and which role or grant decides. The decision
    /// is the check's own. For admins and owners.
    pub async fn explain_access(&self, caller: &Caller, asked: &Asked) -> Result<ExplainedAccess> {
        caller.needs(Role::Admin)?;
        let found = self
            .0
            .store
            .caller_by_membership(caller.scope(), asked.user);
        let mut row = found.await?.ok_or(Error::NotFound { what: "member" })?;
        // The rights are shown as they are when nothing else stands against the user.
        let inactive = if row.user_suspended_at.take().is_some() {
            Some(Inactive::User)
        } else if row.membership.is_some_and(|(_, since)| since.is_some()) {
            Some(Inactive::Membership)
        } else {
            None
        };
        row.membership = row.membership.map(|(role, _)| (role, None));
        row.organization_deactivated_at = None;
        // Any sign-in of the user: the decision looks at its kind alone.
        let sign_in = CredentialRef::AccessToken(SessionId::from_uuid(asked.user.uuid()));
        let principal = self.directory().principal(row, sign_in, None);
        let principal = principal.map_err(Error::internal)?;
        let outcome = rights::may(&principal, &asked.path, asked.capability).map(|it| match it {
            Basis::Role(role) => AccessGround::Role(role),
            Basis::Home => AccessGround::Home(principal.home.clone()),
            Basis::Grant(grant) => AccessGround::Grant(grant.clone()),
        });
        Ok(ExplainedAccess {
            outcome,
            have: rights::effective(&principal, &asked.path),
            inactive,
            grants: principal.grants.to_vec(),
        })
    }
}
