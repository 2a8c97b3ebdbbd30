//! The grammar of the command line: examples first.

use clap::{Parser, Subcommand};

use super::args::Global;
use super::audit::AuditCommand;
use super::config::ConfigCommand;
use super::explain::ExplainCommand;
use super::grant::GrantCommand;
use super::group::GroupCommand;
use super::key::KeyCommand;
use super::keyring::KeyringCommand;
use super::member::MemberCommand;
use super::org::OrgCommand;
use super::plan::PlanCommand;
#[cfg(feature = "devtools")]
use super::quickstart::QuickstartCommand;
use super::serve::ServeCommand;
use super::sso::SsoCommand;
use super::user::UserCommand;

/// Self-hosted authentication: API keys, sign-in, organisations, path permissions and plans.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    disable_help_subcommand = true,
    before_help = "\
Examples:
  vestibule quickstart                               a server to try out, with curl lines to paste
  vestibule migrate --config vestibule.toml          a new database, or one of this version
  vestibule serve --config vestibule.toml            a server on it
  vestibule org create Acme --owner ada@example.com  an organisation
  vestibule key create Acme ada@example.com robot    an API key, printed once
  vestibule explain --credential-file key.txt GET /v1/documents",
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 cancelled, 4 not allowed,
5 not found, 6 conflict, 7 check failed, 75 try again later."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a server to try out, on this machine alone
    #[cfg(feature = "devtools")]
    #[command(before_help = "\
Examples:
  vestibule quickstart
  vestibule quickstart --data-dir /tmp/try --listen 127.0.0.1:0 --json
  vestibule quickstart --with-idp                    single sign-on can be tried at once")]
    Quickstart(QuickstartCommand),
    /// Refused: this binary has no quickstart.
    #[cfg(not(feature = "devtools"))]
    #[command(hide = true)]
    Quickstart {
        /// Whatever follows: the answer is the same
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Start the server on a database that has tables, and bring them up to this version
    #[command(before_help = "\
Examples:
  vestibule migrate --config /etc/vestibule/vestibule.toml
  vestibule serve --config /etc/vestibule/vestibule.toml
  VESTIBULE_STORE__URL_FILE=/run/secrets/database vestibule serve --listen 0.0.0.0:8080 \
    --public-url https://auth.example.com")]
    Serve(ServeCommand),
    /// Make the database, or bring it up to this version
    Migrate,
    /// People
    #[command(subcommand)]
    User(UserCommand),
    /// Organisations
    #[command(subcommand)]
    Org(OrgCommand),
    /// Members of an organisation
    #[command(subcommand)]
    Member(MemberCommand),
    /// Groups of members
    #[command(subcommand)]
    Group(GroupCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Path permissions
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Plans
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Sign-in through the organisations' own identity providers
    #[command(subcommand)]
    Sso(SsoCommand),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// May this credential make this request, and why?
    Explain(ExplainCommand),
    /// The record of every change
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document
    Openapi,
}
