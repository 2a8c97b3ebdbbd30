//! The time of one process.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{BootTime, Clock, ClockNews, Moment, SystemClock, Timestamp};

/// The largest difference between wall clock and process clock that is followed, and the most by
/// which the process clock is moved within as long.
const MINUTE: i64 = 60_000_000;

/// A clock that nobody can set: the wall clock as it was at the start, plus the time since.
///
/// - It never goes back, so that what has expired stays expired.
/// - [`steer`](Clock::steer), called about once a second, moves it towards the wall clock by at most
///   60 seconds a minute: what a time service corrects is followed.
/// - A wall clock that is more than a minute away has jumped. It is not followed, in either
///   direction: back would revive what has expired or, if time stood still until then, let nothing
///   expire; forth would end what lives. Whoever knows that the wall clock is right starts the
///   process again.
///
/// Reading it is one call of `clock_gettime` without a system call, and two loads.
#[derive(Debug)]
pub struct ProcessClock<C = SystemClock> {
    machine: C,
    /// Added to the time since boot, in microseconds.
    offset: AtomicI64,
    /// The least time that is shown: where it stood when it was last moved back.
    floor: AtomicI64,
    jumps: AtomicU64,
    steering: Mutex<Steering>,
}

#[derive(Debug)]
struct Steering {
    at: BootTime,
    /// The difference that was told of, while the wall clock is not followed.
    jumped: Option<i64>,
}

impl ProcessClock {
    /// Starts a clock at the machine's time.
    pub fn start() -> Self {
        Self::on(SystemClock)
    }
}

impl<C: Clock> ProcessClock<C> {
    /// Starts a clock at the time of another, which it follows.
    pub fn on(machine: C) -> Self {
        let Moment { now, boot } = machine.moment();
        Self {
            offset: AtomicI64::new(now.as_micros().saturating_sub(micros(boot))),
            floor: AtomicI64::new(i64::MIN),
            jumps: AtomicU64::new(0),
            steering: Mutex::new(Steering {
                at: boot,
                jumped: None,
            }),
            machine,
        }
    }

    /// Returns how far the wall clock is before (positive) or behind (negative) this clock, in
    /// microseconds.
    pub fn wall_ahead(&self) -> i64 {
        let own = self.now();
        let wall = self.machine.now();
        wall.as_micros().saturating_sub(own.as_micros())
    }

    /// Returns the number of jumps of the wall clock that were not followed.
    pub fn jumps(&self) -> u64 {
        self.jumps.load(Ordering::Relaxed)
    }

    fn at(&self, boot: BootTime) -> i64 {
        // The floor is stored before the offset that needs it, so that whoever sees the one sees
        // the other.
        let offset = self.offset.load(Ordering::Acquire);
        let floor = self.floor.load(Ordering::Relaxed);
        micros(boot).saturating_add(offset).max(floor)
    }
}

fn micros(boot: BootTime) -> i64 {
    i64::try_from(boot.as_micros()).unwrap_or(i64::MAX)
}

impl<C: Clock> Clock for ProcessClock<C> {
    fn now(&self) -> Timestamp {
        self.moment().now
    }

    fn boot(&self) -> BootTime {
        self.machine.boot()
    }

    #[inline]
    fn moment(&self) -> Moment {
        let boot = self.machine.boot();
        Moment {
            now: Timestamp::from_micros(self.at(boot)),
            boot,
        }
    }

