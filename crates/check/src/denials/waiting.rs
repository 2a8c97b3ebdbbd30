//! The denials between two batches, in a bounded list that organisations and users share.
//!
//! One caller may fill the list as long as nobody else needs it. Once it is full, a call of an
//! organisation or user with fewer entries replaces one of those with the most, so that nobody's
//! flood suppresses the denials of others. A call without an entry is counted for its organisation.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use vestibule_model::{OrganizationId, Timestamp, UserId};

use crate::known_caller::KnownCaller;

/// Different denials kept between two batches.
const MAX_DIFFERENT: usize = 4_096;

/// Organisations told apart between two batches.
const MAX_ORGANIZATIONS: usize = 4_096;

/// The denials that are counted together within one batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeniedCall {
    /// The caller.
    pub caller: KnownCaller,
    /// The method, or `OTHER` for one that no route has.
    pub method: &'static str,
    /// The route's template; empty where there is no such route.
    pub route: Arc<str>,
    /// The stable, `snake_case` cause.
    pub reason: Cow<'static, str>,
}

/// The number of equal denials within one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeniedTimes {
    /// The number of them, at least 1.
    pub count: u64,
    /// The time of the first.
    pub first: Timestamp,
    /// The time of the last.
    pub last: Timestamp,
    /// The address that the first came from.
    pub address: Option<IpAddr>,
}

type Calls = HashMap<DeniedCall, DeniedTimes>;

/// The denials since the last batch.
#[derive(Debug, Default)]
pub struct DenialBatch {
    /// The denials.
    pub calls: Vec<(DeniedCall, DeniedTimes)>,
    /// The number of denials in an organisation beyond those that could be told apart; without an
    /// organisation, the number in organisations that could not be told apart either.
    pub overflow: Vec<(Option<OrganizationId>, u64)>,
}

/// The bounded list. See the module.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    shares: HashMap<OrganizationId, Share>,
    kept: usize,
    /// In organisations that have no share.
    overflow: u64,
}

/// An organisation's part of the list.
#[derive(Debug, Default)]
struct Share {
    by_user: HashMap<UserId, Calls>,
    kept: usize,
    overflow: u64,
}

impl Share {
    /// The user with the most calls, and how many.
    fn fullest(&self) -> Option<(UserId, usize)> {
        let counts = self
            .by_user
            .iter()
            .map(|(user, calls)| (*user, calls.len()));
        counts.max_by_key(|(_, count)| *count)
    }

    /// Counts one of a user's calls without telling which.
    fn give_way(&mut self, user: UserId) {
        let Some(calls) = self.by_user.get_mut(&user) else {
            return;
        };
        let one = calls.keys().next().cloned();
        if let Some(times) = one.and_then(|call| calls.remove(&call)) {
            self.kept -= 1;
            self.overflow = self.overflow.saturating_add(times.count);
        }
        if calls.is_empty() {
            self.by_user.remove(&user);
        }
    }
}

impl Waiting {
    pub(super) fn note(&mut self, call: DeniedCall, at: Timestamp, address: Option<IpAddr>) {
        let (organization, user) = (call.caller.organization_id, call.caller.user_id);
        if !self.shares.contains_key(&organization) && self.shares.len() >= MAX_ORGANIZATIONS {
            self.overflow += 1;
            return;
        }
        let share = self.shares.entry(organization).or_default();
        let calls = share.by_user.get_mut(&user);
        if let Some(times) = calls.and_then(|calls| calls.get_mut(&call)) {
            times.count += 1;
            times.last = at;
            return;
        }
        if self.kept >= MAX_DIFFERENT && !self.make_room(organization, user) {
            let share = self.shares.entry(organization).or_default();
            share.overflow += 1;
            return;
        }
        let times = DeniedTimes {
            count: 1,
            first: at,
            last: at,
            address,
        };
        let share = self.shares.entry(organization).or_default();
        share.by_user.entry(user).or_default().insert(call, times);
        share.kept += 1;
        self.kept += 1;
    }

    /// Frees an entry for a call of a user if others have more of them. Returns true if it did.
    fn make_room(&mut self, organization: OrganizationId, user: UserId) -> bool {
        let fair = MAX_DIFFERENT / self.shares.len().max(1);
        let own = self.shares.get(&organization);
        let (kept, of_user) = own.map_or((0, 0), |own| {
            (own.kept, own.by_user.get(&user).map_or(0, HashMap::len))
        });
        let fullest = if kept < fair {
            self.shares.values_mut().max_by_key(|share| share.kept)
        } else {
            // Within the organisation, a user who has less than another.
            let own = self.shares.get_mut(&organization);
            own.filter(|own| own.fullest().is_some_and(|(_, most)| most > of_user + 1))
        };
        let Some(share) = fullest else {
            return false;
        };
        let Some((user, _)) = share.fullest() else {
            return false;
        };
        share.give_way(user);
        self.kept -= 1;
        true
    }
}

