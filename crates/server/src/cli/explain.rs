//! `vestibule explain`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use vestibule_policy::rule::Access;
use vestibule_policy::table::Found;
use vestibule_policy::{explain, target};
use vestibule_web::Look;

use super::context::{Context, public_url};
use super::{output, secret};
use crate::failure::{Code, Failure};
use crate::wiring;

/// May this credential make this request, and why?
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  vestibule explain --credential-file key.txt GET /v1/documents
  printf %s \"$KEY\" | vestibule explain --credential-stdin POST /v1/folders --json

Exits with 0 if the request is allowed and with 7 if it is denied.")]
pub(in crate::cli) struct ExplainCommand {
    /// Read the credential from stdin
    #[arg(long)]
    credential_stdin: bool,
    /// Read the credential from a file
    #[arg(long, value_name = "FILE", conflicts_with = "credential_stdin")]
    credential_file: Option<PathBuf>,
    /// The request's method
    method: String,
    /// The request's path
    path: String,
}

/// What was found out.
struct Explained {
    allowed: bool,
    reason: Option<String>,
    rule: Option<String>,
    lines: Vec<String>,
}

impl Explained {
    fn denied(reason: &str, rule: Option<String>, line: String) -> Self {
        Self {
            allowed: false,
            reason: Some(reason.to_owned()),
            rule,
            lines: vec![line],
        }
    }
}

pub(super) async fn run(context: &Context, command: ExplainCommand) -> Result<(), Failure> {
    let credential = secret::read(command.credential_stdin, command.credential_file.as_ref())?;
    let (accounts, settings) = context.accounts_and_settings().await?;
    let routed = wiring::routes(
        &settings,
        &accounts,
        &public_url(&settings),
        Look::default(),
    )
    .await?;
    let table = routed.table;
    let method = command.method.to_ascii_uppercase();
    let path = command.path.split('?').next().unwrap_or_default();

    let explained = 'found: {
        if let Err(error) = target::canonical(path) {
            break 'found Explained::denied("path_not_canonical", None, format!("denied: {error}"));
        }
        let (rule, template, params) = match table.find(&method, path) {
            Found::Rule {
                rule,
                template,
                params,
                ..
            } => (rule, template, params),
            Found::OtherMethod { allowed, .. } => {
                let line = format!("denied: {path} answers to {allowed} only");
                break 'found Explained::denied("method_not_allowed", None, line);
            }
            Found::Nothing => {
                let line = format!("denied: no rule, no entry: nothing is at {path}");
                break 'found Explained::denied("no_such_route", None, line);
            }
        };
        let named = Some(format!("{method} {template}"));
        if matches!(rule.access(), Access::Public | Access::Optional) {
            break 'found Explained {
                allowed: true,
                reason: None,
                rule: named,
                lines: vec!["allowed: the rule asks for no caller".to_owned()],
            };
        }
        let Some(credential) = credential else {
            let line = "denied: the rule asks for a caller, and there is no credential".to_owned();
            break 'found Explained::denied("no_credential", named, line);
        };
        match accounts.resolve(&credential).await {
            Err(error) => {
                Explained::denied("credential_rejected", named, format!("denied: {error}"))
            }
            Ok(principal) => {
                let explanation = explain::explain(rule, &principal, &params);
                Explained {
                    allowed: explanation.outcome.is_ok(),
                    reason: explanation
                        .outcome
                        .err()
                        .map(|refusal| refusal.reason().to_owned()),
                    rule: named,
                    lines: explanation.lines,
                }
            }
        }
    };
    print(context, &explained)
}

fn print(context: &Context, explained: &Explained) -> Result<(), Failure> {
    let verdict = if explained.allowed {
        "allowed"
    } else {
        "denied"
    };
    if context.output.json {
        context.output.object(&json!({
            "verdict": verdict,
            "reason": explained.reason,
            "rule": explained.rule,
            "lines": explained.lines,
        }))?;
    } else {
        let rule = explained.rule.as_deref().unwrap_or("none");
        output::data(&format!("rule: {rule}\n{}", explained.lines.join("\n")))?;
    }
    if explained.allowed {
        Ok(())
    } else {
        let reason = explained.reason.as_deref().unwrap_or("denied");
        Err(Failure::new(
            Code::CheckFailed,
            format!("The request is denied: {reason}."),
        ))
    }
}
