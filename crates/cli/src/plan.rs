//! `vestibule plan`.

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_model::{Plan, PlanName};

use super::context::Context;
use super::lookup::{self, OPERATOR, parse};
use super::org;
use vestibule_server::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// List the plans of the configuration
    List,
    /// Put an organisation on another plan, from the next request on
    #[command(before_help = "\
Example:
  vestibule plan set Globex team")]
    Set {
        /// Id or name of the organisation
        org: String,
        /// A plan of the configuration
        plan: String,
    },
}

pub(super) async fn run(context: &Context, command: PlanCommand) -> Result<(), Failure> {
    let output = context.output;
    match command {
        PlanCommand::List => {
            let plans = context.settings()?.plans;
            let items: Vec<_> = plans.iter().map(|plan| describe(plan)).collect();
            let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
            output.list(&["name", "features", "seats", "limits"], &items, total)
        }
        PlanCommand::Set { org, plan } => {
            let accounts = context.accounts().await?;
            let plan: PlanName = parse("PLAN", &plan)?;
            let (caller, organization) = lookup::caller(&accounts, &org).await?;
            let organization = accounts.set_plan(&OPERATOR, organization.id, &plan).await;
            let organization =
                organization.map_err(|error| Failure::named(error, &[("plan", "PLAN")]))?;
            let mut text = format!("{} is on the plan {plan} now.", organization.name);
            let seats = accounts.seats(&caller).await?;
            if seats.is_overfull() {
                let _ = write!(
                    text,
                    " It has {} members for {} seats: they stay, and nobody else is let in.",
                    seats.taken,
                    seats.of_plan.unwrap_or_default()
                );
            }
            output.done(&org::with_seats(&accounts, &organization).await?, &text)
        }
    }
}

fn describe(plan: &Plan) -> Value {
    json!({
        "name": plan.name,
        "features": plan.features,
        "seats": plan.seats,
        "limits": plan.limits,
    })
}
