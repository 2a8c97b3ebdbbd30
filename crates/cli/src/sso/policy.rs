//! Who has to sign in through the provider.

use clap::Args;
use serde_json::json;
use vestibule_federation::Sso;

use crate::lookup;
use crate::output::Output;
use vestibule_server::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    /// Id or name of the organisation
    org: String,
    /// True if people have to sign in through the provider
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
    let mut owners = None;
    if command.no_break_glass || !command.break_glass.is_empty() {
        let named = owners.insert(Vec::new());
        for text in &command.break_glass {
            named.push(lookup::user(sso.accounts(), text).await?.id);
        }
    }
    let policy = sso
        .change_sso_policy(&caller, command.enforce, owners.as_deref())
        .await?;
    output.object(&json!({
        "enforced": policy.enforced_since.is_some(),
        "enforced_since": policy.enforced_since,
        "break_glass": policy.break_glass,
    }))
}
