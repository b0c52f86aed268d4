//! What was revoked, for as long as a token that it concerns could still count, in memory that does not grow beyond a limit.

use std::{collections::HashMap, hash::Hash, mem::size_of, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    claims::{LEEWAY, Moment, Names},
    refusal::Refusal,
    set::{Event, Whom},
};

/// A session or a subject by half of its digest: of fixed size, however long its name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name([u8; 16]);

impl Name {
    /// The name of an id.
    pub fn of(id: &str) -> Self {
        let mut name = [0; 16];
        name.copy_from_slice(&digest(&SHA256, id.as_bytes()).as_ref()[..16]);
        Self(name)
    }
}

/// What holds for the tokens of a session or a subject.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// The second in which it happened. There are many marks, so they are small.
    at: u32,
    /// All of its tokens, or those from before.
    all: bool,
}

/// The revocations.
#[derive(Debug)]
pub struct Revoked {
    marks: HashMap<Name, Mark>,
    capacity: usize,
    keep: Duration,
    /// Tokens made up to this moment are refused, whosesoever they are: more was revoked than there is room for.
    floor: Option<Moment>,
    /// How many there may be before it is worth looking for old ones.
    look_at: usize,
}

/// No fewer marks are worth a search for old ones.
const FEW: usize = 1024;

/// What a mark takes at most, in bytes: a table has up to twice the places that it fills to seven eighths, and while it grows
/// there is the old one too.
pub const BYTES: usize = (size_of::<(Name, Mark)>() + 1) * 16 / 7 * 3 / 2;

impl Revoked {
    /// Room for `capacity` marks, of tokens that live `longest` at most.
    pub fn new(capacity: usize, longest: Duration) -> Self {
        Self { marks: HashMap::new(), capacity, keep: longest + LEEWAY, floor: None, look_at: FEW }
    }

    /// Takes in an event; says whether it was one too many, so that everybody is concerned.
    pub fn add(&mut self, event: &Event, now: Moment) -> bool {
        let at = whole(event.at);
        if self.is_over(at, now) {
            return false;
        }
        let (name, all) = match event.whom {
            Whom::Session(name) => (name, true),
            Whom::Subject(name) => (name, false),
        };
        if let Some(mark) = self.marks.get_mut(&name) {
            *mark = Mark { at: mark.at.max(at), all: mark.all || all };
            return false;
        }
        let full = self.marks.len() >= self.capacity;
        if full || self.marks.len() >= self.look_at {
            self.sweep(now);
        }
        // Little room is none: looking through all of them for each new one would keep everybody waiting.
        if full && self.marks.len() + self.capacity / 16 >= self.capacity {
            // Never forget one early: refuse the tokens of everybody up to now, and none of the marks is needed any more.
            let last = self.marks.values().map(|mark| mark.at).fold(at, u32::max);
            // Nodes whose clocks differ made tokens of these sessions that are younger than the end of the session.
            self.floor = self.floor.max(Some(moment(last) + LEEWAY));
            self.marks = HashMap::new();
            return true;
        }
        self.marks.insert(name, Mark { at, all });
        false
    }

    /// Why tokens of this session and subject, made at this moment, are refused, if they are.
    pub fn refuses(&self, names: Names, issued_at: Moment) -> Option<Refusal> {
        if self.marks.get(&names.session).is_some_and(|mark| mark.all) {
            return Some(Refusal::Revoked);
        }
        // `iat` counts whole seconds, and the request that changed something may have made a token with what holds now.
        let is_older = self.marks.get(&names.subject).is_some_and(|mark| whole(issued_at) < mark.at);
        let is_below = self.floor.is_some_and(|floor| issued_at <= floor);
        (is_older || is_below).then_some(Refusal::Superseded)
    }

