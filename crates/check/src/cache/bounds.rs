//! The bounds of the cache, and the map that holds to them.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use super::entry::{CacheKey, Entry};

/// The bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheBounds {
    /// The most bytes of memory that remembered credentials take, with all that is remembered
    /// of their callers. At least [`CacheBounds::LEAST_BYTES`].
    pub bytes: usize,
    /// The most credentials that are kept, where they take less.
    pub entries: usize,
    /// The longest time for which one is kept, however often it is used.
    pub max_age: Duration,
}

impl CacheBounds {
    /// The least room for what is remembered, in bytes: the heaviest caller that the limits on
    /// grants and groups allow still has a place.
    pub const LEAST_BYTES: usize = 4 * 1_024 * 1_024;

    /// Returns the weight of an entry that takes so many bytes: at least its part of a map that is full.
    pub(super) fn weight(&self, bytes: usize) -> u32 {
        // Where one entry is all, it weighs a little less, or the map would find it too heavy.
        let part = (self.bytes / self.entries.max(1)).min(self.bytes / 10 * 9);
        u32::try_from(bytes.max(part)).unwrap_or(u32::MAX)
    }

    pub(super) fn map(&self) -> Map {
        // Each shard has a bound of its own, which the heaviest caller has to be within.
        let cores = available_parallelism().map_or(1, usize::from);
        let shards = (cores * 4).min(self.bytes / Self::LEAST_BYTES).max(1);
        let options = OptionsBuilder::new()
            .shards(1 << shards.ilog2())
            .estimated_items_capacity(self.entries.min(self.bytes / LIGHT))
            .weight_capacity(self.bytes as u64)
            .build();
        let hasher = DefaultHashBuilder::default;
        match options {
            Ok(options) => Map::with_options(options, Weight, hasher(), Evictions),
            // Only a capacity that is left out is an error.
            Err(_) => Map::with(self.entries, self.bytes as u64, Weight, hasher(), Evictions),
        }
    }
}

/// A caller with few grants, in bytes: for an estimate of how many there may be.
const LIGHT: usize = 640;

impl Default for CacheBounds {
    /// 64 MiB, or 100,000 credentials, for five minutes.
    fn default() -> Self {
        Self {
            bytes: 64 * 1_024 * 1_024,
            entries: 100_000,
            max_age: Duration::from_mins(5),
        }
    }
}

/// The map's record of a credential.
#[derive(Debug, Clone)]
pub(super) struct Cached {
    pub(super) entry: Arc<Entry>,
    /// In bytes. It stays with the value, because the map subtracts what it once added.
    pub(super) weight: u32,
    /// True if the weight has the grants in it.
    pub(super) pays: bool,
}

impl PartialEq for Cached {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entry, &other.entry) && self.weight == other.weight
    }
}

#[derive(Debug, Clone)]
pub(super) struct Weight;

impl Weighter<CacheKey, Cached> for Weight {
    fn weight(&self, _: &CacheKey, cached: &Cached) -> u64 {
        cached.weight.into()
    }
}

/// Hands evicted entries back to the inserting thread, which forgets them in the index.
#[derive(Debug, Clone)]
pub(super) struct Evictions;

impl Lifecycle<CacheKey, Cached> for Evictions {
    type RequestState = Vec<Cached>;

    fn on_evict(&self, state: &mut Self::RequestState, _: CacheKey, cached: Cached) {
        state.push(cached);
    }
}

pub(super) type Map =
    quick_cache::sync::Cache<CacheKey, Cached, Weight, DefaultHashBuilder, Evictions>;
