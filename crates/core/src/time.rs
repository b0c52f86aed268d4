//! Time as the domain sees it: milliseconds since the Unix epoch, read from an injected [`Clock`].

use std::{
    fmt,
    future::Future,
    ops::{Add, Sub},
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment `seconds` seconds after the epoch, as JWT claims count; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch: the form of the store.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the form of JWT claims.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Time from `earlier` to `self`; zero when `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with milliseconds and `Z`, e.g. `2026-11-22T01:01:09.671Z`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => format!("{moment:.3}"),
            // Outside the years -9999 to 9999 there is no RFC 3339 text.
            Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
        }
    }

    /// Reads RFC 3339 text.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_millisecond()))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A future that a trait object can return.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where the time comes from. Nothing else in the project asks the system.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Resolves when [`now`](Clock::now) has reached `deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<()>;
}

/// A clock to share.
pub type SharedClock = Arc<dyn Clock>;

/// The system's wall clock, as long as it goes forward: a clock that is turned back prolongs nothing (ATTACKS N97).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The clock of this process.
static ONWARD: Onward = Onward::new();

/// When this process first asked for the time.
static START: LazyLock<std::time::Instant> = LazyLock::new({
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    || std::time::Instant::now()
});

/// Time that goes on by the monotonic clock from the latest that the wall clock ever said.
struct Onward(AtomicI64);

impl Onward {
    const fn new() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }

    /// The time when the clocks say so. A wall clock that was put forward is followed at once; one that was turned back is
    /// not, until it has caught up or the process starts anew.
    fn read(&self, wall: i64, monotonic: i64) -> Timestamp {
        let ahead = wall.saturating_sub(monotonic);
        let most = self.0.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Timestamp(monotonic.saturating_add(most))
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let start = *START;
        // The wall clock first: a pause between the two does not count as time that it was put forward by.
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let monotonic = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
        ONWARD.read((Timestamp::default() + wall).0, monotonic)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<()> {
        let wait = deadline.since(self.now());
        Box::pin(tokio::time::sleep(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips_with_milliseconds() {
        let moment = Timestamp::from_millis(1_763_773_269_671);
        assert_eq!(moment.rfc3339(), "2025-11-22T01:01:09.671Z");
        assert_eq!(Timestamp::parse_rfc3339(&moment.rfc3339()), Some(moment));
    }

    #[test]
    fn n97_a_clock_that_is_turned_back_prolongs_nothing_and_one_that_is_put_forward_is_followed() {
        const HOUR: i64 = 3_600_000;
        let (clock, noon) = (Onward::new(), 12 * HOUR);
        assert_eq!(clock.read(noon, 0).0, noon);
        let expires = noon + 5_000;
        // Turned back by an hour after two seconds: five seconds after noon are five seconds after noon.
        assert_eq!(clock.read(noon - HOUR + 2_000, 2_000).0, noon + 2_000);
        assert!(clock.read(noon - HOUR + 5_000, 5_000).0 >= expires);
        // Put right again, and later put forward.
        assert_eq!(clock.read(noon + 6_000, 6_000).0, noon + 6_000);
        assert_eq!(clock.read(noon + HOUR, 7_000).0, noon + HOUR);
        assert_eq!(clock.read(noon + 8_000, 8_000).0, noon + HOUR + 1_000);
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }
}
