//! Limits on the number of requests in a time. Counted in memory with the monotonic clock, so that a
//! clock that jumps neither locks anybody out nor lets anybody through.
//!
//! The use that a known caller has made lies beside the cached caller ([`Allowances`]), so that
//! counting costs no lookup. Strangers are counted in a map ([`Limiter`]).
//!
//! A limit belongs to the process and not to a table of rules: two that declare the same one share
//! it, and it lives as long as one of them does.

mod allowance;
mod caller;
mod holders;
mod limiter;
mod pace;
mod ticks;

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use vestibule_model::{Plan, PlanName, Plans, Principal};
use vestibule_policy::rule::{LimitPer, LimitSpec};

use self::allowance::Slot;
use self::caller::CallerLimiter;
pub(crate) use self::caller::{Allowances, RuleLimiter};
use self::holders::Holders;
pub use self::limiter::Limiter;
pub(crate) use self::limiter::network_of;
pub use self::pace::Limited;
use self::pace::Pace;

const MINUTE: Duration = Duration::from_mins(1);

/// All limits of the plans, and of the rules of all entry points.
#[derive(Debug)]
pub(crate) struct Limits {
    /// `None` is a limit of nothing at all.
    by_plan: Vec<(PlanName, Option<CallerLimiter>)>,
    users: Arc<Holders>,
    organizations: Arc<Holders>,
    credentials: Arc<Holders>,
    declared: Mutex<Vec<Declared>>,
}

/// A limit that some rule declares, or once did.
#[derive(Debug)]
struct Declared {
    spec: LimitSpec,
    slot: Slot,
    /// Gone with the last table that declares the limit, and with the last request that began on it.
    limiter: Weak<RuleLimiter>,
}

impl Limits {
    pub(crate) fn new(plans: &Plans) -> Self {
        let organizations = Arc::<Holders>::default();
        // One slot for all plans: an organisation has one plan at a time, and every plan counts
        // by the minute, so that what was used under one is understood by the next.
        let plan_slot = organizations.add_slot();
        let by_plan = plans
            .iter()
            .filter_map(|plan| {
                let limit = plan.limit(Plan::REQUESTS_PER_MINUTE)?;
                let limiter =
                    NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX)).map(|count| {
                        let pace = Pace {
                            name: Cow::Borrowed(Plan::REQUESTS_PER_MINUTE),
                            count,
                            window: MINUTE,
                        };
                        CallerLimiter::new(pace, plan_slot)
                    });
                Some((plan.name.clone(), limiter))
            })
            .collect();
        organizations.start(plan_slot);
        Self {
            by_plan,
            users: Arc::default(),
            organizations,
            credentials: Arc::default(),
            declared: Mutex::default(),
        }
    }

    /// Returns the limiter of a limit: the one that counts already where another table declares the
    /// same, else a new one of which nobody has used anything.
    pub(crate) fn limiter(&self, spec: &LimitSpec) -> Arc<RuleLimiter> {
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut same = declared.iter().filter(|known| known.spec == *spec);
        if let Some(limiter) = same.find_map(|known| known.limiter.upgrade()) {
            return limiter;
        }
        let holders = self.holders(spec.per);
        let mut unused = declared.iter_mut();
        let unused =
            unused.find(|known| known.spec.per == spec.per && known.limiter.strong_count() == 0);
        // A slot is used again, or every change of the rules would make all allowances longer.
        let slot = unused
            .as_ref()
            .map_or_else(|| holders.add_slot(), |known| known.slot);
        let limiter = Arc::new(RuleLimiter::new(spec, slot, Arc::clone(holders)));
        holders.start(slot);
        let new = Declared {
            spec: spec.clone(),
            slot,
            limiter: Arc::downgrade(&limiter),
        };
        match unused {
            Some(place) => *place = new,
            None => declared.push(new),
        }
        limiter
    }

    const fn holders(&self, per: LimitPer) -> &Arc<Holders> {
        match per {
            LimitPer::User => &self.users,
            LimitPer::Organization => &self.organizations,
            LimitPer::Credential => &self.credentials,
        }
    }

    /// Returns the use that a caller has made so far, to be kept beside the caller.
    pub(crate) fn allowances(&self, principal: &Principal) -> Allowances {
        let plan = self
            .by_plan
            .iter()
            .position(|(name, _)| *name == principal.plan.name);
        let user = self.users.allowance_if_counted(principal.user_id.uuid());
        let organization = principal.organization_id.uuid();
        let organization = self.organizations.allowance_if_counted(organization);
        let credential = principal.credential.uuid();
        let credential = self.credentials.allowance_if_counted(credential);
        Allowances {
            user: user.map_or_else(Default::default, Into::into),
            organization: organization.map_or_else(Default::default, Into::into),
            credential: credential.map_or_else(Default::default, Into::into),
            plan,
        }
    }

    /// Counts a request under the plan of its organisation.
    #[inline]
    pub(crate) fn count_by_plan(
        &self,
        caller: &Allowances,
        principal: &Principal,
    ) -> Result<(), Limited> {
        let Some((_, limiter)) = caller.plan.and_then(|plan| self.by_plan.get(plan)) else {
            return Ok(());
        };
        let Some(limiter) = limiter else {
            return Err(Limited {
                name: Cow::Borrowed(Plan::REQUESTS_PER_MINUTE),
                count: 0,
                window: MINUTE,
                retry_after: MINUTE,
            });
        };
        let organization = principal.organization_id.uuid();
        let allowance = || self.organizations.allowance(organization);
        limiter.count(caller.organization.get_or_init(allowance))
    }

    /// Forgets those who have their full allowance again.
    pub(crate) fn forget_idle(&self) {
        for holders in [&self.users, &self.organizations, &self.credentials] {
            holders.forget_idle();
        }
    }
}

#[cfg(test)]
mod tests;
