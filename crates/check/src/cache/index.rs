//! What a change makes wrong, and what it made wrong while the store was asked.

use std::collections::{HashMap, HashSet, VecDeque};

use quick_cache::DefaultHashBuilder;
use uuid::Uuid;
use vestibule_model::{Change, Principal};

use super::CacheKey;

/// How many of the latest changes are remembered, to judge a reading that overlapped them.
pub(super) const REMEMBERED_CHANGES: usize = 256;

/// Which entries a user, a key or a session has, and the latest changes.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A user may present thousands of tokens, so that none of them may be looked for in turn.
    entries: HashMap<Uuid, HashSet<CacheKey, DefaultHashBuilder>>,
    changes: VecDeque<Change>,
    /// How many changes were ever applied.
    applied: u64,
}

impl Index {
    /// The moment before a look-up in the store.
    pub(super) fn now(&self) -> Reading {
        Reading(self.applied)
    }

    /// Remembers a change; how many there were ever.
    pub(super) fn note(&mut self, change: Change) -> u64 {
        if self.changes.len() == REMEMBERED_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.applied += 1;
        self.applied
    }

    /// The entries of a user, a key or a session.
    pub(super) fn of(&self, subject: Uuid) -> Vec<CacheKey> {
        let keys = self.entries.get(&subject);
        keys.into_iter().flatten().copied().collect()
    }

    /// How many users, keys and sessions have entries.
    #[cfg(test)]
    pub(super) fn subjects(&self) -> usize {
        self.entries.len()
    }

    /// How many entries are found by their subjects.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.values().map(HashSet::len).sum()
    }

    pub(super) fn add(&mut self, key: CacheKey, principal: &Principal) {
        for subject in subjects(principal) {
            self.entries.entry(subject).or_default().insert(key);
        }
    }

    pub(super) fn forget(&mut self, key: &CacheKey, principal: &Principal) {
        for subject in subjects(principal) {
            if let Some(keys) = self.entries.get_mut(&subject) {
                keys.remove(key);
                if keys.is_empty() {
                    self.entries.remove(&subject);
                }
            }
        }
    }

    /// Whether a principal read since `reading` began may have been changed meanwhile.
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
}

/// A principal is found again by its user and by its key or session. Changes of organisations are
/// rare and search the whole map instead.
fn subjects(principal: &Principal) -> [Uuid; 2] {
    [principal.user_id.uuid(), principal.credential.uuid()]
}

/// The moment at which a look-up in the store began, counted in changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading(u64);
