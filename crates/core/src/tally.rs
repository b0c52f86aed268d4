//! What happened on this node of late, counted in memory: to be looked at, and never to decide by.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{authority::PresentedCredential, error::AuthError, time::Timestamp};

/// The ways in that are counted apart.
pub const WAYS: [&str; 6] = ["password", "guest", "assertion", "federated", "digest", "token"];
/// How a sign-in ends.
pub const OUTCOMES: [&str; 3] = ["ok", "refused", "failed"];

/// How long a slot is.
const SLOT: Duration = Duration::from_mins(5);
/// So many slots are kept: a day.
pub const SLOTS: i64 = 288;

/// What happened within one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Sign-ins, by way and outcome.
    pub sign_ins: [[u32; OUTCOMES.len()]; WAYS.len()],
    /// The most connections that were open at a time.
    pub connections: u32,
    /// Connections that a revocation closed.
    pub revoked: u32,
    /// The longest of these took so many milliseconds from the commit.
    pub slowest_ms: u32,
    /// All of them together.
    pub total_ms: u64,
}

/// The last day.
#[derive(Debug)]
pub struct Tally(Mutex<Ring>);

#[derive(Debug)]
struct Ring {
    /// [`SLOTS`] of them, each at its number's remainder.
    slots: Vec<Slot>,
    /// The number of the newest slot, counted from the epoch.
    newest: i64,
}

fn slot_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(SLOT.as_secs().cast_signed())
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS)).unwrap_or_default()
}

impl Ring {
    fn advance(&mut self, to: i64) {
        // After a day of silence, or when a clock was set, nothing is left.
        let steps = if to < self.newest { SLOTS } else { (to - self.newest).min(SLOTS) };
        for step in 0..steps {
            self.slots[place(to - step)] = Slot::default();
        }
        self.newest = to;
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self(Mutex::new(Ring { slots: vec![Slot::default(); place(-1) + 1], newest: 0 }))
    }
}

impl Tally {
    fn with<T>(&self, now: Timestamp, act: impl FnOnce(&mut Slot) -> T) -> T {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = slot_of(now);
        // A moment that is a little older belongs to the newest slot: two requests may overtake each other.
        if number > ring.newest || number + 1 < ring.newest {
            ring.advance(number);
        }
        let at = place(ring.newest);
        act(&mut ring.slots[at])
    }

    /// Counts a sign-in.
    pub fn signed_in<T>(&self, now: Timestamp, way: Way, outcome: &Result<T, AuthError>) {
        let outcome = match outcome {
            Ok(_) => 0,
            Err(AuthError::Unavailable { .. } | AuthError::Internal(_)) => 2,
            Err(_) => 1,
        };
        self.with(now, |slot| slot.sign_ins[way.0][outcome] += 1);
        metrics::counter!("ringfence_sign_ins_total", "way" => WAYS[way.0], "outcome" => OUTCOMES[outcome])
            .increment(1);
    }

    /// Notes how many connections are open.
    pub fn connections(&self, now: Timestamp, open: usize) {
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        self.with(now, |slot| slot.connections = slot.connections.max(open));
    }

    /// Counts a connection that a revocation closed, and how long after its commit.
    pub fn revoked(&self, now: Timestamp, delay: Duration) {
        let delay = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        self.with(now, |slot| {
            slot.revoked += 1;
            slot.slowest_ms = slot.slowest_ms.max(delay);
            slot.total_ms += u64::from(delay);
        });
    }

    /// The slots of the last day, the oldest first, each with its beginning.
    pub fn day(&self, now: Timestamp) -> Vec<(Timestamp, Slot)> {
        self.with(now, |_| ());
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.newest - SLOTS + 1;
        let begins = |number: i64| Timestamp::from_seconds(number * SLOT.as_secs().cast_signed());
        (first..=ring.newest).map(|number| (begins(number), ring.slots[place(number)])).collect()
    }
}

/// One of [`WAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way(usize);

impl Way {
    /// The way of what is presented.
    pub const fn of(presented: &PresentedCredential) -> Self {
        Self(match presented {
            PresentedCredential::Password { .. } => 0,
            PresentedCredential::Guest { .. } => 1,
            PresentedCredential::Assertion { .. } => 2,
            PresentedCredential::Federated { .. } => 3,
            PresentedCredential::Digest { .. } => 4,
            PresentedCredential::AccessToken(_)
            | PresentedCredential::ApiKey(_)
            | PresentedCredential::SocketTicket(_) => 5,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_kept_in_slots_and_forgotten_after_it() {
        let tally = Tally::default();
        let start = Timestamp::from_seconds(1_800_000_000);
        tally.signed_in(start, Way(1), &Ok(()));
        tally.signed_in(start, Way(0), &Err::<(), _>(AuthError::InvalidCredentials));
        tally.revoked(start, Duration::from_millis(40));
        tally.revoked(start, Duration::from_millis(20));
        let later = start + SLOT;
        tally.connections(later, 7);
        tally.connections(later, 3);
        let day = tally.day(later);
        let [.., (_, first), (_, second)] = day[..] else { panic!("a day has two slots") };
        assert_eq!((day.len(), first.sign_ins[1][0], first.sign_ins[0][1]), (288, 1, 1));
        assert_eq!((first.revoked, first.slowest_ms, first.total_ms), (2, 40, 60));
        assert_eq!((second.connections, second.sign_ins), (7, Slot::default().sign_ins));
        let tomorrow = start + SLOT * 287;
        assert_eq!(tally.day(tomorrow)[0].1, first);
        assert!(tally.day(start + SLOT * 600).iter().all(|(_, slot)| *slot == Slot::default()));
    }
}
