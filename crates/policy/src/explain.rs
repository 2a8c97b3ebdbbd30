//! Decisions with their grounds.

use std::fmt;

use vestibule_model::{HeldGrant, Principal};

use crate::decide::{Demand, Met, demands};
use crate::rights::{Basis, Narrowing, narrowing};
use crate::template::Filled;
use crate::{Params, Refusal, Rule};

/// A decision with its grounds. `Display` gives one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The result of [`decide`](crate::decide()).
    pub outcome: Result<(), Refusal>,
    /// The caller, each demand with what met it, and at the end the outcome; never a secret.
    pub lines: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Explains the result of [`decide`](crate::decide()) for the same arguments: by which role, grant or
/// plan. It stops, as the decision does, at the first demand that is not met.
pub fn explain(rule: &Rule, principal: &Principal, params: &Params<'_, '_>) -> Explanation {
    let mut lines = vec![format!(
        "caller: {} as {} in {}, by {}{}",
        principal.user_id,
        principal.role,
        principal.organization_id,
        principal.credential,
        match &principal.narrowed_to {
            Some(own) => format!(", narrowed to its own grants ({})", own.len()),
            None => String::new(),
        }
    )];
    for demand in demands(rule) {
        let what = name(demand, params);
        match demand.met_by(principal, params) {
            Ok(met) => lines.push(format!(
                "{what}: yes, {}",
                ground(demand, met, principal, params)
            )),
            Err(refusal) => {
                lines.push(format!("{what}: no"));
                lines.push(format!("denied ({}): {refusal}", refusal.reason()));
                return Explanation {
                    outcome: Err(refusal),
                    lines,
                };
            }
        }
    }
    // Last, so that callers who know more than the rule can replace it.
    lines.push("allowed".to_owned());
    Explanation {
        outcome: Ok(()),
        lines,
    }
}

fn name(demand: Demand<'_>, params: &Params<'_, '_>) -> String {
    match demand {
        Demand::Credential(_) => "kind of credential".to_owned(),
        Demand::Role(role) => format!("role {role} or above"),
        Demand::Capability(capability, template) => {
            let mut filled = Filled::default();
            let path = template.fill(params, &mut filled);
            format!("{capability} on {}", path.unwrap_or(template.as_str()))
        }
        Demand::Feature(feature) => format!("plan feature {feature}"),
    }
}

fn ground(
    demand: Demand<'_>,
    met: Met<'_>,
    principal: &Principal,
    params: &Params<'_, '_>,
) -> String {
    let basis = match (demand, met) {
        (_, Met::By(Basis::Role(role))) => format!("by the role {role}"),
        (_, Met::By(Basis::Home)) => format!("in the own folder {}", principal.home),
        (_, Met::By(Basis::Grant(grant))) => format!("by {}", describe(grant)),
        (Demand::Credential(_), Met::Plainly) => principal.credential.kind().to_owned(),
        (Demand::Feature(_), Met::Plainly) => format!("by the plan {}", principal.plan.name),
        (_, Met::Plainly) => format!("by the role {}", principal.role),
    };
    let Demand::Capability(_, template) = demand else {
        return basis;
    };
    let mut filled = Filled::default();
    match template
        .fill(params, &mut filled)
        .map(|path| narrowing(principal, path))
    {
        Some(Narrowing::To(Some(own))) => format!("{basis}, and the key by {}", describe(own)),
        _ => basis,
    }
}

/// A grant in words: which one it is, what it allows where, and through which group.
pub fn describe(grant: &HeldGrant) -> String {
    let through = match grant.through {
        Some(group) => format!(", through {group}"),
        None => String::new(),
    };
    format!(
        "{} ({} on {}{through})",
        grant.id, grant.capability, grant.path
    )
}
