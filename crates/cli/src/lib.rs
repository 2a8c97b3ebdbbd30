//! The command line. Data goes to stdout, messages to stderr, and nothing that is secret is ever a
//! flag.

mod args;
mod audit;
mod config;
mod context;
mod explain;
mod grammar;
mod grant;
mod group;
mod key;
mod keyring;
mod lookup;
mod member;
mod openapi;
mod org;
mod output;
mod plan;
#[cfg(feature = "devtools")]
mod quickstart;
mod secret;
mod serve;
mod sso;
mod user;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use self::context::Context;
use self::grammar::{Cli, Command};
use vestibule_server::failure::Failure;

/// Runs a command line; the code for the shell.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let as_json = arguments.iter().any(|argument| argument == "--json");
            return output::usage(&error, as_json);
        }
    };
    let as_json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from_error);
    match runtime.and_then(|runtime| runtime.block_on(command(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure, as_json);
            failure.code().into()
        }
    }
}

async fn command(cli: Cli) -> Result<(), Failure> {
    let context = Context::new(cli.global);
    let done = dispatch(&context, cli.command).await;
    context.settle().await;
    context.close().await;
    done
}

async fn dispatch(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "devtools")]
        Command::Quickstart(command) => quickstart::run(context, command).await,
        #[cfg(not(feature = "devtools"))]
        Command::Quickstart { arguments: _ } => Err(Failure::usage(
            "This binary was built without the quickstart and the development provider.",
        )
        .hint("Use `vestibule serve`, or a build with the feature devtools.")),
        Command::Serve(command) => serve::run(context, command).await,
        Command::Migrate => serve::migrate(context).await,
        Command::User(command) => user::run(context, command).await,
        Command::Org(command) => org::run(context, command).await,
        Command::Member(command) => member::run(context, command).await,
        Command::Group(command) => group::run(context, command).await,
        Command::Key(command) => key::run(context, command).await,
        Command::Grant(command) => grant::run(context, command).await,
        Command::Plan(command) => plan::run(context, command).await,
        Command::Sso(command) => sso::run(context, command).await,
        Command::Keyring(command) => keyring::run(context, command).await,
        Command::Explain(command) => explain::run(context, command).await,
        Command::Audit(command) => audit::run(context, command).await,
        Command::Config(command) => config::run(context, &command),
        Command::Openapi => openapi::run(context),
    }
}
