//! `vestibule keyring`.

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::lookup::OPERATOR;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyringCommand {
    /// List the keys that sign and verify access tokens
    List,
    /// Sign with a new key from now on; the old one verifies until its last token has expired
    Rotate,
}

pub(super) async fn run(context: &Context, command: KeyringCommand) -> Result<(), Failure> {
    let output = context.output;
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
            output.list(&["id", "created_at", "retired_at"], &items, total)
        }
        KeyringCommand::Rotate => {
            let id = accounts.rotate_keyring(&OPERATOR).await?;
            output.done(&json!({ "id": id }), &format!("{id} signs from now on."))
        }
    }
}
