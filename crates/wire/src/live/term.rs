//! Until when a connection stays, and when that is said.

use std::time::Duration;

use ringfence_core::time::Timestamp;

use super::uptime::Uptime;

/// How long a connection is to stay, as it was agreed when somebody signed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    /// When what it goes by ends.
    pub(crate) end: Timestamp,
    /// How long it stays after that.
    pub(crate) grace: Duration,
    /// How long before `end` the first warning comes.
    pub(crate) lead: Option<Duration>,
}

/// When warnings after the first come.
const AGAIN: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(10)];
/// Readings of a clock differ by less.
const JITTER: Duration = Duration::from_secs(1);

/// A term on the node's own time, never beyond the end of the session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// What warnings count down to.
    pub(super) ends: Uptime,
    /// When the connection is closed.
    pub(super) closes: Uptime,
    lead: Option<Duration>,
}

impl Span {
    pub(super) fn new(term: Term, session_ends: Timestamp, now: Timestamp, uptime: Uptime) -> Self {
        let at = |moment: Timestamp| uptime + moment.since(now);
        let session = at(session_ends);
        Self { ends: at(term.end).min(session), closes: (at(term.end) + term.grace).min(session), lead: term.lead }
    }

    /// Ends by `end` if it would end later, and says whether it would have.
    pub(super) fn shorten(&mut self, end: Uptime) -> bool {
        let shorter = end + JITTER < self.closes;
        if shorter {
            self.closes = end;
            self.ends = self.ends.min(end);
        }
        shorter
    }

    /// When the next warning is due after one at `now`, or after the end was told.
    pub(super) fn next_warning(&self, now: Uptime) -> Option<Uptime> {
        let (lead, left) = (self.lead?, self.ends.since(now));
        let mut leads = [lead].into_iter().chain(AGAIN.into_iter().filter(|again| *again < lead));
        leads.find(|lead| *lead < left).map(|lead| self.ends - lead)
    }

    /// Whether the time of the first warning has come.
    pub(super) fn should_have_warned(&self, now: Uptime) -> bool {
        self.lead.is_some_and(|lead| self.ends.since(now) <= lead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn span(end: u64, grace: u64, session: u64) -> Span {
        let at = |seconds| NOW + Duration::from_secs(seconds);
        let term = Term { end: at(end), grace: Duration::from_secs(grace), lead: Some(Duration::from_mins(1)) };
        Span::new(term, at(session), NOW, Uptime::of_second(0))
    }

    fn warnings(span: Span) -> Vec<u64> {
        let mut at = Uptime::of_second(0);
        let next = || {
            at = span.next_warning(at)?;
            Some(span.ends.since(at).as_secs())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn n57_warnings_repeat_and_the_end_comes_after_the_grace_or_with_the_session() {
        assert_eq!(warnings(span(300, 10, 3600)), [60, 30, 10]);
        assert_eq!(warnings(span(60, 10, 3600)), [30, 10]);
        assert_eq!(warnings(span(5, 10, 3600)), [0_u64; 0]);
        let closes = |span: Span| span.closes.second();
        assert_eq!(
            [closes(span(300, 10, 3600)), closes(span(300, 10, 305)), closes(span(300, 10, 100))],
            [310, 305, 100]
        );
    }

    #[test]
    fn a_session_that_ends_sooner_shortens_and_warns_at_once() {
        let mut span = span(300, 10, 3600);
        assert!(!span.shorten(Uptime::of_second(400)));
        assert!(span.shorten(Uptime::of_second(50)));
        assert_eq!((span.ends.second(), span.closes.second()), (50, 50));
        assert!(span.should_have_warned(Uptime::of_second(0)));
        assert!(!span.shorten(Uptime::of_second(50)));
    }
}
