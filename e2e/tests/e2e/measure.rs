//! Figures: printed for people, and held to bounds that a busy machine keeps too.

use std::fmt;
use std::time::Duration;

/// A number that whoever runs the tests by hand may raise, `VESTIBULE_E2E_<name>`.
pub(crate) fn number(name: &str, default: usize) -> usize {
    match std::env::var(format!("VESTIBULE_E2E_{name}")) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    }
}

/// Prints a figure.
#[expect(clippy::print_stdout, reason = "figures are for whoever runs the test")]
pub(crate) fn print(what: &str, figure: impl fmt::Display) {
    println!("{what}: {figure}");
}

/// How long something took, each time.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        let place = self.0.partition_point(|known| *known <= time);
        self.0.insert(place, time);
    }

    /// The time that this part of all stays below, from 0 to 100.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn worst(&self) -> Duration {
        self.percentile(100)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p99, worst) = (self.median(), self.percentile(99), self.worst());
        let count = self.0.len();
        write!(
            f,
            "median {median:.1?}, p99 {p99:.1?}, worst {worst:.1?} of {count}"
        )
    }
}
