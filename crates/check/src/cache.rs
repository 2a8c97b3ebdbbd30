//! The bounded map from credential to principal: the hot path reads only here.
//!
//! It is safe to read nothing else, because:
//! - an entry never outlives its credential, nor a fixed age that use does not extend;
//! - [`Cache::apply`] removes every entry that a change makes wrong, before the change is answered;
//! - a principal that was read before a change and arrives after it is not kept
//!   ([`Cache::insert`] takes the [`Reading`] that was begun before the store was asked);
//! - what is kept is used only while a [`Lease`] holds, which is renewed by hearing other
//!   servers' changes. Each use compares it, because a process that was stopped cannot be told to forget.
//!
//! It is bounded by memory: each entry weighs the bytes that it takes. Grants that entries of one
//! user share weigh once, with the entry that *pays* for them; when it goes, another one of them
//! pays. What has expired goes with the insertions that follow, or with [`Cache::sweep`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vestibule_model::{BootTime, Change, Lease, Moment, Timestamp};

pub use self::bounds::CacheBounds;
use self::bounds::{Cached, Map};
pub(crate) use self::entry::{CacheKey, Caller, Entry};
use self::index::Index;
pub(crate) use self::index::Reading;

mod bounds;
mod entry;
mod index;
mod slots;
#[cfg(test)]
mod tests;
mod weight;

/// The cache. See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    map: Map,
    index: Mutex<Index>,
    /// Without an end until somebody hears changes of other servers.
    lease: Lease,
    /// The number of changes that were applied to their end, to be read without a lock.
    applied: AtomicU64,
    bounds: CacheBounds,
}

/// For how many entries the index is locked at once, where many are looked at.
const BATCH: usize = 1_024;

impl Cache {
    pub(crate) fn new(bounds: CacheBounds) -> Self {
        Self {
            map: bounds.map(),
            index: Mutex::default(),
            lease: Lease::unlimited(),
            applied: AtomicU64::new(0),
            bounds,
        }
    }

    /// Returns the entry of a credential, as long as it may be believed. For an access token, `rest` is
    /// the part that is not in its digest, and has to be the same.
    pub(crate) fn get(
        &self,
        key: &CacheKey,
        rest: Option<&[u8]>,
        at: Moment,
    ) -> Option<Arc<Entry>> {
        if !self.lease.holds(at.boot) {
            return None;
        }
        self.map
            .get(key)
            .map(|cached| cached.entry)
            .filter(|entry| entry.is_fresh(at.now))
            .filter(|entry| entry.caller.rest.as_deref() == rest)
    }

    /// To be called before the store is asked.
    pub(crate) fn begin_reading(&self) -> Reading {
        self.index().now()
    }

    /// Keeps what the store answered, unless it may be stale already; gives the entry either way,
    /// good for the request that asked. `at` is when the answer came, not when it was asked for:
    /// the process may have been stopped in between.
    pub(crate) fn insert(
        &self,
        reading: Reading,
        key: CacheKey,
        mut caller: Caller,
        at: Moment,
    ) -> Arc<Entry> {
        let Moment { now, boot } = at;
        let oldest = now.after(self.bounds.max_age);
        let end = caller.principal.expires_at;
        let own = weight::of_its_own(&caller, size_of::<Entry>());
        let shared = weight::of_grants(&caller.principal.grants);
        let until = end.map_or(oldest, |end| end.min(oldest));
        let entry = |caller, slot| Arc::new(Entry::new(caller, key, now..until, slot));
        let mut index = self.index();
        let stale = end.is_some_and(|end| end <= now) || !self.lease.holds(boot);
        if stale || index.changed_since(reading, &caller.principal) {
            return entry(caller, u32::MAX);
        }
        for stale in index.sweep_on(now) {
            self.remove(&mut index, &stale);
        }
        let pays = !index.share_grants(&mut caller.principal);
        let entry = entry(caller, index.next_slot());
        let weight = if pays { own + shared } else { own };
        let cached = Cached {
            entry: Arc::clone(&entry),
            weight: self.bounds.weight(weight),
            pays,
        };
        index.add(cached.clone());
        self.hold(&mut index, cached);
        entry
    }

    /// Lets the map hold an entry that is in the index, and forgets in the index what leaves the
    /// map for it: the former entry of the key, others, or this very one.
    fn hold(&self, index: &mut Index, cached: Cached) {
        let mut left = Vec::new();
        self.map
            .insert_with_lifecycle(cached.entry.key, cached, &mut left);
        while let Some(one) = left.pop() {
            if let Some(heir) = index.forget(&one) {
                self.map
                    .insert_with_lifecycle(heir.entry.key, heir, &mut left);
            }
        }
    }

    /// Removes an entry, unless its key has another one by now.
    fn remove(&self, index: &mut Index, entry: &Arc<Entry>) {
        let is_it = |cached: &Cached| Arc::ptr_eq(&cached.entry, entry);
        if let Some((_, cached)) = self.map.remove_if(&entry.key, is_it)
            && let Some(heir) = index.forget(&cached)
        {
            self.hold(index, heir);
        }
    }

    /// Removes what is worth nothing any more, which the bound would keep until there is no room.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let mut from = 0;
        loop {
            let mut index = self.index();
            if from >= index.slots() {
                return;
            }
            for stale in index.stale(from, BATCH, now) {
                self.remove(&mut index, &stale);
            }
            from += BATCH;
        }
    }

    /// Returns the number of changes that were applied to their end.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::SeqCst)
    }

    /// Removes every entry that `change` makes wrong. When this returns, no request that starts
    /// later can see one of them. Returns how many entries were looked at, under a lock that
    /// others get in between.
    pub(crate) fn apply(&self, change: Change) -> usize {
        let mut index = self.index();
        index.note(change);
        if change == Change::Everything {
            index.clear();
            self.map.clear();
            drop(index);
            self.applied.fetch_add(1, Ordering::SeqCst);
            return 0;
        }
        let touched = index.touched(change);
        drop(index);
        for batch in touched.chunks(BATCH) {
            let mut index = self.index();
            for entry in batch {
                self.remove(&mut index, entry);
            }
        }
        // Last: a request that reads the count before it looks an entry up, and finds the same count
        // later, has not used one that a change in between has removed. Counted before the removals,
        // it would be the same for a request that used such an entry during them.
        self.applied.fetch_add(1, Ordering::SeqCst);
        touched.len()
    }

    /// Empties the cache and keeps nothing until [`Cache::resume`]: changes of others cannot be
    /// heard.
    pub(crate) fn suspend(&self) {
        self.lease.end();
        self.apply(Change::Everything);
    }

    /// Keeps entries again, until this time. What was read before this is not kept.
    pub(crate) fn resume(&self, until: BootTime) {
        self.apply(Change::Everything);
        self.lease.renew(until);
    }

    /// Lets entries be used until this time.
    pub(crate) fn renew(&self, until: BootTime) {
        self.lease.renew(until);
    }

    /// Returns whether the changes of others are heard at this time.
    pub(crate) fn hears(&self, at: BootTime) -> bool {
        self.lease.holds(at)
    }

    /// Returns the number of credentials that are kept now.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns the bytes that the entries take, by their weights.
    pub(crate) fn bytes(&self) -> u64 {
        self.map.weight()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
