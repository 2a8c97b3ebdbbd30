//! E-mail domains.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_accounts::Caller;
use vestibule_federation::Sso;
use vestibule_model::{DomainName, SsoDomain};

use super::connection;
use crate::args::Yes;
use crate::lookup::{self, OPERATOR, parse};
use crate::output::{self, Output};
use vestibule_server::failure::{Code, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// Claim a domain; prints the TXT record that proves it
    Add {
        /// Id or name of the organisation
        org: String,
        /// The domain
        domain: String,
        /// Id or name of the connection by which its people sign in [default: the first]
        #[arg(long)]
        connection: Option<String>,
    },
    /// List the domains
    List {
        /// Id or name of the organisation
        org: String,
    },
    /// Look for the proof of a domain in the DNS
    Verify {
        /// Id or name of the organisation
        org: String,
        /// The domain
        domain: String,
        /// Take it for proved without looking: you answer for it
        #[arg(long)]
        assert: bool,
    },
    /// Give up a domain
    Remove {
        /// Id or name of the organisation
        org: String,
        /// The domain
        domain: String,
        #[command(flatten)]
        yes: Yes,
    },
}

pub(super) async fn run(output: Output, sso: &Sso, command: DomainCommand) -> Result<(), Failure> {
    match command {
        DomainCommand::Add {
            org,
            domain,
            connection,
        } => {
            let (caller, _) = lookup::caller(sso.accounts(), &org).await?;
            let connection = match connection {
                Some(text) => Some(connection::find(sso, &caller, &text).await?.id),
                None => None,
            };
            let domain = sso.add_domain(&caller, &domain, connection).await?;
            output.object(&describe(&domain))
        }
        DomainCommand::List { org } => {
            let (caller, _) = lookup::caller(sso.accounts(), &org).await?;
            let domains = sso.domains(&caller).await?;
            let items: Vec<_> = domains.iter().map(describe).collect();
            let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
            output.list(&["domain", "verified_at", "record_name"], &items, total)
        }
        DomainCommand::Verify {
            org,
            domain,
            assert,
        } => {
            let (caller, domain) = find(sso, &org, &domain).await?;
            let domain = if assert {
                sso.assert_domain(&OPERATOR, caller.organization_id(), domain.id)
                    .await?
            } else {
                sso.verify_domain(&caller, domain.id).await?
            };
            output.done(&describe(&domain), &format!("{} is proved.", domain.name))
        }
        DomainCommand::Remove { org, domain, yes } => {
            let (caller, domain) = find(sso, &org, &domain).await?;
            output::confirm(yes, &format!("Giving up {}", domain.name))?;
            sso.remove_domain(&caller, domain.id).await?;
            output.done(&describe(&domain), &format!("{} is given up.", domain.name))
        }
    }
}

async fn find(sso: &Sso, org: &str, text: &str) -> Result<(Caller, SsoDomain), Failure> {
    let (caller, _) = lookup::caller(sso.accounts(), org).await?;
    let name: DomainName = parse("DOMAIN", text)?;
    let domains = sso.domains(&caller).await?;
    let found = domains.into_iter().find(|domain| domain.name == name);
    let missing = || Failure::new(Code::NotFound, format!("{name} is not in the list."));
    Ok((caller, found.ok_or_else(missing)?))
}

fn describe(domain: &SsoDomain) -> Value {
    json!({
        "id": domain.id,
        "domain": domain.name,
        "connection_id": domain.connection_id,
        "record_name": domain.record_name(),
        "record_type": "TXT",
        "record_value": domain.record_value(),
        "created_at": domain.created_at,
        "verified_at": domain.verified_at,
    })
}
