//! Which plan an organisation is on.

use serde_json::json;
use vestibule_model::{Change, Organization, PlanName};

use crate::organization::NO_ORGANIZATION;
use crate::{Accounts, Caller, Error, Result};

impl Accounts {
    /// Puts an organisation on another plan, from the next request on. For the operator. Members
    /// beyond the seats of the new plan stay; no further one is let in.
    pub async fn set_plan(&self, caller: &Caller, plan: &PlanName) -> Result<Organization> {
        caller.needs_operator()?;
        self.known_plan(plan)?;
        let id = caller.organization_id();
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
