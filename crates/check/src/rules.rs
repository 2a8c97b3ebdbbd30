//! The rules of one entry point, bound to the limits and the route names of its process.

use std::sync::Arc;

use vestibule_policy::table::RouteNumber;
use vestibule_policy::{RuleTable, rule::Limit};

use crate::denials::{Denials, RouteName};
use crate::limits::{Limits, RuleLimiter};

/// A rule table, and where the process counts and names what it declares.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) table: RuleTable,
    /// By the number of the limit in the table.
    limiters: Vec<Arc<RuleLimiter>>,
    /// By the number of the route in the table.
    names: Vec<RouteName>,
}

impl Rules {
    pub(crate) fn new(table: RuleTable, limits: &Limits, denials: &Denials) -> Self {
        Self {
            limiters: table
                .limits()
                .map(|(_, spec)| limits.limiter(spec))
                .collect(),
            names: denials.names_of(&table),
            table,
        }
    }

    /// Returns the limiters of a rule's limits.
    #[inline]
    pub(crate) fn limiters(&self, limits: &[Limit]) -> impl Iterator<Item = &RuleLimiter> {
        let limiter = |limit: &Limit| self.limiters.get(limit.id.0);
        limits.iter().filter_map(limiter).map(|limiter| &**limiter)
    }

    /// Returns the name of a route of the table.
    #[inline]
    pub(crate) fn name(&self, number: RouteNumber) -> Option<RouteName> {
        self.names.get(number.index()).copied()
    }
}