    fn steer(&self) -> Option<ClockNews> {
        let mut steering = self.steering.lock().unwrap_or_else(PoisonError::into_inner);
        let Moment { now: wall, boot } = self.machine.moment();
        let passed = boot
            .since(steering.at)
            .min(Duration::from_micros(MINUTE.unsigned_abs()));
        steering.at = boot;
        // Without the floor: while the process clock waits there, nothing more is to be corrected.
        let offset = self.offset.load(Ordering::Relaxed);
        let own = micros(boot).saturating_add(offset);
        let ahead = wall.as_micros().saturating_sub(own);
        if ahead.abs() > MINUTE {
            let told = steering.jumped;
            if told.is_some_and(|told| ahead.saturating_sub(told).abs() <= MINUTE) {
                return None;
            }
            steering.jumped = Some(ahead);
            self.jumps.fetch_add(1, Ordering::Relaxed);
            return Some(ClockNews::Jumped(ahead));
        }
        let most = i64::try_from(passed.as_micros()).unwrap_or(MINUTE);
        let step = ahead.clamp(-most, most);
        if step < 0 {
            // Read again: others may have shown a later time since this began.
            let shown = micros(self.machine.boot()).saturating_add(offset);
            self.floor.fetch_max(shown, Ordering::Relaxed);
        }
        self.offset
            .store(offset.saturating_add(step), Ordering::Release);
        steering.jumped.take().map(|_| ClockNews::Agrees(ahead))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;

    use super::super::ManualClock;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: i64 = 3_600;
    const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn clock() -> (Arc<ManualClock>, ProcessClock<Arc<ManualClock>>) {
        let machine = Arc::new(ManualClock::new(start()));
        let clock = ProcessClock::on(Arc::clone(&machine));
        (machine, clock)
    }

    /// Sets the wall clock `seconds` forth or back.
    fn jump(machine: &ManualClock, seconds: i64) {
        let micros = machine.now().as_micros() + seconds * 1_000_000;
        machine.set(Timestamp::from_micros(micros));
    }

    /// Lets a second pass, as the server's duty does.
    fn tick(machine: &ManualClock, clock: &impl Clock) -> Option<ClockNews> {
        machine.advance(SECOND);
        clock.steer()
    }

    #[test]
    fn it_shows_the_wall_clock_of_the_start_and_the_time_since() {
        let (machine, clock) = clock();
        assert_eq!(clock.now(), start());
        machine.advance(10 * SECOND);
        assert_eq!(clock.moment().now, start().after(10 * SECOND));
        assert_eq!(clock.moment().boot, machine.boot());
        assert_eq!(clock.wall_ahead(), 0);
    }

    #[rstest]
    #[case(-HOUR)]
    #[case(HOUR)]
    #[case(-TEN_YEARS)]
    #[case(TEN_YEARS)]
    fn a_jump_is_told_and_counted_once_and_not_followed(#[case] seconds: i64) {
        let (machine, clock) = clock();
        jump(&machine, seconds);
        assert_eq!(clock.now(), start(), "before anybody steers");
        let ahead = seconds * 1_000_000;
        assert_eq!(tick(&machine, &clock), Some(ClockNews::Jumped(ahead)));
        for _ in 0..600 {
            assert_eq!(tick(&machine, &clock), None);
        }
        assert_eq!(clock.now(), start().after(601 * SECOND));
        assert_eq!((clock.wall_ahead(), clock.jumps()), (ahead, 1));
        jump(&machine, -seconds);
        assert_eq!(tick(&machine, &clock), Some(ClockNews::Agrees(0)));
        assert_eq!(tick(&machine, &clock), None);
        assert_eq!(clock.now(), start().after(603 * SECOND));
        assert_eq!((clock.wall_ahead(), clock.jumps()), (0, 1));
    }

    #[test]
    fn a_second_jump_is_told_too() {
        let (machine, clock) = clock();
        jump(&machine, -HOUR);
        assert!(tick(&machine, &clock).is_some());
        jump(&machine, -TEN_YEARS);
        let both = -(HOUR + TEN_YEARS) * 1_000_000;
        assert_eq!(tick(&machine, &clock), Some(ClockNews::Jumped(both)));
        assert_eq!(clock.jumps(), 2);
    }

    #[test]
    fn a_small_step_back_makes_it_wait_and_never_go_back() {
        let (machine, clock) = clock();
        machine.advance(SECOND);
        jump(&machine, -40);
        let mut before = clock.now();
        for _ in 0..40 {
            assert_eq!(tick(&machine, &clock), None);
            assert!(clock.now() >= before);
            before = clock.now();
            assert!(before.since(start()) <= 2 * SECOND, "{before}");
        }
        tick(&machine, &clock);
        assert_eq!(clock.now(), machine.now());
    }

    #[test]
    fn a_small_step_forward_is_made_up_for_by_a_second_each_second() {
        let (machine, clock) = clock();
        jump(&machine, 40);
        for passed in 1..=40 {
            tick(&machine, &clock);
            assert_eq!(clock.now(), start().after(2 * passed * SECOND));
        }
        assert_eq!(clock.now(), machine.now());
    }

    #[test]
    fn it_moves_by_a_minute_at_most_however_long_nobody_steered() {
        let (machine, clock) = clock();
        machine.advance(Duration::from_secs(86_400));
        jump(&machine, 60);
        assert_eq!(clock.steer(), None);
        assert_eq!(clock.now(), machine.now());
        jump(&machine, 61);
        assert!(matches!(clock.steer(), Some(ClockNews::Jumped(_))));
    }

    #[test]
    fn a_suspended_machine_loses_no_time() {
        let (machine, clock) = clock();
        machine.advance(Duration::from_secs(86_400));
        assert_eq!(clock.now(), machine.now());
        assert_eq!(clock.steer(), None);
    }
}
