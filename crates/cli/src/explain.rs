//! `vestibule explain`: the check itself is asked, with the head of the request that it would see.

mod asked;
mod caller;

use std::path::PathBuf;

use clap::Args;
use http::Method;
use serde_json::{Value, json};
use vestibule_accounts::OnRecord;
use vestibule_check::{Cause, Denial, EntryPoint, Permit, RequestHead};
use vestibule_http::Problem;
use vestibule_model::{Capability, GrantId, Principal, ResourcePath};
use vestibule_policy::table::Found;
use vestibule_policy::{Basis, Rule, explain, rights};
use vestibule_web::Look;

use super::context::{Context, public_url};
use super::lookup::{OPERATOR, parse};
use super::{output, secret};
use vestibule_server::failure::{Code, Failure};
use vestibule_server::wiring::{self, Tables};

/// May this credential make this request, and why?
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  vestibule explain --credential-file key.txt GET /v1/documents
  printf %s \"$KEY\" | vestibule explain --credential-stdin POST /v1/folders --json
  vestibule explain --credential-file key.txt PATCH /v1/documents/doc_01j… \\
    --path /shared/eng --capability READ_WRITE

The answer is that of the server's check. It passes a request on to the handler of its route, which
decides by itself about the thing that the request names: say where that lies and what is done
there, and the right on the path is explained too. What a server has counted for its limits is not
asked, the query and the body are not looked at, and a page of the server's own origin is supposed.

Exits with 0 if the request passes and with 7 if it is denied.")]
pub(crate) struct ExplainCommand {
    /// Read the credential from stdin
    #[arg(long)]
    credential_stdin: bool,
    /// Read the credential from a file
    #[arg(long, value_name = "FILE", conflicts_with = "credential_stdin")]
    credential_file: Option<PathBuf>,
    /// The path of the resource that the request is about, as in /shared/eng
    #[arg(long = "path", value_name = "PATH", requires = "capability")]
    resource: Option<String>,
    #[arg(
        long,
        requires = "resource",
        help = "What is done there: READ_ONLY, READ_WRITE or READ_WRITE_DELETE"
    )]
    capability: Option<String>,
    /// The request's method
    method: String,
    /// The request's path
    #[arg(value_name = "TARGET")]
    path: String,
}

/// The findings.
#[derive(Debug, Default)]
struct Explained {
    reason: Option<String>,
    hint: Option<String>,
    rule: Option<String>,
    /// The resource that was asked about.
    resource: Option<(ResourcePath, Capability)>,
    /// The record of the credential, valid or not.
    presented: Option<OnRecord>,
    /// The grounds that allow what was asked on the resource: `role`, `home` or `grant`, and which
    /// grant.
    by: Option<(&'static str, Option<GrantId>)>,
    lines: Vec<String>,
}

impl Explained {
    fn deny(&mut self, problem: &Problem) {
        let (reason, detail) = (problem.reason(), problem.detail());
        self.lines.push(format!("denied ({reason}): {detail}"));
        self.reason = Some(reason.to_owned());
        self.hint = problem.way_out().map(str::to_owned);
    }

    fn verdict(&self) -> &'static str {
        match (&self.reason, &self.resource) {
            (Some(_), _) => "denied",
            (None, Some(_)) => "allowed",
            (None, None) => "passes",
        }
    }
}

pub(super) async fn run(context: &Context, command: ExplainCommand) -> Result<(), Failure> {
    let method = Method::from_bytes(command.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Failure::usage("METHOD must be a method such as GET.").field("METHOD"))?;
    let path = command.path.split('?').next().unwrap_or_default();
    let resource = match (&command.resource, &command.capability) {
        (Some(path), Some(capability)) => Some((
            parse("--path", path)?,
            parse::<Capability>("--capability", capability)?,
        )),
        _ => None,
    };
    let credential = secret::read(command.credential_stdin, command.credential_file.as_ref())?;
    let credential = credential.as_deref().map(asked::bare);
    let (accounts, settings) = context.accounts_and_settings().await?;
    let public_url = public_url(&settings);
    let sample = wiring::sample(&settings, Tables::Expect).await?;
    context.close_later(sample.as_ref());
    let routed = wiring::routes(&settings, &accounts, &public_url, Look::default(), sample)?;
    let entry_point = wiring::entry_point(&settings, &accounts, routed.table, &public_url);
    let headers = asked::headers(&settings, &entry_point, &method, path, credential)?;
    let head = RequestHead {
        method: &method,
        path,
        headers: &headers,
        has_body: false,
        address: None,
        request_id: None,
    };

    let presented = match credential {
        Some(text) => accounts.on_record(&OPERATOR, text).await?,
        None => None,
    };
    let mut explained = Explained {
        rule: rule_of(&entry_point, &method, path),
        resource,
        presented,
        ..Explained::default()
    };
    match entry_point.check(&head).await {
        Ok(passed) => {
            let permit = passed.into_permit(&head);
            pass(
                &mut explained,
                &entry_point,
                &head,
                permit.as_ref().map(Permit::principal),
            );
        }
        Err(denial) if matches!(denial.cause, Cause::Unavailable) => {
            return Err(Failure::new(Code::Temporary, "The store does not answer.")
                .reason(denial.cause.reason()));
        }
        Err(denial) => {
            // Why a good credential is refused is told demand by demand.
            if let (
                Denial {
                    cause: Cause::Refused { .. },
                    ..
                },
                Some(text),
            ) = (&*denial, credential)
                && let Ok(principal) = accounts.resolve(text).await
            {
                explained.lines = demands_met(&entry_point, &head, &principal);
            } else if let Some(presented) = &explained.presented {
                explained.lines = caller::lines(presented);
            }
            explained.deny(&Problem::from(&*denial));
        }
    }
    print(context, &explained)
}

