//! What the server does in the background.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use vestibule_check::{Core, Limiter};

use crate::clock::ClockTrust;
use crate::denials::WaitingDenials;
use crate::usage::WaitingUsage;
use crate::{Accounts, Result, Shutdown, Tasks};

/// The intervals of the duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Writing down uses and denials. Every 5 seconds by default.
    pub flush: Duration,
    /// Deleting what nobody will ask for again. Hourly by default.
    pub prune: Duration,
    /// The pause before that is done first: a server that is started often does its part, too.
    /// 30 seconds by default.
    pub settle: Duration,
    /// Forgetting who has the full allowance again. Every 10 seconds by default.
    pub forget: Duration,
    /// The pause before the keyring is read again after it could not be. 1 second by default.
    pub retry: Duration,
    /// Comparing the clock with the machine's. Every second by default.
    pub steer: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            flush: Duration::from_secs(5),
            prune: Duration::from_secs(60 * 60),
            settle: Duration::from_secs(30),
            forget: Duration::from_secs(10),
            retry: Duration::from_secs(1),
            steer: Duration::from_secs(1),
        }
    }
}

/// The background duties, each an endless method to be spawned with the signal that ends it.
#[derive(Debug, Clone)]
pub struct Duties {
    accounts: Accounts,
    core: Core,
    intervals: Intervals,
    trust: ClockTrust,
    /// Limiters of others, whose idle callers are forgotten along with those of `accounts`.
    limiters: Vec<Arc<Limiter>>,
}

impl Duties {
    /// The duties of a server, whose clock was judged when it started.
    pub fn new(accounts: Accounts, core: Core, intervals: Intervals, trust: ClockTrust) -> Self {
        Self {
            accounts,
            core,
            intervals,
            trust,
            limiters: Vec::new(),
        }
    }

    /// Adds a limiter whose idle callers [`forget_idle_limits`](Self::forget_idle_limits) forgets,
    /// too.
    #[must_use]
    pub fn with_limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiters.push(limiter);
        self
    }

    /// The interval at which SQLite's log is emptied into its file. A copy of the file alone lacks
    /// a minute of changes at most; half of that leaves room for a tick at which somebody reads the
    /// log.
    pub const CHECKPOINTS: Duration = Duration::from_secs(30);

    /// Spawns all duties of a process that has the store open, until `end` is asked for: these
    /// ones, hearing the changes of other processes, and looking after the database.
    pub fn spawn_on(&self, tasks: &mut Tasks, checkpoints: Duration, end: &Shutdown) {
        let store = self.accounts.store();
        let (each, clock, asked) = (store.clone(), self.accounts.shared_clock(), end.asked());
        tasks.spawn("hearing changes", async move {
            each.run_feed(&*clock, asked).await;
        });
        let (each, asked) = (store.clone(), end.asked());
        tasks.spawn("looking after the store's health", async move {
            each.run_health(asked).await;
        });
        let (each, asked) = (store.clone(), end.asked());
        tasks.spawn("emptying the log of the database", async move {
            each.run_checkpoints(checkpoints, asked).await;
        });
        let (each, asked) = (self.clone(), end.asked());
        tasks.spawn("steering the clock", async move {
            each.steer_clock(asked).await;
        });
        let (each, asked) = (self.clone(), end.asked());
        tasks.spawn("noting uses", async move { each.flush(asked).await });
        let (each, asked) = (self.clone(), end.asked());
        tasks.spawn("tidying up", async move { each.prune(asked).await });
        let (each, asked) = (self.clone(), end.asked());
        tasks.spawn("forgetting limits", async move {
            each.forget_idle_limits(asked).await;
        });
        let (each, asked) = (self.clone(), end.asked());
        tasks.spawn("following the keyring", async move {
            each.follow_keyring(asked).await;
        });
    }

    /// Writes down which credentials were used and which calls were denied; once more at the end.
    pub async fn flush(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut usage = WaitingUsage::default();
        let mut denials = WaitingDenials::default();
        let mut ticks = every(self.intervals.flush);
        tokio::pin!(shutdown);
        loop {
            let last = tokio::select! {
                () = &mut shutdown => true,
                _ = ticks.tick() => false,
                () = self.core.usage_filling() => false,
            };
            usage.extend(self.core.drain_usage());
            denials.extend(&self.accounts, self.core.drain_denials());
            if let Err(error) = usage.flush(&self.accounts, &self.core).await {
                report(&error, "uses are not written down yet");
            }
            if let Err(error) = denials.flush(&self.accounts).await {
                report(&error, "denials are not written down yet");
            }
            if last {
                return;
            }
        }
    }

    /// Deletes what nobody will ask for again, once the clock may be believed that says so.
    pub async fn prune(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut ticks = every(self.intervals.prune);
        ticks.reset_after(self.intervals.settle.min(self.intervals.prune));
        let mut trust = self.trust;
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            match self.accounts.prune(&mut trust).await {
                Ok(true) => ticks.reset_immediately(),
                Ok(false) => {}
                Err(error) => report(&error, "nothing was tidied up"),
            }
        }
    }

    /// Forgets those who have their full allowance again, and remembered credentials that have
    /// expired.
    pub async fn forget_idle_limits(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut ticks = every(self.intervals.forget);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            self.core.forget_idle_limits();
            self.core.forget_expired();
            self.accounts.forget_idle_limits();
            for limiter in &self.limiters {
                limiter.forget_idle();
            }
        }
    }

    /// Steers the clock towards the machine's, and tells in the log where that has jumped.
    pub async fn steer_clock(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut ticks = every(self.intervals.steer);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = ticks.tick() => {}
            }
            if let Some(news) = self.accounts.0.clock.steer() {
                crate::clock::tell(news);
            }
        }
    }

    /// Reads the keyring again whenever it may have changed.
    pub async fn follow_keyring(&self, shutdown: impl Future<Output = ()> + Send) {
        let moved = &self.accounts.0.keyring_watch.moved;
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = moved.notified() => {}
            }
            if let Err(error) = self.accounts.reload_keyring().await {
                report(&error, "the keyring could not be read again");
                moved.notify_one();
                tokio::select! {
                    () = &mut shutdown => return,
                    () = tokio::time::sleep(self.intervals.retry) => {}
                }
            }
        }
    }
}

impl Accounts {
    /// Deletes some of it; whether there may be more.
    async fn prune(&self, trust: &mut ClockTrust) -> Result<bool> {
        if !trust.holds(&self.0.store, self.clock()).await? {
            return Ok(false);
        }
        let mut write = self.0.store.begin_unaudited().await?;
        let pruned = write.prune(self.now()).await?;
        let keys = self.prune_keyring(&mut write).await?;
        write.commit().await?;
        tracing::debug!(?pruned, keys, "tidied up");
        Ok(pruned.more)
    }

    fn forget_idle_limits(&self) {
        self.0.sign_ins_by_address.forget_idle();
        self.0.sign_ins_by_email.forget_idle();
    }
}

/// Ticks that begin after one period and do not catch up.
fn every(period: Duration) -> tokio::time::Interval {
    let period = period.max(Duration::from_millis(1)); // tokio panics at zero
    let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn report(error: &crate::Error, what: &str) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "{what}");
}
