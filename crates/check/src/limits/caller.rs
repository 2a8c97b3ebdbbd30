//! Limits of known callers.

use std::sync::{Arc, OnceLock};

use uuid::Uuid;
use vestibule_model::Principal;
use vestibule_policy::rule::{LimitPer, LimitSpec};

use super::allowance::{Allowance, Slot};
use super::holders::Holders;
use super::pace::{Counts, Limited, Pace};
use super::ticks::Ticks;

/// The use that one caller has made of limits, as a user, an organisation and a credential. It lies
/// beside the cached caller, so that counting costs no lookup.
#[derive(Debug)]
pub(crate) struct Allowances {
    /// Empty as long as no limit counts users; so for the others.
    pub(super) user: OnceLock<Allowance>,
    pub(super) organization: OnceLock<Allowance>,
    pub(super) credential: OnceLock<Allowance>,
    /// The number of the plan that limits the organisation.
    pub(super) plan: Option<usize>,
}

impl Allowances {
    /// Returns the memory that they take, in bytes, though others of the user and of the organisation
    /// share theirs. A limit that is declared later adds up to 300 bytes that are not in it, until
    /// the caller is cached anew.
    pub(crate) fn bytes(&self) -> usize {
        let all = [&self.user, &self.organization, &self.credential];
        let counted = all.into_iter().filter_map(OnceLock::get);
        counted.map(Allowance::bytes).sum()
    }
}

/// One limit of known callers.
#[derive(Debug)]
pub(super) struct CallerLimiter {
    pace: Pace,
    counts: Counts<Allowance, Slot>,
}

impl CallerLimiter {
    pub(super) fn new(pace: Pace, slot: Slot) -> Self {
        let counts = Counts::new(pace.quota(), slot, Ticks);
        Self { pace, counts }
    }

    pub(super) fn count(&self, allowance: &Allowance) -> Result<(), Limited> {
        self.counts
            .check_key(allowance)
            .map_err(|until| self.pace.limited(&until))
    }
}

/// A limit of a rule, shared by all rules and entry points that declare it with the same words.
#[derive(Debug)]
pub(crate) struct RuleLimiter {
    per: LimitPer,
    limiter: CallerLimiter,
    holders: Arc<Holders>,
}

impl RuleLimiter {
    pub(super) fn new(spec: &LimitSpec, slot: Slot, holders: Arc<Holders>) -> Self {
        let pace = Pace {
            name: spec.name.clone(),
            count: spec.count,
            window: spec.window,
        };
        Self {
            per: spec.per,
            limiter: CallerLimiter::new(pace, slot),
            holders,
        }
    }

    /// Counts one request of a caller, unless it is one too many.
    pub(crate) fn count(&self, caller: &Allowances, principal: &Principal) -> Result<(), Limited> {
        let (allowance, id): (_, fn(&Principal) -> Uuid) = match self.per {
            LimitPer::User => (&caller.user, |caller| caller.user_id.uuid()),
            LimitPer::Organization => {
                (&caller.organization, |caller| caller.organization_id.uuid())
            }
            LimitPer::Credential => (&caller.credential, |caller| caller.credential.uuid()),
        };
        // Empty only of a caller who was cached before the first limit of this kind was declared.
        let allowance = allowance.get_or_init(|| self.holders.allowance(id(principal)));
        self.limiter.count(allowance)
    }
}
