//! A remembered caller.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use vestibule_model::{Digest, Principal, Timestamp};

use crate::denials::Denials;
use crate::limits::Allowances;

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

/// The holder of a credential, as the directory answered.
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The caller's use of the limits.
    pub(crate) allowances: Allowances,
    /// The part of an access token that is not in its digest.
    pub(crate) rest: Option<Box<[u8]>>,
    /// The place where it is noted what the caller was refused.
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
    pub(super) caller: Caller,
    pub(super) key: CacheKey,
    from: Timestamp,
    until: Timestamp,
    /// The minute in which the credential was last counted as used.
    used_minute: AtomicI64,
    /// The number of its place in the index, where it is kept.
    pub(super) slot: u32,
}

impl Entry {
    pub(super) fn new(caller: Caller, key: CacheKey, time: Range<Timestamp>, slot: u32) -> Self {
        Self {
            caller,
            key,
            from: time.start,
            until: time.end,
            used_minute: AtomicI64::new(i64::MIN),
            slot,
        }
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.caller.principal
    }

    pub(crate) fn allowances(&self) -> &Allowances {
        &self.caller.allowances
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.caller.denials
    }

    /// Returns whether the entry may still be believed. A clock that was set back makes it worthless.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Returns whether this is the first use in its minute.
    pub(crate) fn first_use_this_minute(&self, now: Timestamp) -> bool {
        let minute = now.as_seconds().div_euclid(60);
        self.used_minute.load(Ordering::Relaxed) != minute
            && self.used_minute.swap(minute, Ordering::Relaxed) != minute
    }
}
