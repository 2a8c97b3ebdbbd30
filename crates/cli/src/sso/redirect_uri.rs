//! Redirect URIs.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_federation::Sso;
use vestibule_model::RegisteredRedirectUri;

use crate::lookup;
use crate::output::Output;
use vestibule_server::failure::{Code, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum RedirectUriCommand {
    /// Register a redirect URI
    #[command(before_help = "\
Example:
  vestibule sso redirect-uri add Acme https://app.acme.example/callback")]
    Add {
        /// Id or name of the organisation
        org: String,
        /// The URI: https, or http on this machine's own loopback
        uri: String,
    },
    /// List the redirect URIs
    List {
        /// Id or name of the organisation
        org: String,
    },
    /// Remove a redirect URI
    Remove {
        /// Id or name of the organisation
        org: String,
        /// The URI, character for character, or its id
        uri: String,
    },
}

pub(super) async fn run(
    output: Output,
    sso: &Sso,
    command: RedirectUriCommand,
) -> Result<(), Failure> {
    match command {
        RedirectUriCommand::Add { org, uri } => {
            let (caller, _) = lookup::caller(sso.accounts(), &org).await?;
            output.object(&describe(&sso.add_redirect_uri(&caller, &uri).await?))
        }
        RedirectUriCommand::List { org } => {
            let (caller, _) = lookup::caller(sso.accounts(), &org).await?;
            let uris = sso.redirect_uris(&caller).await?;
            let items: Vec<_> = uris.iter().map(describe).collect();
            let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
            output.list(&["id", "uri"], &items, total)
        }
        RedirectUriCommand::Remove { org, uri } => {
            let (caller, _) = lookup::caller(sso.accounts(), &org).await?;
            let uris = sso.redirect_uris(&caller).await?;
            let named =
                |it: &RegisteredRedirectUri| it.uri.as_str() == uri || it.id.to_string() == uri;
            let Some(found) = uris.into_iter().find(named) else {
                let message = format!("{uri} is not registered.");
                return Err(Failure::new(Code::NotFound, message));
            };
            sso.remove_redirect_uri(&caller, found.id).await?;
            let text = format!("Nobody is sent to {} any more.", found.uri);
            output.done(&describe(&found), &text)
        }
    }
}

fn describe(registered: &RegisteredRedirectUri) -> Value {
    json!({
        "id": registered.id,
        "uri": registered.uri,
        "created_at": registered.created_at,
    })
}
