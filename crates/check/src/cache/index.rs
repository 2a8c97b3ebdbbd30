//! The entries that a change makes wrong, and those it made wrong while the store was asked.

use std::collections::VecDeque;
use std::sync::Arc;

use vestibule_model::{Change, Principal, Timestamp};

use super::bounds::Cached;
use super::entry::Entry;
use super::slots::{Chain, Slots};
use super::weight;

/// The number of latest changes that are remembered, to judge a reading that overlapped them.
pub(super) const REMEMBERED_CHANGES: usize = 256;

/// The number of a user's latest entries that are asked for grants to share: a user may have thousands,
/// and nearly always the latest has the same.
const ASKED_TO_SHARE: usize = 16;

/// The number of slots that each insertion sweeps: with more than one, a sweep gets round even while all
/// insertions take new slots.
const SWEPT_BY_INSERTION: usize = 2;

/// All entries by their subjects, and the latest changes.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Slots,
    /// The slot at which the sweep by insertions goes on.
    swept: usize,
    changes: VecDeque<Change>,
    /// The number of changes ever applied.
    applied: u64,
}

impl Index {
    /// The moment before a look-up in the store.
    pub(super) fn now(&self) -> Reading {
        Reading(self.applied)
    }

    /// Remembers a change.
    pub(super) fn note(&mut self, change: Change) {
        if self.changes.len() == REMEMBERED_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.applied += 1;
    }

    /// The entries that a change makes wrong. No others are looked at.
    pub(super) fn touched(&self, change: Change) -> Vec<Arc<Entry>> {
        let (chain, subject) = match change {
            Change::ApiKey(id) => (Chain::Credential, id.uuid()),
            Change::Session(id) => (Chain::Credential, id.uuid()),
            Change::User(id) => (Chain::User, id.uuid()),
            Change::Organization(id) => (Chain::Organization, id.uuid()),
            Change::Keyring | Change::Everything => return Vec::new(),
        };
        let kept = self.slots.of(chain, subject);
        kept.map(|cached| Arc::clone(&cached.entry)).collect()
    }

    /// Forgets all entries, and no change.
    pub(super) fn clear(&mut self) {
        self.slots = Slots::default();
        self.swept = 0;
    }

    /// The number of the slot that the next entry gets.
    pub(super) fn next_slot(&self) -> u32 {
        self.slots.next()
    }

    /// Makes a principal share its grants with another entry of its user. Returns false if there is
    /// none with the same grants.
    pub(super) fn share_grants(&self, principal: &mut Principal) -> bool {
        let kept = self.slots.of(Chain::User, principal.user_id.uuid());
        let same = kept
            .take(ASKED_TO_SHARE)
            .map(|cached| &cached.entry.principal().grants)
            .find(|grants| **grants == principal.grants);
        if let Some(grants) = same {
            principal.grants = Arc::clone(grants);
        }
        same.is_some()
    }

    pub(super) fn add(&mut self, cached: Cached) {
        self.slots.add(cached);
    }

    /// Forgets what left the map. Where it bore the weight of grants that others still share, one
    /// of them has to bear it from now on: this is what the map is to hold of it.
    pub(super) fn forget(&mut self, left: &Cached) -> Option<Cached> {
        if !self.slots.remove(left) || !left.pays {
            return None;
        }
        let principal = left.entry.principal();
        let shares =
            |cached: &&Cached| Arc::ptr_eq(&cached.entry.principal().grants, &principal.grants);
        let user = principal.user_id.uuid();
        let heir = self.slots.of(Chain::User, user).find(shares)?.clone();
        let shared = u32::try_from(weight::of_grants(&principal.grants)).unwrap_or(u32::MAX);
        self.slots
            .reweigh(&heir.entry, heir.weight.saturating_add(shared))
    }

    /// Entries in the next few slots that are worth nothing any more.
    pub(super) fn sweep_on(&mut self, now: Timestamp) -> Vec<Arc<Entry>> {
        let from = self.swept;
        self.swept += SWEPT_BY_INSERTION;
        if self.swept >= self.slots.len() {
            self.swept = 0;
        }
        self.stale(from, SWEPT_BY_INSERTION, now)
    }

    /// Entries in `count` slots that are worth nothing any more.
    pub(super) fn stale(&self, from: usize, count: usize, now: Timestamp) -> Vec<Arc<Entry>> {
        (from..from.saturating_add(count))
            .filter_map(|number| self.slots.at(number))
            .filter(|entry| !entry.is_fresh(now))
            .cloned()
            .collect()
    }

    /// Returns how many slots there are for a sweep.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Returns true if a principal read since `reading` began may have changed meanwhile.
    pub(super) fn changed_since(&self, reading: Reading, principal: &Principal) -> bool {
        let missed = self.applied - reading.0;
        let Ok(missed) = usize::try_from(missed) else {
            return true;
        };
        if missed > self.changes.len() {
            return true;
        }
        self.changes
            .iter()
            .rev()
            .take(missed)
            .any(|change| change.touches(principal))
    }

    /// Returns how many entries are found in each of the three ways.
    #[cfg(test)]
    pub(super) fn found(&self) -> [usize; 3] {
        [Chain::User, Chain::Credential, Chain::Organization].map(|chain| self.slots.found(chain))
    }

    /// Returns how many users and credentials have entries.
    #[cfg(test)]
    pub(super) fn subjects(&self) -> usize {
        self.slots.subjects(Chain::User) + self.slots.subjects(Chain::Credential)
    }
}

/// The moment at which a look-up in the store began, counted in changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading(u64);
