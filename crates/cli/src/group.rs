//! `vestibule group`.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_accounts::{Accounts, Caller, Error, Page};
use vestibule_model::{Group, GroupId, UserId};

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, parse};
use super::output;
use vestibule_server::failure::{Code, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a group
    #[command(
        before_help = "\
Examples:
  vestibule group create Acme Engineering
  vestibule group add-member Acme Engineering bob@example.com",
        alias = "add"
    )]
    Create {
        /// Id or name of the organisation
        org: String,
        /// The group's name
        name: String,
    },
    /// List the groups, with their members
    List {
        /// Id or name of the organisation
        org: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Delete a group with what it was granted, from the next request on
    #[command(alias = "remove")]
    Delete {
        /// Id or name of the organisation
        org: String,
        /// Id or name of the group
        group: String,
        #[command(flatten)]
        yes: Yes,
    },
    /// Put a member into a group
    AddMember {
        /// Id or name of the organisation
        org: String,
        /// Id or name of the group
        group: String,
        /// E-mail address or id of the member
        user: String,
    },
    /// Take a member out of a group, from the next request on
    RemoveMember {
        /// Id or name of the organisation
        org: String,
        /// Id or name of the group
        group: String,
        /// E-mail address or id of the member
        user: String,
        #[command(flatten)]
        yes: Yes,
    },
}

pub(super) async fn run(context: &Context, command: GroupCommand) -> Result<(), Failure> {
    let output = context.output;
    let accounts = context.accounts().await?;
    match command {
        GroupCommand::Create { org, name } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let group = accounts
                .create_group(&caller, parse("NAME", &name)?)
                .await?;
            output.object(&describe(&group))
        }
        GroupCommand::List { org, page } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let groups = accounts.groups(&caller, page.into()).await?;
            let mut members = Vec::new();
            for group in &groups.items {
                members.push(members_of(&accounts, &caller, group.id).await?);
            }
            let mut members = members.into_iter();
            output.part(&["id", "name", "members"], &groups, |group| {
                let mut item = describe(group);
                item["members"] = json!(members.next());
                item
            })
        }
        GroupCommand::Delete { org, group, yes } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let group = find(&accounts, &caller, &group).await?;
            let sentence = format!("The members of {} lose what it was granted.", group.name);
            output::consent(yes, &sentence)?;
            accounts.delete_group(&caller, group.id).await?;
            output.done(&describe(&group), &format!("{} is removed.", group.name))
        }
        GroupCommand::AddMember { org, group, user } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let group = find(&accounts, &caller, &group).await?;
            let user = lookup::user(&accounts, &user).await?;
            accounts.add_to_group(&caller, group.id, user.id).await?;
            let object = json!({ "group_id": group.id, "user_id": user.id });
            output.done(
                &object,
                &format!("{} is in {} now.", user.email, group.name),
            )
        }
        GroupCommand::RemoveMember {
            org,
            group,
            user,
            yes,
        } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let group = find(&accounts, &caller, &group).await?;
            let user = lookup::user(&accounts, &user).await?;
            let sentence = format!("{} loses what {} was granted.", user.email, group.name);
            output::consent(yes, &sentence)?;
            accounts
                .remove_from_group(&caller, group.id, user.id)
                .await?;
            let object = json!({ "group_id": group.id, "user_id": user.id });
            output.done(
                &object,
                &format!("{} is no longer in {}.", user.email, group.name),
            )
        }
    }
}

/// A group, by id or name, which no two of an organisation share.
pub(super) async fn find(
    accounts: &Accounts,
    caller: &Caller,
    text: &str,
) -> Result<Group, Failure> {
    match accounts.group(caller, text).await {
        Err(Error::NotFound { .. }) => {
            let text = format!("There is no group {text:?}.");
            Err(Failure::new(Code::NotFound, text).hint("See `vestibule group list ORG`."))
        }
        found => Ok(found?),
    }
}

/// Everybody who is in a group, the longest first.
async fn members_of(
    accounts: &Accounts,
    caller: &Caller,
    group: GroupId,
) -> Result<Vec<UserId>, Failure> {
    let mut page = Page::first(1_000);
    let mut all = Vec::new();
    loop {
        let members = accounts.group_members(caller, group, page).await?;
        all.extend(members.items);
        match members.next {
            Some(next) => page = Page::after(page.limit, next),
            None => return Ok(all),
        }
    }
}

fn describe(group: &Group) -> Value {
    json!({
        "id": group.id,
        "organization_id": group.organization_id,
        "name": group.name,
        "created_at": group.created_at,
    })
}
