//! On whose behalf something is done.

use vestibule_check::Permit;
use vestibule_model::{Actor, OrgScope, OrganizationId, Role, UserId};
use vestibule_policy::Refusal;

use crate::{Error, Result};

/// The operator at the command line, who may do everything: whoever can run the binary on the
/// database could also write the rows by hand.
#[derive(Debug, Clone, Copy)]
pub struct Operator(());

impl Operator {
    /// The operator. Only the commands of the binary make one.
    pub const fn at_the_command_line() -> Self {
        Self(())
    }
}

/// Who asks for something in one organisation: a caller whom the check let pass, or the operator.
#[derive(Debug, Clone)]
pub struct Caller {
    scope: OrgScope,
    actor: Actor,
    permit: Option<Permit>,
}

impl Caller {
    /// The operator, acting in an organisation.
    pub fn operator(organization_id: OrganizationId) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the operator may act in every organisation"
        )]
        let scope = OrgScope::assume(organization_id);
        Self {
            scope,
            actor: Actor::operator(),
            permit: None,
        }
    }

    /// Somebody who arrives from an organisation's identity provider, or the provider itself:
    /// nobody with powers, for whom the server does what the organisation has set up.
    pub(crate) fn arriving(organization_id: OrganizationId, actor: Actor) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the organisation is that of the connection, which was looked up"
        )]
        let scope = OrgScope::assume(organization_id);
        Self {
            scope,
            actor,
            permit: None,
        }
    }

    /// The organisation whose data the caller sees.
    pub fn scope(&self) -> OrgScope {
        self.scope
    }

    /// The organisation it is about.
    pub fn organization_id(&self) -> OrganizationId {
        self.scope.organization_id()
    }

    /// Who it is, for the audit log.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The permit; `None` for the operator.
    pub(crate) fn permit(&self) -> Option<&Permit> {
        self.permit.as_ref()
    }

    /// The user who calls. The operator is nobody in the organisation and has nothing there.
    pub(crate) fn user(&self) -> Result<UserId> {
        match &self.permit {
            Some(permit) => Ok(permit.user_id()),
            None => Err(Error::field("owner", "missing", "must name a user")),
        }
    }

    /// Refuses whoever has not the powers of `role`. A key narrowed to paths has no powers at all.
    pub(crate) fn needs(&self, role: Role) -> Result<()> {
        match &self.permit {
            Some(permit) => Ok(permit.administers(role)?),
            None => Ok(()),
        }
    }

    /// Refuses whoever is not the operator.
    pub(crate) fn needs_operator(&self) -> Result<()> {
        match &self.permit {
            Some(permit) => Err(Error::Forbidden(Refusal::CredentialKind {
                presented: permit.credential().kind(),
                accepts: "the command line",
            })),
            None => Ok(()),
        }
    }
}

impl From<&Permit> for Caller {
    fn from(permit: &Permit) -> Self {
        Self {
            scope: permit.scope(),
            actor: permit.actor(),
            permit: Some(permit.clone()),
        }
    }
}
