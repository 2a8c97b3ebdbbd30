//! `vestibule sso`.

mod connection;
mod domain;
mod policy;
mod redirect_uri;

use clap::Subcommand;
use vestibule_federation::AlsoEnd;

use self::connection::{AddCommand, ConnectionArgs, StageCommand, TestCommand};
use self::domain::DomainCommand;
use self::policy::PolicyCommand;
use self::redirect_uri::RedirectUriCommand;
use super::args::Yes;
use super::context::Context;
use vestibule_server::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum SsoCommand {
    /// Connect an organisation with its identity provider
    #[command(
        before_help = "\
Examples:
  vestibule sso create Acme Keycloak --preset keycloak --issuer https://id.acme.example/realms/acme \\
    --client-id vestibule --secret-file secret.txt --just-in-time
  vestibule sso create Acme Okta --issuer https://acme.okta.com --client-id 0oa1 --key es256",
        alias = "add"
    )]
    Create(AddCommand),
    /// List the connections of an organisation
    List {
        /// Id or name of the organisation
        org: String,
    },
    /// Show a connection, its checks left out
    Show {
        #[command(flatten)]
        which: ConnectionArgs,
        /// Show the last attempts to sign in instead, each with the clause that failed
        #[arg(long)]
        attempts: bool,
    },
    /// Look a connection over: ask the provider now, and say what is not in order
    #[command(before_help = "\
Examples:
  vestibule sso test Acme Keycloak
  vestibule sso test Acme Keycloak --sign-in         a URL to open in a browser")]
    Test(TestCommand),
    /// Prepare a change of a connection, to be tested and swapped
    #[command(before_help = "\
Example:
  vestibule sso stage Acme Keycloak --issuer https://new.acme.example/realms/acme --secret-stdin")]
    Stage(StageCommand),
    /// Swap what is live and what is staged
    Swap {
        #[command(flatten)]
        which: ConnectionArgs,
    },
    /// Let people sign in by a connection
    Enable {
        #[command(flatten)]
        which: ConnectionArgs,
    },
    /// Let nobody sign in by a connection any more
    Disable {
        #[command(flatten)]
        which: ConnectionArgs,
        /// End the sessions that came by it, too
        #[arg(long)]
        end_sessions: bool,
        /// Revoke the API keys that were created in such sessions, too
        #[arg(long)]
        revoke_keys: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// Unlink a user from a connection and end the sessions that came by it
    Unlink {
        #[command(flatten)]
        which: ConnectionArgs,
        /// E-mail address or id of the user
        user: String,
        /// Revoke the API keys that the user created in such sessions, too
        #[arg(long)]
        revoke_keys: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// The e-mail domains of an organisation
    #[command(subcommand)]
    Domain(DomainCommand),
    /// URIs to which applications have people sent back
    #[command(subcommand)]
    RedirectUri(RedirectUriCommand),
    /// Show or change who has to sign in through the provider
    #[command(before_help = "\
Examples:
  vestibule sso policy Acme
  vestibule sso policy Acme --enforce true --break-glass ada@example.com
  vestibule sso policy Acme --enforce false --no-break-glass")]
    Policy(PolicyCommand),
}

pub(super) async fn run(context: &Context, command: SsoCommand) -> Result<(), Failure> {
    let output = context.output;
    let sso = context.sso().await?;
    match command {
        SsoCommand::Create(command) => connection::add(output, &sso, command).await,
        SsoCommand::List { org } => connection::list(output, &sso, &org).await,
        SsoCommand::Show { which, attempts } => {
            connection::show(output, &sso, &which, attempts).await
        }
        SsoCommand::Test(command) => connection::test(output, &sso, &command).await,
        SsoCommand::Stage(command) => connection::stage(output, &sso, command).await,
        SsoCommand::Swap { which } => connection::swap(output, &sso, &which).await,
        SsoCommand::Enable { which } => connection::enable(output, &sso, &which).await,
        SsoCommand::Disable {
            which,
            end_sessions,
            revoke_keys,
            yes,
        } => {
            let also = AlsoEnd {
                sessions: end_sessions,
                keys: revoke_keys,
            };
            connection::disable(output, &sso, &which, also, yes).await
        }
        SsoCommand::Unlink {
            which,
            user,
            revoke_keys,
            yes,
        } => connection::unlink(output, &sso, &which, &user, revoke_keys, yes).await,
        SsoCommand::Domain(command) => domain::run(output, &sso, command).await,
        SsoCommand::RedirectUri(command) => redirect_uri::run(output, &sso, command).await,
        SsoCommand::Policy(command) => policy::run(output, &sso, command).await,
    }
}
