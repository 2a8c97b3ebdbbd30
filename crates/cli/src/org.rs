//! `vestibule org`.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_accounts::{Accounts, Caller, NewOrganization};
use vestibule_model::{Organization, PlanName};

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, OPERATOR, parse};
use super::output;
use vestibule_server::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Create an organisation with its first owner
    #[command(
        before_help = "\
Example:
  vestibule org create Acme --owner ada@example.com --plan team",
        alias = "add"
    )]
    Create {
        /// Its name
        name: String,
        /// E-mail address or id of its first owner
        #[arg(long, value_name = "USER")]
        owner: String,
        /// Its plan
        #[arg(long, default_value = "free")]
        plan: String,
    },
    /// List all organisations
    List(PageArgs),
    /// Show one organisation
    Show {
        /// Id or name
        org: String,
    },
    /// Give an organisation another name
    Rename {
        /// Id or name
        org: String,
        /// The new name
        name: String,
    },
    /// Let nobody act in an organisation any more
    Deactivate {
        /// Id or name
        org: String,
        #[command(flatten)]
        yes: Yes,
    },
    /// Let an organisation in again
    Activate {
        /// Id or name
        org: String,
    },
}

pub(super) async fn run(context: &Context, command: OrgCommand) -> Result<(), Failure> {
    let output = context.output;
    let accounts = context.accounts().await?;
    match command {
        OrgCommand::Create { name, owner, plan } => {
            let new = NewOrganization {
                name: parse("NAME", &name)?,
                plan: parse::<PlanName>("--plan", &plan)?,
                owner: lookup::user(&accounts, &owner).await?.id,
            };
            let organization = accounts.create_organization(&OPERATOR, new).await;
            let organization =
                organization.map_err(|error| Failure::named(error, &[("plan", "--plan")]))?;
            let mut object = with_seats(&accounts, &organization).await?;
            output.warn(&mut object, warnings(&accounts, &organization).await?);
            output.object(&object)
        }
        OrgCommand::List(page) => {
            let organizations = accounts.all_organizations(&OPERATOR, page.into()).await?;
            let columns = ["id", "name", "plan", "deactivated_at"];
            output.part(&columns, &organizations, describe)
        }
        OrgCommand::Show { org } => {
            let organization = lookup::organization(&accounts, &org).await?;
            output.object(&with_seats(&accounts, &organization).await?)
        }
        OrgCommand::Rename { org, name } => {
            let (caller, before) = lookup::caller(&accounts, &org).await?;
            accounts
                .rename_organization(&caller, parse("NAME", &name)?)
                .await?;
            let id = before.id.to_string();
            let organization = lookup::organization(&accounts, &id).await?;
            let text = format!("{} is called {} now.", before.name, organization.name);
            let mut object = with_seats(&accounts, &organization).await?;
            output.warn(&mut object, warnings(&accounts, &organization).await?);
            output.done(&object, &text)
        }
        OrgCommand::Deactivate { org, yes } => {
            let organization = lookup::organization(&accounts, &org).await?;
            let sentence = format!(
                "Nobody can act in {} until it is activated again.",
                organization.name
            );
            output::consent(yes, &sentence)?;
            let id = organization.id;
            accounts.deactivate_organization(&OPERATOR, id).await?;
            let organization = accounts.any_organization(&OPERATOR, id).await?;
            let text = format!("{} is deactivated.", organization.name);
            output.done(&with_seats(&accounts, &organization).await?, &text)
        }
        OrgCommand::Activate { org } => {
            let id = lookup::organization(&accounts, &org).await?.id;
            accounts.activate_organization(&OPERATOR, id).await?;
            let organization = accounts.any_organization(&OPERATOR, id).await?;
            let text = format!("{} is let in again.", organization.name);
            output.done(&with_seats(&accounts, &organization).await?, &text)
        }
    }
}

/// Returns warnings about the name that an organisation was given, a sentence each.
async fn warnings(
    accounts: &Accounts,
    organization: &Organization,
) -> Result<Vec<String>, Failure> {
    let alike = lookup::named(accounts, organization.name.as_str()).await?;
    let sentence = format!(
        "{} organisations are called {} now: commands tell them apart by their ids.",
        alike.len(),
        organization.name
    );
    Ok((alike.len() > 1).then_some(sentence).into_iter().collect())
}

/// An organisation, and how many of its plan's seats are taken.
pub(super) async fn with_seats(
    accounts: &Accounts,
    organization: &Organization,
) -> Result<Value, Failure> {
    let caller = Caller::operator(&OPERATOR, organization.id);
    let seats = accounts.seats(&caller).await?;
    let mut object = describe(organization);
    object["seats"] = seats.of_plan.into();
    object["seats_taken"] = seats.taken.into();
    Ok(object)
}

fn describe(organization: &Organization) -> Value {
    json!({
        "id": organization.id,
        "name": organization.name,
        "plan": organization.plan,
        "created_at": organization.created_at,
        "deactivated_at": organization.deactivated_at,
    })
}
