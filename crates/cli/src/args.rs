//! The grammar: examples first.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use vestibule_accounts::{Cursor, Page};
use vestibule_model::Invalid;

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
use super::sso::SsoCommand;
use super::user::UserCommand;
use vestibule_config::socket_address;

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
  vestibule org add Acme --owner ada@example.com     an organisation
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

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Global {
    /// The configuration file [default: ./vestibule.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The folder of a quickstart, whose configuration is used
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// Overrule one key of the configuration; not for secrets
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a server to try out, on this machine alone
    #[command(before_help = "\
Examples:
  vestibule quickstart
  vestibule quickstart --data-dir /tmp/try --listen 127.0.0.1:0 --json
  vestibule quickstart --with-idp                    single sign-on can be tried at once")]
    Quickstart(QuickstartCommand),
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

#[derive(Debug, Args)]
pub(super) struct QuickstartCommand {
    /// The folder that keeps everything; made if it is not there [default: vestibule-data]
    // In the place of the global flag of this name, which says something else.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// Refused: a quickstart brings its own configuration.
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG", hide = true)]
    pub(super) config: Option<PathBuf>,
    /// The loopback address to listen on; port 0 takes any free port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = socket_address)]
    pub(super) listen: Option<SocketAddr>,
    /// Also start an identity provider for development, and connect the first organisation with it
    #[arg(long)]
    pub(super) with_idp: bool,
    /// Take this machine's clock for right though the last audit record is later, or more than a
    /// day earlier; needed once
    #[arg(long)]
    pub(super) accept_clock: bool,
}

#[derive(Debug, Args)]
pub(super) struct ServeCommand {
    /// Address and port for callers
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Address and port for probes and metrics
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<String>,
    /// The URL at which callers reach the server
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// Take this machine's clock for right though the last audit record is later, or more than a
    /// day earlier; needed once
    #[arg(long)]
    pub(super) accept_clock: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PageArgs {
    /// The most entries to list
    #[arg(long, default_value_t = 100, value_parser = limit)]
    pub(super) limit: u32,
    /// The number of entries to skip
    #[arg(long, default_value_t = 0, value_parser = offset)]
    pub(super) offset: u32,
    /// Go on after this item: `next` of an earlier answer
    #[arg(long, value_name = "CURSOR", value_parser = cursor, conflicts_with = "offset")]
    pub(super) after: Option<Cursor>,
}

pub(super) fn limit(text: &str) -> Result<u32, String> {
    within(text, 1..=1_000)
}

pub(super) fn offset(text: &str) -> Result<u32, String> {
    within(text, 0..=Page::MAX_OFFSET)
}

fn cursor(text: &str) -> Result<Cursor, String> {
    text.parse().map_err(|invalid: Invalid| invalid.message)
}

fn within(text: &str, bounds: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        format!("must be a number from {least} to {most}")
    })
}

impl From<PageArgs> for Page {
    fn from(args: PageArgs) -> Self {
        match args.after {
            Some(cursor) => Self::after(args.limit, cursor),
            None => Self::at(args.limit, args.offset),
        }
    }
}

/// Consent to what cannot be undone, or takes something from somebody.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Yes {
    /// Do it without asking
    #[arg(long)]
    pub(super) yes: bool,
}