    /// Forgets what concerns no token any more.
    pub fn sweep(&mut self, now: Moment) {
        let (keep, before) = (self.keep, self.marks.capacity());
        self.marks.retain(|_, mark| moment(mark.at) + keep > now);
        self.floor = self.floor.filter(|floor| *floor + keep > now);
        self.look_at = (2 * self.marks.len()).max(FEW);
        if before > 4 * self.look_at {
            self.marks.shrink_to(self.look_at);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    fn is_over(&self, at: u32, now: Moment) -> bool {
        moment(at) + self.keep <= now
    }
}

/// The second of a moment, until 2106.
fn whole(moment: Moment) -> u32 {
    u32::try_from(moment.as_secs()).unwrap_or(u32::MAX)
}

fn moment(second: u32) -> Moment {
    Duration::from_secs(second.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const NOW: Moment = Duration::from_hours(500_000);

    fn names(session: &str, subject: &str) -> Names {
        Names { session: Name::of(session), subject: Name::of(subject) }
    }

    fn ended(session: &str, at: Moment) -> Event {
        Event { whom: Whom::Session(Name::of(session)), at, from: at }
    }

    fn changed(subject: &str, at: Moment) -> Event {
        Event { whom: Whom::Subject(Name::of(subject)), at, from: at }
    }

    #[test]
    fn a_session_that_ended_is_refused_until_its_last_token_is_over() {
        let mut revoked = Revoked::new(10, HOUR);
        revoked.add(&ended("s1", NOW), NOW);
        for now in [NOW, NOW + HOUR] {
            revoked.sweep(now);
            assert_eq!(revoked.refuses(names("s1", "ann"), NOW), Some(Refusal::Revoked));
        }
        assert_eq!(revoked.refuses(names("s2", "ann"), NOW), None);
        revoked.sweep(NOW + HOUR + LEEWAY);
        assert_eq!(revoked.len(), 0);
        revoked.add(&ended("s1", NOW), NOW + HOUR + LEEWAY);
        assert_eq!(revoked.len(), 0);
    }

    #[test]
    fn a_change_of_a_user_concerns_the_tokens_of_before() {
        let mut revoked = Revoked::new(10, HOUR);
        revoked.add(&changed("ann", NOW + Duration::from_millis(700)), NOW);
        let second = Duration::from_secs(1);
        let before = NOW.saturating_sub(second);
        assert_eq!(revoked.refuses(names("s1", "ann"), before), Some(Refusal::Superseded));
        assert_eq!(revoked.refuses(names("s1", "ann"), NOW), None);
        assert_eq!(revoked.refuses(names("s1", "bob"), before), None);
        // An older word changes nothing, a younger one does.
        revoked.add(&changed("ann", before), NOW);
        assert_eq!(revoked.refuses(names("s1", "ann"), before), Some(Refusal::Superseded));
        revoked.add(&changed("ann", NOW + second), NOW);
        assert_eq!(revoked.refuses(names("s1", "ann"), NOW), Some(Refusal::Superseded));
    }

    #[test]
    fn one_too_many_concerns_everybody_and_forgets_nobody() {
        let mut revoked = Revoked::new(3, HOUR);
        for (number, session) in (0..).zip(["s0", "s1", "s2"]) {
            assert!(!revoked.add(&ended(session, NOW + Duration::from_secs(number)), NOW));
        }
        assert!(!revoked.add(&ended("s1", NOW), NOW), "it is known already");
        assert!(revoked.add(&ended("s3", NOW), NOW));
        assert_eq!(revoked.len(), 0);
        let last = NOW + Duration::from_secs(2) + LEEWAY;
        for session in ["s0", "s1", "s2", "s3", "other"] {
            assert_eq!(revoked.refuses(names(session, "ann"), last), Some(Refusal::Superseded), "{session}");
        }
        assert_eq!(revoked.refuses(names("other", "ann"), last + Duration::from_secs(1)), None);
        revoked.sweep(last + HOUR + LEEWAY);
        assert_eq!(revoked.refuses(names("other", "ann"), last), None);
    }

    #[test]
    fn old_ones_make_room_before_everybody_pays() {
        let mut revoked = Revoked::new(3, HOUR);
        for session in ["s0", "s1", "s2"] {
            revoked.add(&ended(session, NOW), NOW);
        }
        let later = NOW + HOUR + LEEWAY;
        assert!(!revoked.add(&ended("s3", later), later));
        assert_eq!(revoked.len(), 1);
    }

    #[test]
    fn a_mark_is_as_small_as_is_written() {
        // docs/verify.md says so.
        const { assert!(BYTES <= 90) };
        let mut revoked = Revoked::new(1_000_000, HOUR);
        for number in 0..100_000_u32 {
            revoked.add(&ended(&number.to_string(), NOW), NOW);
        }
        assert_eq!(revoked.len(), 100_000);
        assert!(revoked.marks.capacity() * 8 / 7 * (size_of::<(Name, Mark)>() + 1) <= 100_000 * BYTES);
        revoked.sweep(NOW + 2 * HOUR);
        assert!(revoked.marks.capacity() < 8 * FEW);
    }
}
