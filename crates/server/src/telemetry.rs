//! What the server says of itself: the log on stderr, and the counters behind `/metrics`.

mod log;
mod metrics;

pub use log::start as start_log;
pub use metrics::{Metrics, Requests};
