//! On whose behalf something is done.

use vestibule_check::Permit;
use vestibule_model::session::Lifetimes;
use vestibule_model::{Actor, CredentialRef, OrgScope, OrganizationId, Role, Timestamp};
use vestibule_policy::Refusal;
use vestibule_store::Write;

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

/// The caller of an operation in one organisation: one whom the check let pass, the operator, or a
/// user who is about to join and has no rights yet.
#[derive(Debug, Clone)]
pub struct Caller {
    scope: OrgScope,
    actor: Actor,
    who: Who,
}

#[derive(Debug, Clone)]
enum Who {
    Operator,
    Permit(Permit),
    /// Somebody who arrives from an organisation's identity provider, or the provider itself.
    Arriving,
}

impl Caller {
    /// The operator, acting in an organisation.
    pub fn operator(_: &Operator, organization_id: OrganizationId) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the operator may act in every organisation"
        )]
        let scope = OrgScope::assume(organization_id);
        Self {
            scope,
            actor: Actor::operator(),
            who: Who::Operator,
        }
    }

    /// Somebody who arrives from an organisation's identity provider, or the provider itself:
    /// nobody with powers, for whom the server does what the organisation has set up.
    pub const fn arriving(scope: OrgScope, actor: Actor) -> Self {
        Self {
            scope,
            actor,
            who: Who::Arriving,
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

    /// The actor that the audit log records.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The permit; `None` for the operator, and for whoever arrives.
    pub const fn permit(&self) -> Option<&Permit> {
        match &self.who {
            Who::Permit(permit) => Some(permit),
            Who::Operator | Who::Arriving => None,
        }
    }

    /// Refuses whoever has not the powers of `role`. A key narrowed to paths has no powers at all,
    /// and neither has whoever arrives.
    pub fn needs(&self, role: Role) -> Result<()> {
        match &self.who {
            Who::Operator => Ok(()),
            Who::Permit(permit) => Ok(permit.administers(role)?),
            Who::Arriving => Err(Error::Forbidden(Refusal::Role { needs: role })),
        }
    }

    /// Refuses whoever has lost since the permit was given what the permit was given for: the
    /// credential, the user's freedom to act, the membership, or the role. Whoever has them keeps
    /// them until the transaction is over; the membership and the role do where it has locked the
    /// organisation. The operator, and whoever arrives, have no permit to lose.
    pub(crate) async fn still_stands(
        &self,
        write: &mut Write,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Result<()> {
        let Some(permit) = self.permit() else {
            return Ok(());
        };
        credential_stands(permit, write, now, lifetimes).await?;
        match write.active_role(self.scope, permit.user_id()).await? {
            None => Err(Error::CredentialEnded),
            Some(role) if role < permit.role() => Err(Error::Forbidden(Refusal::Role {
                needs: permit.role(),
            })),
            Some(_) => Ok(()),
        }
    }
}

/// Refuses a credential that has ended since the permit was given, or whose user is suspended by
/// now. One that stands does until the transaction is over.
pub(crate) async fn credential_stands(
    permit: &Permit,
    write: &mut Write,
    now: Timestamp,
    lifetimes: &Lifetimes,
) -> Result<()> {
    // The organisation, the user, the credential: always in this order, so that no two
    // transactions wait for each other.
    let stands = write.hold_user(permit.user_id()).await?
        && match permit.credential() {
            CredentialRef::ApiKey(id) => write.hold_api_key(id, now).await?,
            CredentialRef::AccessToken(id) | CredentialRef::SessionCookie(id) => {
                let idle_since = now.before(lifetimes.session_idle);
                write.hold_session(id, now, idle_since).await?
            }
        };
    if stands {
        Ok(())
    } else {
        Err(Error::CredentialEnded)
    }
}

impl From<&Permit> for Caller {
    fn from(permit: &Permit) -> Self {
        Self {
            scope: permit.scope(),
            actor: permit.actor(),
            who: Who::Permit(permit.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::{OsEntropy, SystemClock};

    use super::*;

    const OPERATOR: Operator = Operator(());

    #[test]
    fn whoever_arrives_has_no_powers() {
        let organization = OrganizationId::mint(&SystemClock, &OsEntropy);
        let operator = Caller::operator(&OPERATOR, organization);
        let arriving = Caller::arriving(operator.scope(), Actor::identity_provider());
        for role in [Role::User, Role::Admin, Role::Owner] {
            operator.needs(role).unwrap();
            let refused = arriving.needs(role).unwrap_err();
            assert_eq!(refused.reason(), "role_required");
        }
        assert!(arriving.permit().is_none());
    }
}
