//! Connections to identity providers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use vestibule_accounts::{Caller, NewConnection, NewSecret, Sso, Which, sso_settings};
use vestibule_model::{
    ClientAuthMethod, ConnectionId, ConnectionSettings, Role, SsoAttempt, SsoConnection,
};
use vestibule_sso::oidc::ClientKeyKind;
use vestibule_sso::{NamedCheck, PlainClientSecret, Preset};

use crate::cli::args::Yes;
use crate::cli::lookup::{self, parse};
use crate::cli::output::{self, Output};
use crate::cli::secret;
use crate::failure::{Code, Failure};

/// An organisation and one of its connections.
#[derive(Debug, Args)]
pub(in crate::cli) struct ConnectionArgs {
    /// Id or name of the organisation
    org: String,
    /// Id or name of the connection
    connection: String,
}

impl ConnectionArgs {
    async fn find(&self, sso: &Sso) -> Result<(Caller, SsoConnection), Failure> {
        let (caller, _) = lookup::caller(sso.accounts(), &self.org).await?;
        let connection = find(sso, &caller, &self.connection).await?;
        Ok((caller, connection))
    }
}

/// A connection, by id or by its exact name, where only one has it.
pub(super) async fn find(sso: &Sso, caller: &Caller, text: &str) -> Result<SsoConnection, Failure> {
    if let Ok(id) = text.parse::<ConnectionId>() {
        return Ok(sso.connection(caller, id).await?);
    }
    let connections = sso.connections(caller).await?;
    let mut found = connections
        .into_iter()
        .filter(|it| it.name.as_str() == text);
    match (found.next(), found.next()) {
        (Some(connection), None) => Ok(connection),
        (Some(_), Some(_)) => Err(Failure::new(
            Code::Conflict,
            format!("Several connections are called {text:?}."),
        )
        .hint("Name one by its id; see `vestibule sso list`.")),
        (None, _) => Err(Failure::new(
            Code::NotFound,
            format!("No connection is called {text:?}."),
        )
        .hint("See `vestibule sso list`.")),
    }
}

/// The kind of a connection's own key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Key {
    /// Ed25519
    Ed25519,
    /// ECDSA on P-256
    Es256,
}

/// What the server proves itself with at the provider.
#[derive(Debug, Args)]
pub(in crate::cli) struct Proof {
    /// Read the client secret from stdin
    #[arg(long, conflicts_with_all = ["secret_file", "key"])]
    secret_stdin: bool,
    /// Read the client secret from a file
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    secret_file: Option<PathBuf>,
    /// Make a key of the connection's own, for `private_key_jwt`
    #[arg(long, value_name = "KIND")]
    key: Option<Key>,
}

impl Proof {
    fn read(&self) -> Result<Option<NewSecret>, Failure> {
        if let Some(kind) = self.key {
            return Ok(Some(NewSecret::Key(match kind {
                Key::Ed25519 => ClientKeyKind::EdDsa,
                Key::Es256 => ClientKeyKind::Es256,
            })));
        }
        let text = secret::read(self.secret_stdin, self.secret_file.as_ref())?;
        Ok(text.map(|text| NewSecret::Client(PlainClientSecret::new(text))))
    }
}

/// What may be different from what the preset fills in.
#[derive(Debug, Args)]
pub(in crate::cli) struct Details {
    /// The one algorithm that the provider signs with [default: RS256]
    #[arg(long)]
    algorithm: Option<String>,
    /// What to ask for beside openid; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The claim with the groups: a name or a JSON pointer
    #[arg(long, value_name = "CLAIM")]
    groups_claim: Option<String>,
    /// Make whoever signs in a member
    #[arg(long)]
    just_in_time: bool,
    /// The role of such members: USER or ADMIN
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    /// The role that a group of the provider gives; may be repeated
    #[arg(long, value_name = "GROUP=ROLE")]
    group_role: Vec<String>,
    /// Save it even where a check fails
    #[arg(long)]
    save_anyway: bool,
}

