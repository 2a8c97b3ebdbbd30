//! The counts of a process, for its metrics.

/// The numbers of requests that were judged since the start, and the memory in use now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Those that passed; of some of them the handler refused what they asked for.
    pub permitted: u64,
    /// Those of known callers that were refused, by the check or by the handler.
    pub denied: u64,
    /// Those of callers whom nobody knows, which did not pass.
    pub turned_away: u64,
    /// The number of credentials that are remembered now.
    pub remembered: usize,
    /// The bytes of memory that they take, as they are weighed.
    pub remembered_bytes: u64,
    /// The bytes of memory that bodies on their way take now.
    pub body_bytes: usize,
}
