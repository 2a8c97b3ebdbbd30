//! The number of times that a test repeats what it tries.

/// Set by `cargo xtask all`: every test that repeats something then does so in full.
const FULL: &str = "VESTIBULE_TEST_FULL";

/// Returns how often to repeat a trial: `few` times in a run that decides about a change, `full`
/// times under `cargo xtask all`, which gives the figures that the documents state.
pub fn rounds(few: usize, full: usize) -> usize {
    if std::env::var_os(FULL).is_some() {
        full
    } else {
        few
    }
}
