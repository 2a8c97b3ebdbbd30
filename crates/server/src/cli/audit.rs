//! `vestibule audit`.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_accounts::{AuditFilter, AuditRow};

use super::args::PageArgs;
use super::context::Context;
use super::key::time;
use super::lookup::{self, OPERATOR};
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// List the records of an organisation, or those that concern none, the newest first
    #[command(before_help = "\
Examples:
  vestibule audit list                               people and signing keys
  vestibule audit list Acme --kind 'api_key.*'
  vestibule audit list Acme --user bob@example.com --since 2026-01-01T00:00:00Z --json")]
    List {
        /// Id or name of the organisation; without it, what concerns no single one
        org: Option<String>,
        /// Of this kind; with a * at the end, all kinds that begin so
        #[arg(long)]
        kind: Option<String>,
        /// Done by this person
        #[arg(long)]
        user: Option<String>,
        /// From this moment on, as in RFC 3339
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Before this moment
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
}

pub(super) async fn run(context: &Context, command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List {
        org,
        kind,
        user,
        since,
        until,
        page,
    } = command;
    let accounts = context.accounts().await?;
    let user_id = match user {
        Some(user) => Some(lookup::user(&accounts, &user).await?.id),
        None => None,
    };
    let filter = AuditFilter {
        kind,
        user_id,
        subject: None,
        since: since
            .as_deref()
            .map(|text| time("--since", text))
            .transpose()?,
        until: until
            .as_deref()
            .map(|text| time("--until", text))
            .transpose()?,
    };
    let (rows, total) = if let Some(org) = org {
        let (caller, _) = lookup::caller(&accounts, &org).await?;
        accounts.audit(&caller, &filter, page.into()).await?
    } else {
        accounts
            .audit_of_the_installation(&OPERATOR, &filter, page.into())
            .await?
    };
    let items: Vec<_> = rows.iter().map(describe).collect();
    let columns = [
        "at", "kind", "actor", "user_id", "subject", "address", "details",
    ];
    context.output.list(&columns, &items, total)
}

fn describe(row: &AuditRow) -> Value {
    let details: Value =
        serde_json::from_str(&row.details).unwrap_or_else(|_| row.details.as_str().into());
    json!({
        "id": row.id,
        "at": row.at,
        "organization_id": row.organization_id,
        "actor": row.actor,
        "user_id": row.user_id,
        "credential": row.credential,
        "address": row.address,
        "request_id": row.request_id,
        "kind": row.kind,
        "subject": row.subject,
        "details": details,
    })
}
