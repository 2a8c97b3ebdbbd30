//! The plans: `[plans.<name>]` with features, seats and limits.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use vestibule_model::{Plan, PlanName, Plans};

use super::error::{ConfigError, ConfigErrorCode};
use super::kind::Raw;
use super::names::nearest;
use super::value::Value;
use super::values::Values;

/// The features and limits that a plan may name, because a rule of an entry point or the check
/// itself uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanNames {
    /// Features that a rule asks for.
    pub features: BTreeSet<String>,
    /// Limits that something applies.
    pub limits: BTreeSet<String>,
}

/// Reads the plans of these values. The default plan is always among them, bare unless it is
/// configured.
pub(crate) fn read(values: &Values, errors: &mut Vec<ConfigError>) -> Plans {
    let mut plans = BTreeMap::new();
    let default = PlanName::default();
    plans.insert(default.to_string(), Plan::bare(default));
    for (key, parts, value) in of_plans(values) {
        let mut refuse = |message: String| {
            let code = ConfigErrorCode::InvalidValue;
            errors.push(ConfigError::new(
                code,
                key,
                Some(&value.provenance),
                message,
            ));
        };
        let plan = match PlanName::from_str(parts.plan) {
            Ok(parsed) => plans
                .entry(parts.plan.to_owned())
                .or_insert_with(|| Plan::bare(parsed)),
            Err(error) => {
                refuse(format!("names a plan that {error}"));
                continue;
            }
        };
        match (parts.member, parts.limit, &value.raw) {
            ("features", None, Raw::List(features)) => {
                plan.features = features.iter().cloned().collect();
            }
            ("seats", None, Raw::Count(seats)) => {
                plan.seats = Some(u32::try_from(*seats).unwrap_or(u32::MAX));
            }
            ("limits", Some(Plan::REQUESTS_PER_MINUTE), Raw::Count(0)) => {
                refuse("must be one or above; leave it out for no limit".to_owned());
            }
            ("limits", Some(limit), Raw::Count(count)) => {
                plan.limits.insert(limit.to_owned(), *count);
            }
            _ => {}
        }
    }
    Plans::new(plans.into_values())
}

/// Refuses features and limits that nothing uses: a limit that nobody enforces is a promise that
/// the operator relies on.
pub(crate) fn refuse_unused(values: &Values, known: &PlanNames, errors: &mut Vec<ConfigError>) {
    for (key, parts, value) in of_plans(values) {
        let refused =
            |code, message: String| ConfigError::new(code, key, Some(&value.provenance), message);
        match (parts.member, parts.limit, &value.raw) {
            ("features", None, Raw::List(features)) => {
                for feature in features
                    .iter()
                    .filter(|name| !known.features.contains(*name))
                {
                    let message = format!("has {feature:?}, a feature that no rule asks for");
                    let hint = suggest(feature, &known.features, "a feature");
                    errors.push(refused(ConfigErrorCode::UnusedFeature, message).hint(hint));
                }
            }
            ("limits", Some(limit), _) if !known.limits.contains(limit) => {
                let message = "is a limit that nothing applies".to_owned();
                let hint = suggest(limit, &known.limits, "a limit");
                errors.push(refused(ConfigErrorCode::UnusedLimit, message).hint(hint));
            }
            _ => {}
        }
    }
}

fn suggest(name: &str, known: &BTreeSet<String>, kind: &str) -> String {
    match nearest(name, known.iter().cloned()) {
        Some(meant) => format!("did you mean {meant}?"),
        None if known.is_empty() => format!("no rule of this server uses {kind}"),
        None => {
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            format!("there is {}", known.join(", "))
        }
    }
}

/// The parts of `plans.<plan>.<member>` and `plans.<plan>.<member>.<limit>`.
struct Parts<'a> {
    plan: &'a str,
    member: &'a str,
    limit: Option<&'a str>,
}

fn of_plans(values: &Values) -> impl Iterator<Item = (&String, Parts<'_>, &Value)> {
    values.by_key.iter().filter_map(|(key, value)| {
        let mut parts = key.strip_prefix("plans.")?.splitn(3, '.');
        let parts = Parts {
            plan: parts.next()?,
            member: parts.next()?,
            limit: parts.next(),
        };
        Some((key, parts, value))
    })
}