fn rule_of(entry_point: &EntryPoint, method: &Method, path: &str) -> Option<String> {
    match entry_point.rules().find(method.as_str(), path) {
        Found::Rule { template, .. } => Some(format!("{method} {template}")),
        Found::OtherMethod { .. } | Found::Nothing => None,
    }
}

/// Lists the caller and the demands of the rule with what meets each; without the outcome, which is
/// the check's to say.
fn demands_met(
    entry_point: &EntryPoint,
    head: &RequestHead<'_>,
    principal: &Principal,
) -> Vec<String> {
    let told = |rule: &Rule, params: &_| explain::explain(rule, principal, params).lines;
    let mut lines = match entry_point.rules().find(head.method.as_str(), head.path) {
        Found::Rule { rule, params, .. } => told(rule, &params),
        Found::OtherMethod { .. } | Found::Nothing => Vec::new(),
    };
    lines.pop();
    lines
}

/// The check lets the request through: what remains is the handler's own question.
fn pass(
    explained: &mut Explained,
    entry_point: &EntryPoint,
    head: &RequestHead<'_>,
    caller: Option<&Principal>,
) {
    if let Some(principal) = caller {
        explained.lines = demands_met(entry_point, head, principal);
    }
    let Some((path, capability)) = &explained.resource else {
        explained.lines.push(match caller {
            None => "passes: the rule asks for no caller".to_owned(),
            Some(_) => "passes: the rule lets the request reach its handler, which decides about \
                        query, body and the thing it names; --path and --capability ask about that"
                .to_owned(),
        });
        return;
    };
    let Some(principal) = caller else {
        let nobody = "Nobody is calling here, so nobody has a right on a path.";
        explained.deny(&Problem::unauthorized("no_credential", nobody, false));
        return;
    };
    match rights::may(principal, path, *capability) {
        Ok(basis) => {
            let ground = asked::ground(principal, path, basis);
            explained.by = Some(match basis {
                Basis::Role(_) => ("role", None),
                Basis::Home => ("home", None),
                Basis::Grant(grant) => ("grant", Some(grant.id)),
            });
            explained
                .lines
                .push(format!("{capability} on {path}: yes, {ground}"));
            explained.lines.push("allowed".to_owned());
        }
        Err(refusal) => {
            explained.lines.push(format!("{capability} on {path}: no"));
            explained.deny(&Problem::from(&refusal));
        }
    }
}

fn print(context: &Context, explained: &Explained) -> Result<(), Failure> {
    if context.output.json {
        let (path, capability) = explained.resource.clone().unzip();
        let mut object = json!({
            "verdict": explained.verdict(),
            "reason": explained.reason,
            "rule": explained.rule,
            "lines": explained.lines,
        });
        let presented = explained.presented.as_ref();
        let (by, grant) = explained.by.unzip();
        for (name, value) in [
            ("caller", presented.map(caller::json)),
            ("credential", presented.map(caller::credential_json)),
            ("by", by.map(Value::from)),
            ("grant_id", grant.flatten().map(|id| json!(id))),
            ("hint", explained.hint.clone().map(Value::from)),
            ("path", path.map(|path| json!(path))),
            ("capability", capability.map(|capability| json!(capability))),
        ] {
            if let Some(value) = value {
                object[name] = value;
            }
        }
        context.output.object(&object)?;
    } else {
        let rule = explained.rule.as_deref().unwrap_or("none");
        output::data(&format!("rule: {rule}\n{}", explained.lines.join("\n")))?;
    }
    match &explained.reason {
        None => Ok(()),
        Some(reason) => {
            let text = format!("The request is denied: {reason}.");
            let failure = Failure::new(Code::CheckFailed, text).reason(reason.clone());
            Err(match &explained.hint {
                Some(hint) => failure.hint(hint.clone()),
                None => failure,
            })
        }
    }
}
