//! The plans: `[plans.<name>]` with features, seats and limits.

use std::collections::BTreeMap;
use std::str::FromStr;

use vestibule_model::{Plan, PlanName, Plans};

use super::error::ConfigError;
use super::kind::Raw;
use super::sources::Values;

/// The plans of these values. The default plan is always there, bare if nobody says what it has.
pub(super) fn read(values: &Values, errors: &mut Vec<ConfigError>) -> Plans {
    let mut plans = BTreeMap::new();
    let default = PlanName::default();
    plans.insert(default.to_string(), Plan::bare(default));
    for (key, value) in &values.0 {
        let Some(rest) = key.strip_prefix("plans.") else {
            continue;
        };
        let mut parts = rest.splitn(3, '.');
        let name = parts.next().unwrap_or_default();
        let plan = match PlanName::from_str(name) {
            Ok(parsed) => plans
                .entry(name.to_owned())
                .or_insert_with(|| Plan::bare(parsed)),
            Err(error) => {
                let message = format!("names a plan that {error}");
                errors.push(ConfigError::new(key, Some(&value.origin), message));
                continue;
            }
        };
        match (parts.next(), parts.next(), &value.raw) {
            (Some("features"), None, Raw::List(features)) => {
                plan.features = features.iter().cloned().collect();
            }
            (Some("seats"), None, Raw::Count(seats)) => {
                plan.seats = Some(u32::try_from(*seats).unwrap_or(u32::MAX));
            }
            (Some("limits"), Some(Plan::REQUESTS_PER_MINUTE), Raw::Count(0)) => {
                let message = "must be one or above; leave it out for no limit";
                errors.push(ConfigError::new(key, Some(&value.origin), message));
            }
            (Some("limits"), Some(limit), Raw::Count(count)) => {
                plan.limits.insert(limit.to_owned(), *count);
            }
            _ => {}
        }
    }
    Plans::new(plans.into_values())
}
