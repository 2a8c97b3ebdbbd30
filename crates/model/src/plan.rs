//! What an organisation has paid for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// The name of a plan, as the configuration has it: `[a-z][a-z0-9_-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanName(String);

impl PlanName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The plan of an organisation that has chosen none: `free`.
impl Default for PlanName {
    fn default() -> Self {
        Self("free".to_owned())
    }
}

impl FromStr for PlanName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        let ok = text.len() <= 32
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(letter);
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "invalid_plan_name",
                "must be 1 to 32 lower-case letters, digits, '-' or '_', beginning with a letter",
            ))
        }
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for PlanName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlanName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Named features and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The plan's name.
    pub name: PlanName,
    /// The features that the organisation may use, by name.
    pub features: BTreeSet<String>,
    /// The most members that the organisation may have. Unbounded if `None`.
    pub seats: Option<u32>,
    /// The amounts that the organisation may use, by name. The check applies those that a rule
    /// names, such as `requests_per_minute`; any other is applied by the service that counts it.
    pub limits: BTreeMap<String, u64>,
}

impl Plan {
    /// The limit that the check itself applies to every request of an organisation.
    pub const REQUESTS_PER_MINUTE: &'static str = "requests_per_minute";

    /// A plan with no feature and no limit, which stands in for a plan that is no longer
    /// configured: it denies every feature and breaks nothing else.
    pub fn bare(name: PlanName) -> Self {
        Self {
            name,
            features: BTreeSet::new(),
            seats: None,
            limits: BTreeMap::new(),
        }
    }

    /// Returns whether the plan includes a feature.
    pub fn has(&self, feature: &str) -> bool {
        self.features.contains(feature)
    }

    /// The limit of this name, where the plan sets one.
    pub fn limit(&self, name: &str) -> Option<u64> {
        self.limits.get(name).copied()
    }
}

/// The plans of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Plans(BTreeMap<PlanName, Arc<Plan>>);

impl Plans {
    /// The catalogue of these plans; of two with one name the later stands.
    pub fn new(plans: impl IntoIterator<Item = Plan>) -> Self {
        Self(
            plans
                .into_iter()
                .map(|plan| (plan.name.clone(), Arc::new(plan)))
                .collect(),
        )
    }

    /// The plan of this name.
    pub fn get(&self, name: &PlanName) -> Option<&Arc<Plan>> {
        self.0.get(name)
    }

    /// The plan of this name, or a bare one where it is not configured.
    pub fn get_or_bare(&self, name: &PlanName) -> Arc<Plan> {
        self.get(name)
            .cloned()
            .unwrap_or_else(|| Arc::new(Plan::bare(name.clone())))
    }

    /// All plans, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.0.values()
    }

    /// The plans that have a feature, for the way out of a denial.
    pub fn with_feature<'a>(&'a self, feature: &'a str) -> impl Iterator<Item = &'a PlanName> {
        self.0
            .values()
            .filter(move |plan| plan.has(feature))
            .map(|plan| &plan.name)
    }
}
