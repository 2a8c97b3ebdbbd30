//! `vestibule grant`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vestibule_accounts::{Error, HolderKind, NewGrant};
use vestibule_model::{Capability, Grant, GrantHolder, GrantId, ResourcePath};

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, parse};
use super::{group, output};
use vestibule_server::failure::{Code, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Let a member or a group act on a path and all below it
    #[command(before_help = "\
Examples:
  vestibule grant add Acme --user bob@example.com READ_ONLY /shared
  vestibule grant add Acme --group Engineering READ_WRITE /shared/eng")]
    Add {
        /// Id or name of the organisation
        org: String,
        #[command(flatten)]
        holder: HolderArgs,
        #[arg(help = "READ_ONLY, READ_WRITE or READ_WRITE_DELETE")]
        capability: String,
        /// The path, as in /shared/eng
        path: String,
        /// Also let the holder approve there
        #[arg(long)]
        can_approve: bool,
    },
    /// List what a member or a group was granted
    List {
        /// Id or name of the organisation
        org: String,
        #[command(flatten)]
        holder: HolderArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Take a grant back, from the next request on
    #[command(alias = "remove")]
    Revoke {
        /// Id or name of the organisation
        org: String,
        /// The grant's id
        grant: String,
        #[command(flatten)]
        yes: Yes,
    },
}

/// The holder of the grants.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct HolderArgs {
    /// E-mail address or id of a member
    #[arg(long)]
    user: Option<String>,
    /// Id or name of a group
    #[arg(long)]
    group: Option<String>,
}

pub(super) async fn run(context: &Context, command: GrantCommand) -> Result<(), Failure> {
    let output = context.output;
    let accounts = context.accounts().await?;
    match command {
        GrantCommand::Add {
            org,
            holder,
            capability,
            path,
            can_approve,
        } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let new = NewGrant {
                path: parse::<ResourcePath>("PATH", &path)?,
                capability: parse::<Capability>("CAPABILITY", &capability)?,
                can_approve,
            };
            let grant = if let Some(text) = holder.group {
                let group = group::find(&accounts, &caller, &text).await?;
                accounts.grant_to_group(&caller, group.id, new).await?
            } else {
                let user = lookup::user(&accounts, &holder.user.unwrap_or_default()).await?;
                accounts.grant_to_user(&caller, user.id, new).await?
            };
            output.object(&describe(&grant))
        }
        GrantCommand::List { org, holder, page } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let columns = ["id", "capability", "path", "can_approve"];
            if let Some(text) = holder.group {
                let group = group::find(&accounts, &caller, &text).await?;
                let grants = accounts.group_grants(&caller, group.id).await?;
                let total = u64::try_from(grants.len()).unwrap_or(u64::MAX);
                let items: Vec<_> = grants.iter().map(describe).collect();
                output.list(&columns, &items, total)
            } else {
                let user = lookup::user(&accounts, &holder.user.unwrap_or_default()).await?;
                let grants = accounts.user_grants(&caller, user.id, None, page.into());
                output.part(&columns, &grants.await?, describe)
            }
        }
        GrantCommand::Revoke { org, grant, yes } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let id: GrantId = parse("GRANT", &grant)?;
            let mut found = None;
            for kind in [HolderKind::User, HolderKind::Group] {
                match accounts.grant(&caller, kind, id).await {
                    Ok(grant) => found = Some((kind, grant)),
                    Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let (kind, grant) =
                found.ok_or_else(|| Failure::new(Code::NotFound, "There is no such grant."))?;
            let what = format!("Taking back {} on {}", grant.capability, grant.path);
            output::confirm(yes, &what)?;
            accounts.delete_grant(&caller, kind, id).await?;
            output.done(&describe(&grant), "The grant is taken back.")
        }
    }
}

fn describe(grant: &Grant) -> Value {
    let (user, group) = match grant.holder {
        GrantHolder::User(user) => (Some(user), None),
        GrantHolder::Group(group) => (None, Some(group)),
        GrantHolder::ApiKey(_) => (None, None),
    };
    json!({
        "id": grant.id,
        "organization_id": grant.organization_id,
        "user_id": user,
        "group_id": group,
        "path": grant.path,
        "capability": grant.capability,
        "can_approve": grant.can_approve,
        "created_at": grant.created_at,
        "updated_at": grant.updated_at,
    })
}