impl Details {
    fn apply(&self, settings: &mut ConnectionSettings, proof: &Proof) -> Result<(), Failure> {
        if proof.key.is_some() {
            settings.client_auth = ClientAuthMethod::PrivateKeyJwt;
        }
        if let Some(algorithm) = &self.algorithm {
            settings.algorithm.clone_from(algorithm);
        }
        if !self.scope.is_empty() {
            settings.scopes.clone_from(&self.scope);
        }
        if self.groups_claim.is_some() {
            settings.claims.groups.clone_from(&self.groups_claim);
        }
        settings.just_in_time |= self.just_in_time;
        if let Some(role) = &self.default_role {
            settings.default_role = parse("--default-role", role)?;
        }
        for pair in &self.group_role {
            let Some((group, role)) = pair.rsplit_once('=') else {
                return Err(Failure::usage(format!(
                    "--group-role {pair} is not GROUP=ROLE."
                )));
            };
            let role: Role = parse("--group-role", role)?;
            settings.role_by_group.insert(group.to_owned(), role);
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AddCommand {
    /// Id or name of the organisation
    org: String,
    /// What its administrators call the connection
    name: String,
    /// The provider's issuer, or its discovery URL
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What the provider calls this server
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// google, entra, okta, keycloak, github, gitlab or generic
    #[arg(long, default_value = "generic")]
    preset: String,
    #[command(flatten)]
    proof: Proof,
    #[command(flatten)]
    details: Details,
    /// Let nobody sign in by it yet
    #[arg(long)]
    disabled: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StageCommand {
    #[command(flatten)]
    which: ConnectionArgs,
    /// Another issuer, or its discovery URL
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Another client id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    #[command(flatten)]
    proof: Proof,
    #[command(flatten)]
    details: Details,
}

pub(super) async fn add(output: Output, sso: &Sso, command: AddCommand) -> Result<(), Failure> {
    let preset: Preset = parse("--preset", &command.preset)?;
    let Some(secret) = command.proof.read()? else {
        return Err(Failure::usage("The connection needs a client secret.")
            .hint("Say --secret-stdin, --secret-file FILE or --key KIND."));
    };
    let mut settings = sso_settings(preset, &command.issuer, &command.client_id);
    command.details.apply(&mut settings, &command.proof)?;
    let (caller, _) = lookup::caller(sso.accounts(), &command.org).await?;
    let new = NewConnection {
        name: parse("NAME", &command.name)?,
        settings,
        secret,
        enabled: !command.disabled,
        save_anyway: command.details.save_anyway,
    };
    let saved = sso.create_connection(&caller, new).await?;
    tell_failed(&saved.checks);
    output.object(&describe(sso, &saved.connection))
}

pub(super) async fn list(output: Output, sso: &Sso, org: &str) -> Result<(), Failure> {
    let (caller, _) = lookup::caller(sso.accounts(), org).await?;
    let connections = sso.connections(&caller).await?;
    let items: Vec<_> = connections.iter().map(|it| describe(sso, it)).collect();
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    output.list(&["id", "name", "enabled", "issuer"], &items, total)
}

pub(super) async fn show(
    output: Output,
    sso: &Sso,
    which: &ConnectionArgs,
    attempts: bool,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    if !attempts {
        return output.object(&describe(sso, &connection));
    }
    let attempts = sso.attempts(&caller, connection.id).await?;
    let items: Vec<_> = attempts.iter().map(describe_attempt).collect();
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    output.list(
        &["at", "purpose", "email", "clause", "detail"],
        &items,
        total,
    )
}

pub(super) async fn test(
    output: Output,
    sso: &Sso,
    which: &ConnectionArgs,
    staged: bool,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    let settings = if staged { Which::Staged } else { Which::Live };
    let checks = sso.preflight(&caller, connection.id, settings).await?;
    let items: Vec<_> = checks.iter().map(|check| json!(check)).collect();
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    output.list(&["name", "passed", "detail"], &items, total)?;
    match checks.iter().find(|check| !check.passed) {
        Some(check) => Err(Failure::new(
            Code::CheckFailed,
            format!("The check {} failed: {}.", check.name, check.detail),
        )),
        None => Ok(()),
    }
}

pub(super) async fn stage(output: Output, sso: &Sso, command: StageCommand) -> Result<(), Failure> {
    let (caller, connection) = command.which.find(sso).await?;
    let secret = command.proof.read()?;
    let mut settings = connection.staged.unwrap_or(connection.live);
    let issuer = command.issuer.as_deref().unwrap_or(&settings.issuer);
    let client_id = command.client_id.as_deref().unwrap_or(&settings.client_id);
    // Read as a new connection's would be: the issuer may be a discovery URL.
    let read = sso_settings(Preset::default(), issuer, client_id);
    settings.issuer = read.issuer;
    settings.client_id = read.client_id;
    command.details.apply(&mut settings, &command.proof)?;
    let anyway = command.details.save_anyway;
    let staged = sso.stage_connection(&caller, connection.id, settings, secret, anyway);
    let saved = staged.await?;
    tell_failed(&saved.checks);
    output.object(&describe(sso, &saved.connection))
}

pub(super) async fn swap(output: Output, sso: &Sso, which: &ConnectionArgs) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    let connection = sso.swap_connection(&caller, connection.id).await?;
    let text = "What was staged is live; what was live is staged.";
    output.done(&describe(sso, &connection), text)
}

pub(super) async fn enable(
    output: Output,
    sso: &Sso,
    which: &ConnectionArgs,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    let connection = sso.enable_connection(&caller, connection.id).await?;
    let text = format!("People may sign in by {}.", connection.name);
    output.done(&describe(sso, &connection), &text)
}

pub(super) async fn disable(
    output: Output,
    sso: &Sso,
    which: &ConnectionArgs,
    end_sessions: bool,
    yes: Yes,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    if end_sessions {
        let what = format!("Ending the sessions that came by {}", connection.name);
        output::confirm(yes, &what)?;
    }
    let connection = sso
        .disable_connection(&caller, connection.id, end_sessions)
        .await?;
    let text = format!("Nobody signs in by {} any more.", connection.name);
    output.done(&describe(sso, &connection), &text)
}

/// What was saved anyway is said all the same.
fn tell_failed(checks: &[NamedCheck]) {
    for check in checks.iter().filter(|check| !check.passed) {
        output::message(&format!("check {} failed: {}", check.name, check.detail));
    }
}

fn describe(sso: &Sso, connection: &SsoConnection) -> Value {
    json!({
        "id": connection.id,
        "name": connection.name,
        "enabled": connection.is_enabled(),
        "issuer": connection.live.issuer,
        "client_id": connection.live.client_id,
        "callback_url": sso.callback_url(connection.id),
        "live": connection.live,
        "staged": connection.staged,
        "created_at": connection.created_at,
        "updated_at": connection.updated_at,
        "disabled_at": connection.disabled_at,
    })
}

fn describe_attempt(attempt: &SsoAttempt) -> Value {
    let report = attempt.report.as_deref();
    let report: Option<Value> = report.and_then(|text| serde_json::from_str(text).ok());
    json!({
        "id": attempt.id,
        "at": attempt.at,
        "purpose": attempt.purpose,
        "clause": attempt.clause,
        "detail": attempt.detail,
        "issuer": attempt.issuer,
        "subject": attempt.subject,
        "email": attempt.email,
        "user_id": attempt.user_id,
        "address": attempt.address,
        "report": report,
    })
}
