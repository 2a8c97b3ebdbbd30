//! The features and limits that a plan may name.

use vestibule_config::PlanNames;
use vestibule_model::Plan;
use vestibule_policy::RuleTable;

use crate::failure::Failure;

/// Returns the names that this server's entry points use, those of the sample among them if it is
/// served.
///
/// A new entry point adds its own here. They are written down, and not read from the rules, because
/// rules exist only once the store is open, and a wrong configuration is told before that.
pub fn plan_names(with_sample: bool) -> PlanNames {
    let mut names = PlanNames::default();
    names.limits.insert(Plan::REQUESTS_PER_MINUTE.to_owned());
    if with_sample {
        let owned = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        names
            .features
            .extend(owned(vestibule_sample::PLAN_FEATURES));
        names.limits.extend(owned(vestibule_sample::PLAN_LIMITS));
    }
    names
}

/// Refuses rules that ask for a feature which no plan could name.
pub(super) fn check(table: &RuleTable, with_sample: bool) -> Result<(), Failure> {
    let names = plan_names(with_sample);
    let features = table
        .routes()
        .filter_map(|route| route.rule.needs_feature());
    match features
        .into_iter()
        .find(|name| !names.features.contains(*name))
    {
        None => Ok(()),
        Some(name) => Err(Failure::defect(format!(
            "a rule needs the feature {name}, which plan_names does not list"
        ))),
    }
}
