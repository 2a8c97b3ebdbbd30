//! Connections to identity providers.

mod arguments;

use clap::Args;
use serde_json::{Value, json};
use vestibule_accounts::Caller;
use vestibule_federation::{AlsoEnd, NewConnection, SettingsVersion, Sso, sso_settings};
use vestibule_model::{ConnectionId, SsoAttempt, SsoConnection};
use vestibule_sso::{NamedCheck, Preset};

pub(crate) use self::arguments::{AddCommand, StageCommand};

use crate::args::Yes;
use crate::lookup::{self, parse};
use crate::output::{self, Output};
use vestibule_server::failure::{Code, Failure};

/// An organisation and one of its connections.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
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

/// The settings that `sso test` checks.
#[derive(Debug, Args)]
pub(crate) struct TestCommand {
    #[command(flatten)]
    which: ConnectionArgs,
    /// The staged settings, in place of the live ones
    #[arg(long)]
    staged: bool,
    /// Print a URL instead at which a browser begins a sign-in that creates nobody and shows what
    /// it would do; it is good once, for ten minutes
    #[arg(long)]
    sign_in: bool,
}

pub(super) async fn test(output: Output, sso: &Sso, command: &TestCommand) -> Result<(), Failure> {
    let (caller, connection) = command.which.find(sso).await?;
    let settings = if command.staged {
        SettingsVersion::Staged
    } else {
        SettingsVersion::Live
    };
    if command.sign_in {
        let url = sso.test_url(&caller, connection.id, settings).await?;
        return if output.json {
            output.object(&json!({ "start_url": url }))
        } else {
            output::data(&url)
        };
    }
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
    also: AlsoEnd,
    yes: Yes,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    let what = match (also.sessions, also.keys) {
        (false, false) => None,
        (true, false) => Some("Ending the sessions"),
        (false, true) => Some("Revoking the API keys"),
        (true, true) => Some("Ending the sessions and revoking the API keys"),
    };
    if let Some(what) = what {
        output::confirm(yes, &format!("{what} that came by {}", connection.name))?;
    }
    let connection = sso.disable_connection(&caller, connection.id, also).await?;
    let text = format!("Nobody signs in by {} any more.", connection.name);
    output.done(&describe(sso, &connection), &text)
}

pub(super) async fn unlink(
    output: Output,
    sso: &Sso,
    which: &ConnectionArgs,
    user: &str,
    revoke_keys: bool,
    yes: Yes,
) -> Result<(), Failure> {
    let (caller, connection) = which.find(sso).await?;
    let user = lookup::user(sso.accounts(), user).await?;
    let what = if revoke_keys {
        "Ending the sessions and revoking the API keys"
    } else {
        "Ending the sessions"
    };
    let (email, name) = (&user.email, &connection.name);
    output::confirm(yes, &format!("{what} of {email} that came by {name}"))?;
    sso.unlink(&caller, connection.id, user.id, revoke_keys)
        .await?;
    output.done(
        &json!({ "user_id": user.id, "connection_id": connection.id }),
        &format!("{email} is unlinked from {name}."),
    )
}

/// Tells which checks failed where a connection was saved all the same.
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
