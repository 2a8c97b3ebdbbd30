//! The file descriptors that connections need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for everything but connections of callers: the store, the log, probes.
const KEPT: u64 = 128;

/// Raises the soft limit on open files to the hard one, and returns how many of the `wanted`
/// connections it has room for.
///
/// A server that accepted more than it has descriptors for would stop accepting while idle
/// connections hold them: the bound from which on idle ones make room has to lie below the limit.
pub(crate) fn room_for(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    let Some(limit) = limit else { return wanted };
    let room = usize::try_from(limit.saturating_sub(KEPT)).unwrap_or(wanted);
    if room < wanted {
        tracing::warn!(
            limit,
            room,
            "server.max_connections is {wanted}, for which the limit on open files is too low"
        );
    }
    room.clamp(1, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one_and_no_more_is_promised_than_it_has_room_for() {
        assert_eq!(room_for(1), 1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        if let Some(limit) = limit.maximum {
            let room = room_for(usize::MAX);
            assert_eq!(room as u64, limit - KEPT);
        }
    }
}
