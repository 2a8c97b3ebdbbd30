//! Who has to sign in through the provider.

use clap::Args;
use serde_json::json;
use vestibule_accounts::Sso;

use crate::cli::lookup;
use crate::cli::output::Output;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyCommand {
    /// Id or name of the organisation
    org: String,
    /// Whether people have to sign in through the provider
    #[arg(long, value_name = "BOOL")]
    enforce: Option<bool>,
    /// Owners who may sign in by password all the same, and no others; may be repeated
    #[arg(long, value_name = "USER")]
    break_glass: Vec<String>,
    /// No owner may; only where it is not enforced
    #[arg(long, conflicts_with = "break_glass")]
    no_break_glass: bool,
}

pub(super) async fn run(output: Output, sso: &Sso, command: PolicyCommand) -> Result<(), Failure> {
    let (caller, _) = lookup::caller(sso.accounts(), &command.org).await?;
    // Whoever stops enforcing may then empty the list; whoever begins fills it first.
    if command.enforce == Some(false) {
        sso.enforce_sso(&caller, false).await?;
    }
    if command.no_break_glass || !command.break_glass.is_empty() {
        let mut owners = Vec::new();
        for text in &command.break_glass {
            owners.push(lookup::user(sso.accounts(), text).await?.id);
        }
        sso.set_break_glass(&caller, &owners).await?;
    }
    if command.enforce == Some(true) {
        sso.enforce_sso(&caller, true).await?;
    }
    let policy = sso.sso_policy(&caller).await?;
    output.object(&json!({
        "enforced": policy.enforced_since.is_some(),
        "enforced_since": policy.enforced_since,
        "break_glass": policy.break_glass,
    }))
}
