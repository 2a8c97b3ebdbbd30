//! The state of one connection, shared by its socket, by hyper and by the loop that accepts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use vestibule_config::Timeouts;

/// Accepted, and not a byte has come.
const FRESH: u8 = 0;
/// Answered before, and not a byte has come since.
const IDLE: u8 = 1;
/// Some of a request's head has come, or all that is missing is its end.
const HEAD: u8 = 2;
/// A request is read, answered or written.
const BUSY: u8 = 3;

/// No time.
const NEVER: u64 = u64::MAX;

/// The phase of a connection, its start, and the request to end.
///
/// The task of the connection changes the phase; the loop that accepts reads it, and asks for the
/// end. Times are nanoseconds since `origin`.
#[derive(Debug)]
pub(super) struct Activity {
    origin: Instant,
    timeouts: Timeouts,
    phase: AtomicU8,
    since: AtomicU64,
    /// The deadline of a head in transit; [`NEVER`] until the
    /// connection is asked to end.
    last_call: AtomicU64,
    waker: AtomicWaker,
}

impl Activity {
    /// A connection that was accepted now.
    pub(super) fn new(origin: Instant, timeouts: Timeouts) -> Self {
        Self {
            origin,
            timeouts,
            phase: AtomicU8::new(FRESH),
            since: AtomicU64::new(nanos(origin, Instant::now())),
            last_call: AtomicU64::new(NEVER),
            waker: AtomicWaker::new(),
        }
    }

    /// Wakes this task when the connection is asked to end.
    pub(super) fn wake_me(&self, context: &Context<'_>) {
        self.waker.register(context.waker());
    }

    /// Asks the connection to end: at once where it is idle, after the answer where a request is
    /// in flight. A head has to be complete after `grace` at the latest, and is answered then.
    pub(super) fn end(&self, grace: Duration) {
        let by = nanos(self.origin, Instant::now() + grace);
        self.last_call.fetch_min(by, Ordering::Release);
        self.waker.wake();
    }

    /// Returns whether the connection was asked to end.
    pub(super) fn is_ending(&self) -> bool {
        self.last_call.load(Ordering::Acquire) != NEVER
    }

    /// Returns when the connection became idle; `None` where it is not.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let since = self.since.load(Ordering::Relaxed);
        (self.phase() == IDLE).then(|| self.origin + Duration::from_nanos(since))
    }

    /// Notes that bytes came, if a request is waited for.
    pub(super) fn received(&self) {
        match self.phase() {
            // All of the first head has to come within one time, counted from the beginning.
            FRESH => self.phase.store(HEAD, Ordering::Relaxed),
            IDLE => {
                // The clock is read once it turns out that the head is not complete.
                self.since.store(NEVER, Ordering::Relaxed);
                self.phase.store(HEAD, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Returns when the wait for a request is over; `None` where none is waited for.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let allowed = match self.phase() {
            FRESH | HEAD => self.timeouts.head,
            // Closed at once when it is asked to.
            IDLE if self.is_ending() => Duration::ZERO,
            IDLE => self.timeouts.idle,
            _ => return None,
        };
        let mut since = self.since.load(Ordering::Relaxed);
        if since == NEVER {
            since = nanos(self.origin, Instant::now());
            self.since.store(since, Ordering::Relaxed);
        }
        let by = self.last_call.load(Ordering::Acquire);
        let deadline = self.origin + Duration::from_nanos(since) + allowed;
        Some(if by == NEVER {
            deadline
        } else {
            deadline.min(self.origin + Duration::from_nanos(by))
        })
    }

    /// Gives the first bytes of a head another chance, which came while the wait for them ended:
    /// they are in the system's buffer and not read yet. Returns whether there was none before.
    pub(super) fn give_grace(&self, grace: Duration) -> bool {
        if !matches!(self.phase(), FRESH | IDLE) {
            return false;
        }
        let now = Instant::now();
        self.since.store(nanos(self.origin, now), Ordering::Relaxed);
        self.phase.store(HEAD, Ordering::Relaxed);
        if self.is_ending() {
            let by = nanos(self.origin, now + grace);
            self.last_call.store(by, Ordering::Release);
        }
        true
    }

    fn wait_for_head(&self, since: Instant) {
        if self.phase() == BUSY {
            self.since
                .store(nanos(self.origin, since), Ordering::Relaxed);
            self.phase.store(IDLE, Ordering::Relaxed);
        }
    }

    fn head_is_complete(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }
}

fn nanos(origin: Instant, time: Instant) -> u64 {
    let nanos = time.saturating_duration_since(origin).as_nanos();
    u64::try_from(nanos).unwrap_or(NEVER - 1)
}

/// The timer that hyper is given for the timeout of a head, of which it has one only. It never
/// fires: it tells when a head begins to be waited for, which hyper makes a sleep for, and when the
/// head is complete, which drops the sleep. The socket does the waiting, see
/// [`Patience`](super::patience::Patience).
#[derive(Debug)]
pub(super) struct HeadTimer(pub(super) Arc<Activity>);

impl hyper::rt::Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.0.wait_for_head(self.began(deadline));
        Box::pin(HeadAwaited(Arc::clone(&self.0)))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn reset(&self, _: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: std::time::Instant) {
        self.0.wait_for_head(self.began(deadline));
    }
}

impl HeadTimer {
    /// The timeout that hyper is told: it only counts for [`began`](Self::began).
    pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

    /// Returns when hyper began to wait, from when it believes to stop: this saves reading the
    /// clock another time for each request.
    fn began(&self, deadline: std::time::Instant) -> Instant {
        let deadline = Instant::from_std(deadline);
        deadline.checked_sub(Self::TIMEOUT).unwrap_or(self.0.origin)
    }
}

/// Lives from the beginning of the wait for a head until the head is complete.
struct HeadAwaited(Arc<Activity>);

impl Future for HeadAwaited {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl hyper::rt::Sleep for HeadAwaited {}

impl Drop for HeadAwaited {
    fn drop(&mut self) {
        self.0.head_is_complete();
    }
}
