//! `vestibule audit`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vestibule_accounts::{Accounts, AuditFilter, AuditRow, Caller, Page};
use vestibule_model::AuditId;

use super::args::{limit, offset};
use super::context::Context;
use super::key::time;
use super::lookup::{self, OPERATOR, parse};
use super::output::is_read;
use vestibule_server::failure::Failure;

/// The number of records that are asked for at a time.
const STEP: u32 = 1_000;

/// The cursor of the beginning of the log.
const START: &str = "start";

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List the records of an organisation, or those that concern none: the newest first, or the
    /// next ones after a cursor
    #[command(before_help = "\
Examples:
  vestibule audit list                               people and signing keys
  vestibule audit list Acme --kind 'api_key.*'
  vestibule audit list Acme --user bob@example.com --since 2026-01-01T00:00:00Z --json
  vestibule audit list Acme --after start --json     the first records; `next` is the cursor")]
    List {
        /// Id or name of the organisation; without it, what concerns no single one
        org: Option<String>,
        #[command(flatten)]
        filter: FilterArgs,
        /// The most records to list
        #[arg(long, default_value_t = 100, value_parser = limit)]
        limit: u32,
        /// The number of records to skip
        #[arg(long, default_value_t = 0, value_parser = offset)]
        offset: u32,
        /// Follow the log: what was committed after this record, in the order of the commits,
        /// whenever it happened; `next` of an earlier answer, the id of a record, or `start`
        #[arg(long, value_name = "CURSOR", conflicts_with = "offset")]
        after: Option<String>,
    },
    /// Print all records, a line of JSON for each, in the order of the commits
    #[command(before_help = "\
Examples:
  vestibule audit export > audit.ndjson
  vestibule audit export Acme --after audit_01jhmpfn80e48s5s0q7b7cwx5e >> acme.ndjson")]
    Export {
        /// Id or name of the organisation; without it, the whole log
        org: Option<String>,
        /// Go on after this record: the id in the last line of an earlier export
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
}

/// A selection of records.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Of this kind; with a * at the end, all kinds that begin so
    #[arg(long)]
    kind: Option<String>,
    /// Done by this person
    #[arg(long)]
    user: Option<String>,
    /// From this moment on, as in RFC 3339. Denials are written some time after they happened:
    /// whoever looks for what is new follows the log with --after
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl FilterArgs {
    async fn filter(self, accounts: &Accounts) -> Result<AuditFilter, Failure> {
        let user_id = match self.user {
            Some(user) => Some(lookup::user(accounts, &user).await?.id),
            None => None,
        };
        let moment = |name: &str, text: Option<String>| {
            text.as_deref().map(|text| time(name, text)).transpose()
        };
        Ok(AuditFilter {
            kind: self.kind,
            user_id,
            subject: None,
            since: moment("--since", self.since)?,
            until: moment("--until", self.until)?,
        })
    }
}

pub(super) async fn run(context: &Context, command: AuditCommand) -> Result<(), Failure> {
    let accounts = context.accounts().await?;
    match command {
        AuditCommand::List {
            org,
            filter,
            limit,
            offset,
            after,
        } => {
            let filter = filter.filter(&accounts).await?;
            let caller = caller(&accounts, org).await?;
            let columns = [
                "at", "kind", "actor", "user_id", "subject", "address", "details",
            ];
            if let Some(after) = after {
                let after = cursor(&after)?;
                let found = follow(&accounts, caller.as_ref(), &filter, after, limit);
                let (items, next) = found.await?;
                let next = next.map_or_else(|| START.to_owned(), |id| id.to_string());
                return context.output.followed(&columns, &items, &next);
            }
            let page = Page::at(limit, offset);
            let records = if let Some(caller) = &caller {
                accounts.audit(caller, &filter, page).await?
            } else {
                accounts
                    .audit_of_the_installation(&OPERATOR, &filter, page)
                    .await?
            };
            let total = records.total;
            let items: Vec<_> = records.items.iter().map(describe).collect();
            context.output.newest(&columns, &items, total)
        }
        AuditCommand::Export { org, after } => {
            let caller = caller(&accounts, org).await?;
            let after = after.as_deref().map(cursor).transpose()?.flatten();
            export(&accounts, caller.as_ref(), after).await
        }
    }
}

async fn caller(accounts: &Accounts, org: Option<String>) -> Result<Option<Caller>, Failure> {
    Ok(match org {
        Some(org) => Some(lookup::caller(accounts, &org).await?.0),
        None => None,
    })
}

/// The record that a cursor names; nothing for the beginning.
fn cursor(text: &str) -> Result<Option<AuditId>, Failure> {
    if text == START {
        return Ok(None);
    }
    parse("--after", text).map(Some)
}

/// The next records that fit, and the one to go on after.
async fn follow(
    accounts: &Accounts,
    caller: Option<&Caller>,
    filter: &AuditFilter,
    mut after: Option<AuditId>,
    limit: u32,
) -> Result<(Vec<Value>, Option<AuditId>), Failure> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    loop {
        let rows = if let Some(caller) = caller {
            accounts.audit_after(caller, after, STEP).await?
        } else {
            accounts
                .audit_of_the_installation_after(&OPERATOR, after, STEP)
                .await?
        };
        let Some(last) = rows.last().map(|row| row.id) else {
            return Ok((items, after));
        };
        for row in &rows {
            if filter.matches(row) {
                items.push(describe(row));
            }
            if items.len() >= most {
                return Ok((items, Some(row.id)));
            }
        }
        after = Some(last);
    }
}

async fn export(
    accounts: &Accounts,
    caller: Option<&Caller>,
    mut after: Option<AuditId>,
) -> Result<(), Failure> {
    loop {
        let rows = match caller {
            Some(caller) => accounts.audit_after(caller, after, STEP).await?,
            None => accounts.whole_audit_after(&OPERATOR, after, STEP).await?,
        };
        let Some(last) = rows.last().map(|row| row.id) else {
            return Ok(());
        };
        let lines: Vec<_> = rows.iter().map(|row| describe(row).to_string()).collect();
        if !is_read(&lines.join("\n"))? {
            return Ok(());
        }
        after = Some(last);
    }
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
