//! Organisations.

use serde_json::json;
use vestibule_check::Permit;
use vestibule_model::{
    Change, Membership, Name, Organization, OrganizationId, PlanName, Role, UserId,
};
use vestibule_store::{Listed, Page};

use crate::api_key::without_plan;
use crate::{Accounts, Caller, Error, Operator, Result};

/// The properties of a new organisation.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its name.
    pub name: Name,
    /// Its plan, one of the configuration.
    pub plan: PlanName,
    /// Its first owner.
    pub owner: UserId,
}

pub(crate) const NO_ORGANIZATION: Error = Error::NotFound {
    what: "organisation",
};

/// Returns true where a narrowed key calls.
fn is_narrowed(permit: &Permit) -> bool {
    permit.principal().narrowed_to.is_some()
}

impl Accounts {
    /// Returns the organisations that the calling user is an active member of, with the user's role
    /// in each, whichever of them the credential is for; only one where the credential [reaches no
    /// other](Self::reaches_only). A narrowed key is shown neither the user's role nor the plan.
    pub async fn organizations(
        &self,
        permit: &Permit,
        page: Page,
    ) -> Result<Listed<(Organization, Role)>> {
        let only = self.reaches_only(permit).await?;
        let found = self.0.store.organizations_of(permit.user_id(), only, page);
        let mut organizations = found.await?;
        if is_narrowed(permit) {
            let neutral = |(organization, _)| (without_plan(organization), Role::User);
            organizations = organizations.map(neutral);
        }
        Ok(organizations)
    }

    /// Returns one of [the organisations](Self::organizations) of the calling user, with the user's
    /// role there.
    pub async fn organization(
        &self,
        permit: &Permit,
        id: OrganizationId,
    ) -> Result<(Organization, Role)> {
        if self.reaches_only(permit).await?.is_some_and(|it| it != id) {
            return Err(NO_ORGANIZATION);
        }
        let role = self.role_in(permit.user_id(), id).await?;
        let found = self.0.store.organization(id).await?;
        let found = found.filter(|it| it.deactivated_at.is_none());
        let organization = found.ok_or(NO_ORGANIZATION)?;
        if is_narrowed(permit) {
            return Ok((without_plan(organization), Role::User));
        }
        Ok((organization, role))
    }

    /// Returns any organisation, active or not. For the operator.
    pub async fn any_organization(&self, _: &Operator, id: OrganizationId) -> Result<Organization> {
        let found = self.0.store.organization(id).await?;
        found.ok_or(NO_ORGANIZATION)
    }

    /// The role of an active member; who is none does not learn whether the organisation exists.
    pub(crate) async fn role_in(&self, user: UserId, id: OrganizationId) -> Result<Role> {
        let found = self.0.store.scope_of_member(user, id).await?;
        found.map(|(_, role)| role).ok_or(NO_ORGANIZATION)
    }

    /// The active organisations that a user is an active member of, with the user's role in each,
    /// the oldest membership first. For the operator.
    pub async fn organizations_of(
        &self,
        _: &Operator,
        user: UserId,
        page: Page,
    ) -> Result<Listed<(Organization, Role)>> {
        Ok(self.0.store.organizations_of(user, None, page).await?)
    }

    /// All organisations. For the operator.
    pub async fn all_organizations(
        &self,
        _: &Operator,
        page: Page,
    ) -> Result<Listed<Organization>> {
        Ok(self.0.store.organizations(page).await?)
    }

    /// The organisations of exactly this name, the oldest first, at most a hundred. For the operator.
    pub async fn organizations_named(&self, _: &Operator, name: &str) -> Result<Vec<Organization>> {
        Ok(self.0.store.organizations_named(name, 100).await?)
    }

    /// Makes an organisation with its first owner. For the operator.
    pub async fn create_organization(
        &self,
        operator: &Operator,
        new: NewOrganization,
    ) -> Result<Organization> {
        self.known_plan(&new.plan)?;
        if self.0.store.user(new.owner).await?.is_none() {
            return Err(Error::NotFound { what: "user" });
        }
        let organization = Organization {
            id: OrganizationId::mint(self.clock(), self.entropy()),
            name: new.name,
            plan: new.plan,
            created_at: self.now(),
            deactivated_at: None,
        };
        let caller = Caller::operator(operator, organization.id);
        let mut write = self.begin().await?;
        write.insert_organization(&organization).await?;
        write
            .insert_membership(&Membership {
                organization_id: organization.id,
                user_id: new.owner,
                role: Role::Owner,
                created_at: organization.created_at,
                deactivated_at: None,
            })
            .await?;
        let details = json!({ "after": {
            "name": organization.name,
            "plan": organization.plan,
            "owner": new.owner,
        } });
        self.commit(
            write,
            &caller,
            "organization.created",
            organization.id.to_string(),
            &details,
        )
        .await?;
        Ok(organization)
    }

    /// Gives the organisation another name. For admins and owners.
    pub async fn rename_organization(&self, caller: &Caller, name: Name) -> Result<()> {
        caller.needs(Role::Admin)?;
        let id = caller.organization_id();
        let mut write = self.begin_locked(caller).await?;
        let before = write.organization(id).await?.ok_or(NO_ORGANIZATION)?;
        if before.name == name {
            return Ok(());
        }
        write.rename_organization(caller.scope(), &name).await?;
        let details = json!({ "before": { "name": before.name }, "after": { "name": name } });
        let kind = "organization.renamed";
        self.commit(write, caller, kind, id.to_string(), &details)
            .await
    }

    /// Deactivates an organisation: every request for it is refused. For the operator.
    pub async fn deactivate_organization(
        &self,
        operator: &Operator,
        id: OrganizationId,
    ) -> Result<()> {
        self.revoking(move || self.set_deactivated(operator, id, true))
            .await
    }

    /// Activates an organisation again. For the operator.
    pub async fn activate_organization(
        &self,
        operator: &Operator,
        id: OrganizationId,
    ) -> Result<()> {
        self.set_deactivated(operator, id, false).await
    }

    async fn set_deactivated(
        &self,
        operator: &Operator,
        id: OrganizationId,
        deactivated: bool,
    ) -> Result<()> {
        let caller = &Caller::operator(operator, id);
        let mut write = self.begin_locked(caller).await?;
        let before = write.organization(id).await?.ok_or(NO_ORGANIZATION)?;
        if before.deactivated_at.is_some() == deactivated {
            return Ok(());
        }
        let since = deactivated.then(|| self.now());
        write
            .set_organization_deactivated(caller.scope(), since)
            .await?;
        write.change(Change::Organization(id));
        let kind = if deactivated {
            "organization.deactivated"
        } else {
            "organization.activated"
        };
        let details = json!({
            "before": { "active": deactivated },
            "after": { "active": !deactivated },
        });
        self.commit(write, caller, kind, id.to_string(), &details)
            .await
    }
}