impl From<Waiting> for DenialBatch {
    fn from(waiting: Waiting) -> Self {
        let mut batch = Self::default();
        if waiting.overflow > 0 {
            batch.overflow.push((None, waiting.overflow));
        }
        for (organization, share) in waiting.shares {
            if share.overflow > 0 {
                batch.overflow.push((Some(organization), share.overflow));
            }
            batch.calls.extend(share.by_user.into_values().flatten());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use vestibule_model::{ApiKeyId, CredentialRef};

    use super::*;

    fn call(organization: u128, user: u128, key: u128) -> DeniedCall {
        DeniedCall {
            caller: KnownCaller {
                user_id: UserId::from_uuid(Uuid::from_u128(user)),
                organization_id: id(organization),
                credential: CredentialRef::ApiKey(ApiKeyId::from_uuid(Uuid::from_u128(key))),
            },
            method: "GET",
            route: "/v1/things".into(),
            reason: "role_required".into(),
        }
    }

    fn id(organization: u128) -> OrganizationId {
        OrganizationId::from_uuid(Uuid::from_u128(organization))
    }

    fn note(waiting: &mut Waiting, call: DeniedCall) {
        waiting.note(call, Timestamp::from_seconds(0), None);
    }

    /// Returns how many are told and how many counted of an organisation.
    fn told(batch: &DenialBatch, organization: u128) -> (u64, u64) {
        let mine = batch
            .calls
            .iter()
            .filter(|(call, _)| call.caller.organization_id == id(organization));
        let overflow = batch.overflow.iter();
        let counted = overflow.filter(|(of, _)| *of == Some(id(organization)));
        (
            mine.map(|(_, times)| times.count).sum(),
            counted.map(|(_, count)| count).sum(),
        )
    }

    #[test]
    fn a_flood_in_one_organization_suppresses_no_denial_in_another() {
        let mut waiting = Waiting::default();
        for key in 0..10_000 {
            note(&mut waiting, call(1, 1, key));
        }
        for _ in 0..28 {
            note(&mut waiting, call(2, 2, 1));
        }
        for key in 10_000..20_000 {
            note(&mut waiting, call(1, 1, key));
        }
        for key in 0..100 {
            note(&mut waiting, call(2, 3, key));
        }
        let batch = DenialBatch::from(waiting);
        assert!(batch.calls.len() <= MAX_DIFFERENT);
        assert_eq!(told(&batch, 2), (128, 0));
        let (one, counted) = told(&batch, 1);
        assert_eq!(one + counted, 20_000, "what is not told is counted");
        assert_eq!(
            one,
            MAX_DIFFERENT as u64 - 101,
            "who floods has what nobody needs"
        );
    }

    #[test]
    fn a_flood_of_one_user_suppresses_no_denial_of_another() {
        let mut waiting = Waiting::default();
        for key in 0..10_000 {
            note(&mut waiting, call(1, 1, key));
        }
        for key in 0..100 {
            note(&mut waiting, call(1, 2, 20_000 + key));
        }
        let batch = DenialBatch::from(waiting);
        let second = UserId::from_uuid(Uuid::from_u128(2));
        let of_second = batch.calls.iter();
        let of_second = of_second.filter(|(call, _)| call.caller.user_id == second);
        assert_eq!(of_second.count(), 100);
        assert_eq!(told(&batch, 1), (4_096, 6_004));
    }

    #[test]
    fn many_organizations_at_once_stay_within_the_room() {
        let mut waiting = Waiting::default();
        for organization in 0..5_000 {
            for key in 0..if organization < 1_400 { 3 } else { 1 } {
                note(&mut waiting, call(organization, 1, key));
            }
        }
        assert!(waiting.shares.len() <= MAX_ORGANIZATIONS);
        let batch = DenialBatch::from(waiting);
        assert!(batch.calls.len() <= MAX_DIFFERENT);
        assert!((0..4_096).all(|organization| told(&batch, organization).0 > 0));
        let told: u64 = batch.calls.iter().map(|(_, times)| times.count).sum();
        let counted: u64 = batch.overflow.iter().map(|(_, count)| count).sum();
        assert_eq!(told + counted, 7_800);
    }
}
