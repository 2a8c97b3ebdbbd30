//! The counters. No label ever names a user, an organisation or a key: there are as many of those
//! as somebody cares to make.

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use vestibule_check::{Core, Totals};
use vestibule_model::{BootTime, Change, Clock as _, Lease, ProcessClock};
use vestibule_store::{ChangeSink, Store};

/// Upper ends of the buckets of durations, in microseconds.
const BUCKETS: [u64; 10] = [
    100, 250, 500, 1_000, 5_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000,
];

/// The requests answered since the start, and those whose callers did not wait for it.
#[derive(Debug, Default)]
pub struct Requests {
    by_class: [AtomicU64; 5],
    by_duration: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
    unreadable: AtomicU64,
}

impl Requests {
    /// Counts a request whose client a trusted proxy has not named; how many they are now.
    pub fn count_unreadable(&self) -> u64 {
        self.unreadable.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one request.
    pub fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|end| *end < micros);
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        self.by_duration[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Everything behind `/metrics`, and whether changes of other processes are heard.
#[derive(Debug)]
pub struct Metrics {
    requests: Arc<Requests>,
    core: Core,
    changes: AtomicU64,
    heard: Lease,
    clock: Arc<ProcessClock>,
    store: Store,
    /// True if the store answered the last probe.
    answers: AtomicBool,
}

impl Metrics {
    /// Metrics of this core, these requests and this store.
    pub fn new(
        core: Core,
        requests: Arc<Requests>,
        clock: Arc<ProcessClock>,
        store: Store,
    ) -> Arc<Self> {
        Arc::new(Self {
            requests,
            core,
            changes: AtomicU64::new(0),
            heard: Lease::ended(),
            clock,
            store,
            answers: AtomicBool::new(true),
        })
    }

    /// Notes whether the store has answered a probe.
    pub fn note_pulse(&self, answers: bool) {
        self.answers.store(answers, Ordering::Relaxed);
    }

    /// Returns true if changes of other processes are heard.
    pub fn is_hearing(&self) -> bool {
        self.heard.holds(self.clock.boot())
    }

    /// Returns the whole seconds by which the wall clock is before (positive) or behind (negative)
    /// the clock that expiry goes by.
    pub fn wall_clock_ahead(&self) -> i64 {
        self.clock.wall_ahead() / 1_000_000
    }

    /// All metrics as text, in the format that Prometheus reads.
    pub fn text(self: &Arc<Self>) -> Result<String, Error> {
        let mut registry = Registry::with_prefix("vestibule");
        registry.register_collector(Box::new(Arc::clone(self)));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// A sink of changes that only listens whether they come.
impl ChangeSink for Metrics {
    fn apply(&self, _: Change) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn suspend(&self) {
        self.heard.end();
    }

    fn resume(&self, until: BootTime) {
        self.heard.renew(until);
    }

    fn renew(&self, until: BootTime) {
        self.heard.renew(until);
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let totals = self.core.totals();

        let mut answers = encoder.encode_descriptor(
            "http_requests",
            "Requests answered, by class of status; 4xx also counts whose caller was gone before",
            None,
            MetricType::Counter,
        )?;
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .into_iter()
            .zip(&self.requests.by_class)
        {
            answers
                .encode_family(&[("status", class)])?
                .encode_counter::<NoLabelSet, _, u64>(&read(count), None)?;
        }

        let buckets: Vec<(f64, u64)> = BUCKETS
            .iter()
            .map(|end| Duration::from_micros(*end).as_secs_f64())
            .chain([f64::INFINITY])
            .zip(self.requests.by_duration.iter().map(read))
            .collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_micros(read(&self.requests.micros)).as_secs_f64();
        encoder
            .encode_descriptor(
                "http_request_duration",
                "From the request's head to the answer's",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;

        self.encode_counters(&mut encoder, &totals)?;
        self.encode_gauges(&mut encoder, &totals)
    }
}

impl Metrics {
    fn encode_counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        totals: &Totals,
    ) -> Result<(), Error> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, help, value) in [
            (
                "check_permitted",
                "Requests that the check let pass",
                totals.permitted,
            ),
            (
                "check_denied",
                "Requests of known callers that were refused, by the check or by the handler",
                totals.denied,
            ),
            (
                "check_turned_away",
                "Requests of callers whom nobody knows, which did not pass",
                totals.turned_away,
            ),
            (
                "forwarded_for_unreadable",
                "Requests refused because a trusted proxy has named no address of its client",
                read(&self.requests.unreadable),
            ),
            (
                "changes_applied",
                "Changes after which credentials were read anew",
                read(&self.changes),
            ),
            (
                "clock_jumps",
                "Jumps of the wall clock by more than a minute, which expiry does not follow",
                self.clock.jumps(),
            ),
        ] {
            encoder
                .encode_descriptor(name, help, None, MetricType::Counter)?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn encode_gauges(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        totals: &Totals,
    ) -> Result<(), Error> {
        for (name, help, value) in [
            (
                "check_remembered_credentials",
                "Credentials in the check's memory",
                gauge(totals.remembered),
            ),
            (
                "check_remembered_bytes",
                "Memory that they take, as the check weighs them",
                gauge(totals.remembered_bytes),
            ),
            (
                "body_bytes",
                "Memory that bodies on their way take",
                gauge(totals.body_bytes),
            ),
            (
                "changes_heard",
                "Whether changes of other processes are heard",
                i64::from(self.is_hearing()),
            ),
            (
                "store_answers",
                "Whether the store has answered the last question of /readyz",
                i64::from(self.answers.load(Ordering::Relaxed)),
            ),
            (
                "writes_fail",
                "Whether the last write to the store has failed and none has succeeded since",
                i64::from(self.store.writes_fail().is_some()),
            ),
            (
                "wall_clock_ahead_seconds",
                "By how much the wall clock is ahead of (negative: behind) the clock of expiry",
                self.wall_clock_ahead(),
            ),
        ] {
            encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?
                .encode_gauge(&value)?;
        }
        Ok(())
    }
}

/// The value of a gauge.
fn gauge(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
