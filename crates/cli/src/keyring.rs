//! `vestibule keyring`.

use clap::Subcommand;
use serde_json::json;
use vestibule_accounts::OldKeys;
use vestibule_store::LEASE;

use super::args::Yes;
use super::context::Context;
use super::lookup::OPERATOR;
use super::output;
use vestibule_server::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyringCommand {
    /// List the keys that sign and verify access tokens
    List,
    /// Sign with a new key from now on; tokens of the old one live out their time
    #[command(before_help = "\
Examples:
  vestibule keyring rotate                 as a habit: nobody notices
  vestibule keyring rotate --now           when somebody leaves who could read the keys")]
    Rotate {
        /// Delete the old keys: every access token ends, and its holder signs in again. Cookies and
        /// API keys stand
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        yes: Yes,
    },
}

pub(super) async fn run(context: &Context, command: KeyringCommand) -> Result<(), Failure> {
    let out = context.output;
    let accounts = context.accounts().await?;
    match command {
        KeyringCommand::List => {
            let keys = accounts.store().signing_keys().await?;
            let items: Vec<_> = keys
                .iter()
                .map(|key| {
                    json!({
                        "id": key.id,
                        "created_at": key.created_at,
                        "retired_at": key.retired_at,
                    })
                })
                .collect();
            let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
            out.list(&["id", "created_at", "retired_at"], &items, total)
        }
        KeyringCommand::Rotate { now, yes } => {
            let mut old = OldKeys::LiveOut;
            if now {
                output::consent(
                    yes,
                    "Every access token ends, and its holder has to sign in.",
                )?;
                old = OldKeys::EndNow;
            }
            let id = accounts.rotate_keyring(&OPERATOR, old).await?;
            if now {
                // Whoever waits for the end of this command relies on it everywhere.
                tokio::time::sleep(LEASE).await;
            }
            out.done(&json!({ "id": id }), &format!("{id} signs from now on."))
        }
    }
}
