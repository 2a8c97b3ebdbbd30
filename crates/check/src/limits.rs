//! How many requests in what time. Counted in memory with the monotonic clock, so that a clock
//! that jumps neither locks anybody out nor lets anybody through.
//!
//! What a known caller has used lies beside the cached caller ([`Allowances`]), so that counting
//! costs no look-up. Strangers are counted in a map ([`Limiter`]).

mod allowance;
mod limiter;
mod ticks;

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::{NotUntil, Quota, RateLimiter};
use vestibule_model::{Plan, PlanName, Plans, Principal};
use vestibule_policy::RuleTable;
use vestibule_policy::rule::{Limit, LimitPer};

pub(crate) use self::allowance::Allowances;
use self::allowance::{Allowance, Holders, Slot};
pub use self::limiter::Limiter;
pub(crate) use self::limiter::network_of;
use self::ticks::Ticks;
use crate::denial::Limited;

const MINUTE: Duration = Duration::from_secs(60);

/// `count` requests at once and again as many in every `window`, evenly spread.
#[derive(Debug, Clone, Copy)]
struct Pace {
    name: &'static str,
    count: NonZeroU32,
    window: Duration,
}

impl Pace {
    fn quota(self) -> Quota {
        let each = (self.window / self.count.get()).max(Duration::from_nanos(1));
        Quota::with_period(each)
            .unwrap_or(Quota::per_second(self.count))
            .allow_burst(self.count)
    }

    #[cold]
    fn limited(self, until: &NotUntil<Nanos>) -> Limited {
        Limited {
            name: self.name,
            count: self.count.get(),
            window: self.window,
            retry_after: until.wait_time_from(Ticks.now()),
        }
    }
}

/// The counts of everybody under one limit, who are told apart by `K` and noted in `S`.
type Counts<K, S> = RateLimiter<K, S, Ticks, NoOpMiddleware<Nanos>>;

/// One limit of known callers.
#[derive(Debug)]
struct CallerLimiter {
    pace: Pace,
    counts: Counts<Allowance, Slot>,
}

impl CallerLimiter {
    fn new(pace: Pace, slot: Slot) -> Self {
        let counts = Counts::new(pace.quota(), slot, Ticks);
        Self { pace, counts }
    }

    fn count(&self, allowance: &Allowance) -> Result<(), Limited> {
        self.counts
            .check_key(allowance)
            .map_err(|until| self.pace.limited(&until))
    }
}

/// A limit of the rule table.
#[derive(Debug)]
enum RuleLimiter {
    User(CallerLimiter),
    Organization(CallerLimiter),
    Credential(CallerLimiter),
}

/// All limits of a rule table and of the plans.
#[derive(Debug)]
pub(crate) struct Limits {
    by_rule: Vec<RuleLimiter>,
    /// `None` is a limit of nothing at all.
    by_plan: Vec<(PlanName, Option<CallerLimiter>)>,
    users: Holders,
    organizations: Holders,
    credentials: Holders,
    start: Nanos,
}

impl Limits {
    pub(crate) fn new(table: &RuleTable, plans: &Plans) -> Self {
        // Read before the limiters read their own start, so that nobody seems idle too early.
        let start = Ticks.now();
        let (mut users, mut organizations, mut credentials) =
            (Holders::default(), Holders::default(), Holders::default());
        // One slot for all plans: an organisation has one plan at a time, and every plan counts
        // by the minute, so that what was used under one is understood by the next.
        let plan_slot = organizations.slot();
        let by_rule = table
            .limits()
            .map(|(_, spec)| {
                let pace = Pace {
                    name: spec.name,
                    count: spec.count,
                    window: spec.window,
                };
                match spec.per {
                    LimitPer::User => RuleLimiter::User(CallerLimiter::new(pace, users.slot())),
                    LimitPer::Organization => {
                        RuleLimiter::Organization(CallerLimiter::new(pace, organizations.slot()))
                    }
                    LimitPer::Credential => {
                        RuleLimiter::Credential(CallerLimiter::new(pace, credentials.slot()))
                    }
                }
            })
            .collect();
        let by_plan = plans
            .iter()
            .filter_map(|plan| {
                let limit = plan.limit(Plan::REQUESTS_PER_MINUTE)?;
                let limiter =
                    NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX)).map(|count| {
                        let pace = Pace {
                            name: Plan::REQUESTS_PER_MINUTE,
                            count,
                            window: MINUTE,
                        };
                        CallerLimiter::new(pace, plan_slot)
                    });
                Some((plan.name.clone(), limiter))
            })
            .collect();
        Self {
            by_rule,
            by_plan,
            users,
            organizations,
            credentials,
            start,
        }
    }

    /// What a caller has used so far, to be kept beside the caller.
    pub(crate) fn allowances(&self, principal: &Principal) -> Allowances {
        let plan = self
            .by_plan
            .iter()
            .position(|(name, _)| *name == principal.plan.name);
        Allowances {
            user: self.users.allowance(principal.user_id.uuid()),
            organization: self
                .organizations
                .allowance(principal.organization_id.uuid()),
            credential: self.credentials.allowance(principal.credential.uuid()),
            plan,
        }
    }

    /// Counts a request under the plan of its organisation and under each limit of its rule.
    pub(crate) fn count(&self, limits: &[Limit], caller: &Allowances) -> Result<(), Limited> {
        if let Some((_, limiter)) = caller.plan.and_then(|plan| self.by_plan.get(plan)) {
            match limiter {
                Some(limiter) => limiter.count(&caller.organization)?,
                None => {
                    return Err(Limited {
                        name: Plan::REQUESTS_PER_MINUTE,
                        count: 0,
                        window: MINUTE,
                        retry_after: MINUTE,
                    });
                }
            }
        }
        for limit in limits {
            match self.by_rule.get(limit.id.0) {
                Some(RuleLimiter::User(limiter)) => limiter.count(&caller.user)?,
                Some(RuleLimiter::Organization(limiter)) => limiter.count(&caller.organization)?,
                Some(RuleLimiter::Credential(limiter)) => limiter.count(&caller.credential)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Forgets those who have their full allowance again.
    pub(crate) fn forget_idle(&self) {
        let elapsed = Ticks.now().duration_since(self.start);
        for holders in [&self.users, &self.organizations, &self.credentials] {
            holders.forget_idle(elapsed);
        }
    }
}

#[cfg(test)]
mod tests;
