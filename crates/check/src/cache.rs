//! The bounded map from credential to principal: the hot path reads only here.
//!
//! What makes it safe to read nothing else:
//! - an entry never outlives its credential, nor a fixed age that use does not extend;
//! - [`Cache::apply`] removes every entry that a change makes wrong, before the change is answered;
//! - a principal that was read before a change and arrives after it is not kept
//!   ([`Cache::insert`] takes the [`Reading`] that was begun before the store was asked);
//! - what is kept is used only while a [`Lease`] holds, which whoever hears other servers' changes
//!   renews. The use compares it, because a process that was stopped cannot be told to forget.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};
use vestibule_model::{BootTime, Change, Digest, Lease, Moment, Principal, Timestamp};

use self::index::Index;
pub(crate) use self::index::Reading;
use crate::denials::Denials;
use crate::limits::Allowances;

mod index;
#[cfg(test)]
mod tests;

/// A credential, as the cache knows it: the digest of its secret, never the secret. Keys, cookies
/// and what tokens end with are different texts, so that none has the digest of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheKey(pub(crate) Digest);

/// SHA-256 has mixed the bits already: eight of its bytes are enough for the (seeded) hash.
impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (eight, _) = self.0.as_bytes().split_at(8);
        state.write_u64(eight.try_into().map_or(0, u64::from_ne_bytes));
    }
}

/// Who presents a credential, as the directory answered.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// What the caller has used of the limits.
    pub(crate) allowances: Allowances,
    /// What of an access token is not in its digest.
    pub(crate) rest: Option<Box<[u8]>>,
    /// Where it is noted what the caller was refused.
    pub(crate) denials: Arc<Denials>,
}

/// Prints nothing of the token.
impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

/// A caller and how long the caller may be believed.
#[derive(Debug)]
pub(crate) struct Entry {
    caller: Caller,
    from: Timestamp,
    until: Timestamp,
    /// The minute in which the credential was last counted as used.
    used_minute: AtomicI64,
}

impl Entry {
    pub(crate) fn principal(&self) -> &Principal {
        &self.caller.principal
    }

    pub(crate) fn allowances(&self) -> &Allowances {
        &self.caller.allowances
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.caller.denials
    }

    /// Whether the entry may still be believed. A clock that was set back makes it worthless.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether this is the first use in its minute.
    pub(crate) fn first_use_this_minute(&self, now: Timestamp) -> bool {
        let minute = now.as_seconds().div_euclid(60);
        self.used_minute.load(Ordering::Relaxed) != minute
            && self.used_minute.swap(minute, Ordering::Relaxed) != minute
    }
}

/// How the cache is bounded.
#[derive(Debug, Clone, Copy)]
pub struct CacheBounds {
    /// How many credentials are kept at most.
    pub entries: usize,
    /// How long one is kept at most, however often it is used.
    pub max_age: Duration,
}

impl Default for CacheBounds {
    /// 100,000 credentials for five minutes.
    fn default() -> Self {
        Self {
            entries: 100_000,
            max_age: Duration::from_secs(300),
        }
    }
}

/// Hands evicted entries back to the inserting thread, which forgets them in the index.
#[derive(Debug, Clone)]
struct Evictions;

impl Lifecycle<CacheKey, Arc<Entry>> for Evictions {
    type RequestState = Vec<(CacheKey, Arc<Entry>)>;

    fn on_evict(&self, state: &mut Self::RequestState, key: CacheKey, entry: Arc<Entry>) {
        state.push((key, entry));
    }
}

type Map =
    quick_cache::sync::Cache<CacheKey, Arc<Entry>, UnitWeighter, DefaultHashBuilder, Evictions>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    map: Map,
    index: Mutex<Index>,
    /// Without an end until somebody hears changes of other servers.
    lease: Lease,
    /// The same as in the index, to be read without its lock.
    applied: AtomicU64,
    max_age: Duration,
}

impl Cache {
    pub(crate) fn new(bounds: CacheBounds) -> Self {
        Self {
            map: Map::with(
                bounds.entries,
                bounds.entries as u64,
                UnitWeighter,
                DefaultHashBuilder::default(),
                Evictions,
            ),
            index: Mutex::default(),
            lease: Lease::unlimited(),
            applied: AtomicU64::new(0),
            max_age: bounds.max_age,
        }
    }

    /// The entry of a credential, as long as it may be believed. Whoever presents an access token
    /// presents the `rest` too that is not in its digest.
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
        caller: Caller,
        at: Moment,
    ) -> Arc<Entry> {
        let Moment { now, boot } = at;
        let oldest = now.after(self.max_age);
        let end = caller.principal.expires_at;
        let entry = Arc::new(Entry {
            from: now,
            until: end.map_or(oldest, |end| end.min(oldest)),
            caller,
            used_minute: AtomicI64::new(i64::MIN),
        });
        let mut index = self.index();
        if self.lease.holds(boot) && !index.changed_since(reading, entry.principal()) {
            if let Some(old) = self.map.peek(&key) {
                index.forget(&key, old.principal());
            }
            let mut evicted = Vec::new();
            self.map
                .insert_with_lifecycle(key, Arc::clone(&entry), &mut evicted);
            for (key, old) in evicted {
                index.forget(&key, old.principal());
            }
            // Only now: what the insertion evicted may have been this very key.
            if self.map.peek(&key).is_some() {
                index.add(key, entry.principal());
            }
        }
        entry
    }

    /// How many changes were ever applied.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::SeqCst)
    }

    /// Removes every entry that `change` makes wrong. When this returns, no request that starts
    /// later can see one of them.
    pub(crate) fn apply(&self, change: Change) {
        let mut index = self.index();
        self.applied.store(index.note(change), Ordering::SeqCst);
        let subject = match change {
            Change::ApiKey(id) => Some(id.uuid()),
            Change::Session(id) => Some(id.uuid()),
            Change::User(id) => Some(id.uuid()),
            Change::Organization(_) | Change::Everything => None,
            Change::Keyring => return,
        };
        let touched: Vec<_> = match subject {
            Some(subject) => index.of(subject),
            None => self
                .map
                .iter()
                .filter(|(_, entry)| change.touches(entry.principal()))
                .map(|(key, _)| key)
                .collect(),
        };
        for key in touched {
            if let Some((key, entry)) = self.map.remove(&key) {
                index.forget(&key, entry.principal());
            }
        }
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

    /// How many credentials are kept now.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
