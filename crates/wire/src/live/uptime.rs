//! Time that does not run backwards: deadlines of open connections hold although somebody turns the clock back.

use std::{
    ops::{Add, Sub},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ringfence_core::time::Timestamp;

/// Milliseconds that never decrease. They begin at the wall clock's time, so that whole seconds of both coincide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Uptime(u64);

impl Uptime {
    /// The second by whose beginning this moment has come.
    pub(super) const fn slot(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// The whole second that this moment lies in.
    pub(super) const fn second(self) -> u64 {
        self.0 / 1000
    }

    /// Time from `earlier` to `self`; zero when `earlier` is not earlier.
    pub(super) const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The beginning of a second.
    pub(super) const fn of_second(second: u64) -> Self {
        Self(second.saturating_mul(1000))
    }
}

impl Add<Duration> for Uptime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Uptime {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Makes [`Uptime`] of readings of the wall clock.
pub(super) struct Ticker {
    last: Mutex<(Timestamp, Uptime)>,
    coarse: AtomicU64,
}

impl Ticker {
    pub(super) fn new(now: Timestamp) -> Self {
        let start = Uptime(u64::try_from(now.millis()).unwrap_or_default());
        Self { last: Mutex::new((now, start)), coarse: AtomicU64::new(start.0) }
    }

    /// The moment at which the wall clock says `now`. A clock that was turned back only loses the time since the last reading.
    pub(super) fn read(&self, now: Timestamp) -> Uptime {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let uptime = last.1 + now.since(last.0);
        *last = (now, uptime);
        self.coarse.store(uptime.0, Ordering::Relaxed);
        uptime
    }

    /// The last reading, without a lock: at most a second old while the time is kept.
    pub(super) fn coarse(&self) -> Uptime {
        Uptime(self.coarse.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n97_a_clock_that_jumps_back_does_not_prolong_anything() {
        let start = Timestamp::from_seconds(10_000);
        let ticker = Ticker::new(start);
        let deadline = ticker.read(start) + Duration::from_secs(10);
        assert!(ticker.read(start + Duration::from_secs(5)) < deadline);
        let back = start - Duration::from_hours(1);
        assert!(ticker.read(back) < deadline);
        assert!(ticker.read(back + Duration::from_secs(5)) >= deadline);
    }

    #[test]
    fn n97_a_clock_that_jumps_forward_ends_what_is_over_by_it() {
        let start = Timestamp::from_seconds(10_000);
        let ticker = Ticker::new(start);
        let deadline = ticker.read(start) + Duration::from_mins(30);
        assert!(ticker.read(start + Duration::from_hours(1)) >= deadline);
    }

    #[test]
    fn whole_seconds_coincide_with_those_of_the_wall_clock() {
        let ticker = Ticker::new(Timestamp::from_millis(1_500));
        let now = ticker.read(Timestamp::from_millis(1_700));
        assert_eq!((now.second(), now.slot(), (now + Duration::from_millis(300)).slot()), (1, 2, 2));
    }
}
