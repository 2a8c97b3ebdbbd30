//! The memory of a cached caller, in bytes.

use std::sync::Arc;

use vestibule_model::{HeldGrant, Plan, Principal};

use super::entry::Caller;

/// The bytes that the map, the index and the limits take for an entry beside the entry itself: a place in
/// each of six tables, which are half empty after they have grown. Measured by `bench memory`.
const PLACES: usize = 288;

/// The two counts before what an `Arc` points to.
const COUNTS: usize = 2 * size_of::<usize>();

/// The bytes that no other entry has a part in.
pub(super) fn of_its_own(caller: &Caller, entry: usize) -> usize {
    let principal = &caller.principal;
    PLACES
        + allocated(COUNTS + entry)
        + allocated(principal.home.as_str().len())
        + caller
            .rest
            .as_deref()
            .map_or(0, |rest| allocated(rest.len()))
        + principal.narrowed_to.as_deref().map_or(0, of_grants)
        + of_plan(principal)
        + caller.allowances.bytes()
}

/// The bytes of grants, which entries of one user may share.
pub(super) fn of_grants(grants: &[HeldGrant]) -> usize {
    let paths = grants
        .iter()
        .map(|grant| allocated(grant.path.as_str().len()));
    allocated(COUNTS + size_of_val(grants)) + paths.sum::<usize>()
}

/// A plan of the configuration is there anyway; one that stands in for another is the entry's own.
fn of_plan(principal: &Principal) -> usize {
    if Arc::strong_count(&principal.plan) > 1 {
        return 0;
    }
    allocated(COUNTS + size_of::<Plan>()) + allocated(principal.plan.name.as_str().len())
}

/// Returns the bytes that an allocator takes for this many.
fn allocated(bytes: usize) -> usize {
    bytes.next_multiple_of(16)
}
