//! `vestibule member`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vestibule_accounts::{Accounts, Caller};
use vestibule_model::{Membership, Organization, Role, User};

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, parse};
use super::output;
use vestibule_server::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Make a person a member
    #[command(before_help = "\
Example:
  vestibule member add Acme bob@example.com --role ADMIN")]
    Add {
        #[command(flatten)]
        who: Who,
        /// USER, ADMIN or OWNER
        #[arg(long, default_value = "USER")]
        role: String,
    },
    /// List the members
    List {
        /// Id or name of the organisation
        org: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Give a member another role
    Role {
        #[command(flatten)]
        who: Who,
        /// USER, ADMIN or OWNER
        role: String,
    },
    /// Let nothing of a member's pass in this organisation; group memberships and sessions are lost
    Deactivate {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        yes: Yes,
    },
    /// Let a deactivated member in again, who has to sign in anew
    Activate {
        #[command(flatten)]
        who: Who,
    },
    /// Remove a member with all grants, groups, keys and sessions
    Remove {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        yes: Yes,
    },
}

/// A person and an organisation.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Id or name of the organisation
    org: String,
    /// E-mail address or id of the person
    user: String,
}

impl Who {
    async fn find(&self, accounts: &Accounts) -> Result<(Caller, Organization, User), Failure> {
        let (caller, organization) = lookup::caller(accounts, &self.org).await?;
        let user = lookup::user(accounts, &self.user).await?;
        Ok((caller, organization, user))
    }
}

pub(super) async fn run(context: &Context, command: MemberCommand) -> Result<(), Failure> {
    let output = context.output;
    let accounts = context.accounts().await?;
    match command {
        MemberCommand::Add { who, role } => {
            let (caller, _, user) = who.find(&accounts).await?;
            let role: Role = parse("--role", &role)?;
            let membership = accounts.add_member(&caller, user.id, role).await?;
            output.object(&describe(&user, &membership))
        }
        MemberCommand::List { org, page } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let members = accounts.members(&caller, page.into()).await?;
            let columns = ["user_id", "email", "role", "deactivated_at"];
            output.part(&columns, &members, |(user, membership)| {
                describe(user, membership)
            })
        }
        MemberCommand::Role { who, role } => {
            let (caller, _, user) = who.find(&accounts).await?;
            let role: Role = parse("ROLE", &role)?;
            let membership = accounts.set_role(&caller, user.id, role).await?;
            let text = format!("{} is {role} now.", user.email);
            output.done(&describe(&user, &membership), &text)
        }
        MemberCommand::Deactivate { who, yes } => {
            let (caller, organization, user) = who.find(&accounts).await?;
            let what = format!(
                "Ending the sessions and group memberships of {} in {}",
                user.email, organization.name
            );
            output::confirm(yes, &what)?;
            let membership = accounts.deactivate_member(&caller, user.id).await?;
            let text = format!("{} is deactivated in {}.", user.email, organization.name);
            output.done(&describe(&user, &membership), &text)
        }
        MemberCommand::Activate { who } => {
            let (caller, organization, user) = who.find(&accounts).await?;
            let membership = accounts.activate_member(&caller, user.id).await?;
            let text = format!("{} is let into {} again.", user.email, organization.name);
            output.done(&describe(&user, &membership), &text)
        }
        MemberCommand::Remove { who, yes } => {
            let (caller, organization, user) = who.find(&accounts).await?;
            let what = format!("Removing {} from {}", user.email, organization.name);
            output::confirm(yes, &what)?;
            accounts.remove_member(&caller, user.id).await?;
            let text = format!(
                "{} is no member of {} any more.",
                user.email, organization.name
            );
            let object = json!({ "user_id": user.id, "organization_id": organization.id });
            output.done(&object, &text)
        }
    }
}

fn describe(user: &User, membership: &Membership) -> Value {
    json!({
        "user_id": user.id,
        "email": user.email,
        "organization_id": membership.organization_id,
        "role": membership.role,
        "created_at": membership.created_at,
        "deactivated_at": membership.deactivated_at,
    })
}
