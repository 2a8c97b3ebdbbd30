//! Which plan an organisation is on.

use serde_json::json;
use vestibule_model::{Change, Organization, OrganizationId, PlanName, Role};

use crate::organization::NO_ORGANIZATION;
use crate::{Accounts, Caller, Error, Operator, Result};

/// The seats of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// The number of seats in its plan; `None` for no limit.
    pub of_plan: Option<u32>,
    /// The number of active members: after a change to a smaller plan more than there are seats.
    pub taken: u64,
}

impl Seats {
    /// Returns true if there are more members than seats.
    pub fn is_overfull(self) -> bool {
        self.of_plan
            .is_some_and(|seats| self.taken > u64::from(seats))
    }
}

impl Accounts {
    /// The seats of the organisation. For admins, owners and the operator.
    pub async fn seats(&self, caller: &Caller) -> Result<Seats> {
        caller.needs(Role::Admin)?;
        let store = &self.0.store;
        let organization = store.organization(caller.organization_id()).await?;
        let organization = organization.ok_or(NO_ORGANIZATION)?;
        Ok(Seats {
            of_plan: self.0.plans.get_or_bare(&organization.plan).seats,
            taken: store.count_members(caller.scope()).await?,
        })
    }

    /// Puts an organisation on another plan, from the next request on. For the operator. Members
    /// beyond the seats of the new plan stay; no further one is let in.
    pub async fn set_plan(
        &self,
        operator: &Operator,
        id: OrganizationId,
        plan: &PlanName,
    ) -> Result<Organization> {
        self.known_plan(plan)?;
        let caller = &Caller::operator(operator, id);
        let mut write = self.begin_locked(caller).await?;
        let before = write.organization(id).await?.ok_or(NO_ORGANIZATION)?;
        if before.plan == *plan {
            return Ok(before);
        }
        write.set_plan(caller.scope(), plan).await?;
        write.change(Change::Organization(id));
        let details = json!({ "before": { "plan": before.plan }, "after": { "plan": plan } });
        self.commit(
            write,
            caller,
            "organization.plan_changed",
            id.to_string(),
            &details,
        )
        .await?;
        Ok(Organization {
            plan: plan.clone(),
            ..before
        })
    }

    /// Refuses a plan that is not configured, and says which are.
    pub(crate) fn known_plan(&self, plan: &PlanName) -> Result<()> {
        if self.0.plans.get(plan).is_some() {
            return Ok(());
        }
        let names: Vec<_> = self.0.plans.iter().map(|plan| plan.name.as_str()).collect();
        let message = match names.as_slice() {
            [] => "must be a plan of the configuration, which has none".to_owned(),
            names => format!("must be a plan of the configuration: {}", names.join(", ")),
        };
        Err(Error::field("plan", "unknown_plan", message))
    }
}
