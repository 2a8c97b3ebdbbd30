//! Decisions.

use vestibule_model::{Capability, Principal, Role};

use crate::rights::{self, Basis};
use crate::template::{Filled, PathTemplate};
use crate::{Params, Refusal, Rule};

/// Refuses a known caller who does not meet the demands of a route: kind of credential, role, path
/// capability, plan feature, in this order. Limits are counted by the check.
///
/// Allocates nothing to allow.
pub fn decide(rule: &Rule, principal: &Principal, params: &Params<'_, '_>) -> Result<(), Refusal> {
    demands(rule).try_for_each(|demand| demand.met_by(principal, params).map(drop))
}

/// One thing that a rule demands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Demand<'r> {
    Credential(&'r Rule),
    Role(Role),
    Capability(Capability, &'r PathTemplate),
    Feature(&'r str),
}

/// The ground on which a demand is met.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Met<'p> {
    Plainly,
    By(Basis<'p>),
}

pub(crate) fn demands(rule: &Rule) -> impl Iterator<Item = Demand<'_>> {
    // A chain, which becomes straight code, where an array of options would be moved about.
    let credential = (rule.bearer_only || rule.not_by_key).then_some(Demand::Credential(rule));
    let capability = rule.capability.as_ref();
    credential
        .into_iter()
        .chain(rule.role.map(Demand::Role))
        .chain(capability.map(|(capability, template)| Demand::Capability(*capability, template)))
        .chain(rule.needs_feature().map(Demand::Feature))
}

impl Demand<'_> {
    #[inline] // which demand it is, is known where it is asked
    pub(crate) fn met_by<'p>(
        self,
        principal: &'p Principal,
        params: &Params<'_, '_>,
    ) -> Result<Met<'p>, Refusal> {
        match self {
            Self::Credential(rule) => rule.admits(principal.credential).map(|()| Met::Plainly),
            Self::Role(role) => rights::administers(principal, role).map(|()| Met::Plainly),
            Self::Capability(capability, template) => {
                may_on(principal, capability, template, params).map(Met::By)
            }
            Self::Feature(feature) if principal.plan.has(feature) => Ok(Met::Plainly),
            Self::Feature(feature) => Err(Refusal::Feature {
                feature: feature.to_owned(),
                plan: principal.plan.name.clone(),
            }),
        }
    }
}

/// Decides if the caller may act with `capability` on the path that the request is about.
fn may_on<'p>(
    principal: &'p Principal,
    capability: Capability,
    template: &PathTemplate,
    params: &Params<'_, '_>,
) -> Result<Basis<'p>, Refusal> {
    let mut filled = Filled::default();
    let path = template
        .fill(params, &mut filled)
        .ok_or(Refusal::NotAPath)?;
    rights::may_text(principal, path, capability)
}

#[cfg(test)]
mod tests;
