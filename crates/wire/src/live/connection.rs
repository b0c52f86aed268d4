//! One open connection as the rest of the node sees it: whose it is, when it is next due, and what it is told.

use std::{
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use ringfence_core::{
    ids::{ApplicationId, ConnectionId, EndpointGroupId, IdentityId, ProjectId, SessionId},
    presence::{Elsewhere, InboundPolicy},
    time::Timestamp,
};

use super::{index::Key, mailbox::Mailbox, term::Span, uptime::Uptime};

/// What a connection is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// Something from another conversation; the one here makes a frame of it.
    Deliver(String),
    /// Time for a ping of the conversation's own.
    Tick,
    /// What the connection goes by ends soon.
    ExpiresIn(Duration),
    /// Another connection of the same identity is reached from now on.
    TakenOver,
    /// This node stops.
    Draining {
        /// When to come back, different for each.
        retry_after: Duration,
    },
    /// This node cannot find out whether the session still counts.
    CutOff {
        /// When to come back, different for each.
        retry_after: Duration,
    },
    /// The session does not count any more.
    Ended(Ending),
    /// Nobody signed in in time.
    Overdue,
    /// Nothing was heard for too long.
    Silent,
    /// More messages than anybody needs.
    Flooding,
    /// More refused sign-ins than anybody needs.
    Guessing,
    /// What was sent is not read.
    TooSlow,
    /// It does not even take a good-bye.
    Stuck,
}

/// Why a session does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was ended, or what it depends on was. This node knows since then.
    Revoked(Timestamp),
    /// Its time is over.
    Expired,
}

impl Directive {
    /// Whether the connection ends by it.
    pub(super) const fn is_final(&self) -> bool {
        match self {
            Self::Deliver(_) | Self::Tick | Self::ExpiresIn(_) | Self::TakenOver => false,
            Self::Draining { .. }
            | Self::CutOff { .. }
            | Self::Ended(_)
            | Self::Overdue
            | Self::Silent
            | Self::Flooding
            | Self::Guessing
            | Self::TooSlow
            | Self::Stuck => true,
        }
    }
}

/// What a dialect expects of its sockets, and how patient it is.
#[derive(Debug)]
pub(crate) struct Habits {
    /// Until the first attempt to sign in.
    pub(crate) login: Duration,
    /// Until the next one, after one that was refused.
    pub(crate) retry: Duration,
    /// Between two things heard.
    pub(crate) idle: Duration,
    /// Between two [`Directive::Tick`]s, once somebody tried to sign in.
    pub(crate) tick: Option<Duration>,
    /// Whether each of these is a ping of the protocol's own, for clients that say nothing by themselves.
    pub(crate) ping: bool,
    /// How long before the end of the session to say so, where nothing else is agreed.
    pub(crate) warn: Option<Duration>,
    /// For the other end to take what is sent.
    pub(crate) write: Duration,
    /// Refused sign-ins.
    pub(crate) failures: u32,
    /// Messages a second in the long run.
    pub(crate) rate: u32,
    /// Messages at once.
    pub(crate) burst: u32,
    /// Bytes of a message.
    pub(crate) message: usize,
}

/// Whom a connection is registered for.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(super) project: ProjectId,
    pub(super) application: Option<ApplicationId>,
    pub(super) group: Option<EndpointGroupId>,
    pub(super) session: SessionId,
    pub(super) identity: IdentityId,
    pub(super) policy: InboundPolicy,
    pub(super) order: u64,
    pub(super) span: Span,
}

impl Bound {
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let keys = [Key::Session(self.session), Key::Identity(self.identity), Key::Project(self.project)];
        let owners = [self.application.map(Key::Application), self.group.map(Key::EndpointGroup)];
        keys.into_iter().chain(owners.into_iter().flatten())
    }
}

/// An open connection.
pub(crate) struct Connection {
    id: ConnectionId,
    dialect: &'static str,
    address: Option<IpAddr>,
    habits: &'static Habits,
    mailbox: Mailbox,
    heard: AtomicU64,
    state: Mutex<State>,
}

struct State {
    bound: Option<Bound>,
    /// What other nodes have beside it.
    beside: Elsewhere,
    sign_in_by: Option<Uptime>,
    tick_at: Option<Uptime>,
    warn_at: Option<Uptime>,
    /// When to give up on a write, or on the other end's good-bye.
    give_up_at: Option<Uptime>,
    /// The second in which the wheel holds this connection; entries elsewhere are left-overs.
    armed: u64,
    over: bool,
}

const NOT_ARMED: u64 = u64::MAX;

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        dialect: &'static str,
        address: Option<IpAddr>,
        habits: &'static Habits,
        now: Uptime,
    ) -> Self {
        let state = State {
            bound: None,
            beside: Elsewhere::default(),
            sign_in_by: Some(now + habits.login),
            tick_at: None,
            warn_at: None,
            give_up_at: None,
            armed: NOT_ARMED,
            over: false,
        };
        let heard = AtomicU64::new(now.second());
        Self { id, dialect, address, habits, mailbox: Mailbox::default(), heard, state: Mutex::new(state) }
    }

    /// Its id.
    pub(crate) const fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) const fn dialect(&self) -> &'static str {
        self.dialect
    }

    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(super) const fn habits(&self) -> &'static Habits {
        self.habits
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom it is registered for.
    pub(super) fn bound(&self) -> Option<Bound> {
        self.state().bound.clone()
    }

    /// Tells the connection something.
    pub(crate) fn post(&self, directive: Directive) {
        self.mailbox.put(directive);
    }

    pub(super) fn poll_directive(&self, context: &mut Context<'_>) -> Poll<Directive> {
        self.mailbox.poll_next(context)
    }

    pub(super) fn poll_urgent(&self, context: &mut Context<'_>) -> Poll<()> {
        self.mailbox.poll_urgent(context)
    }

    /// Something was heard.
    pub(super) fn heard(&self, now: Uptime) {
        self.heard.store(now.second(), Ordering::Relaxed);
    }

    /// Registers it for somebody and returns for whom it was registered before.
    pub(super) fn bind(&self, bound: Bound, now: Uptime) -> Option<Bound> {
        let mut state = self.state();
        state.sign_in_by = None;
        state.warn_at = bound.span.next_warning(now);
        state.start_ticking(self.habits, now);
        if state.bound.as_ref().is_none_or(|before| before.identity != bound.identity) {
            state.beside = Elsewhere::default();
        }
        state.bound.replace(bound)
    }

    /// What other nodes have beside it.
    pub(super) fn beside(&self) -> Elsewhere {
        self.state().beside
    }

    /// Other nodes have this beside it from now on; tells it when it has to yield by that.
    pub(super) fn set_beside(&self, beside: Elsewhere) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.beside, beside);
        let yields =
            state.bound.as_ref().is_some_and(|bound| bound.policy.yields(beside) && !bound.policy.yields(before));
        drop(state);
        if yields {
            self.mailbox.put(Directive::TakenOver);
        }
    }

    /// Its session ends by `end`, if it is still that session's; says whether that is sooner than was known.
    pub(super) fn shorten(&self, session: SessionId, end: Uptime, now: Uptime) -> bool {
        let mut state = self.state();
        let Some(bound) = state.bound.as_mut().filter(|bound| bound.session == session) else { return false };
        if !bound.span.shorten(end) {
            return false;
        }
        let (left, late) = (bound.span.ends.since(now), bound.span.should_have_warned(now));
        state.warn_at = bound.span.next_warning(now);
        drop(state);
        if late {
            self.mailbox.put(Directive::ExpiresIn(left));
        }
        true
    }

    /// A sign-in was refused: there is time for another.
    pub(super) fn tried(&self, now: Uptime) {
        let mut state = self.state();
        if state.bound.is_none() {
            state.sign_in_by = Some(now + self.habits.retry);
        }
        state.start_ticking(self.habits, now);
    }

    /// Gives the other end until then to take what is sent.
    pub(super) fn give_up_at(&self, deadline: Option<Uptime>) {
        self.state().give_up_at = deadline;
    }

    /// Has `put` enter the connection where it is next due, unless it is looked at before that anyway.
    pub(super) fn arm(&self, put: impl FnOnce(u64) -> u64) {
        let mut state = self.state();
        if let Some(due) = state.due(self.silent_at())
            && due.slot() < state.armed
        {
            state.armed = put(due.slot());
        }
    }

    fn silent_at(&self) -> Uptime {
        Uptime::of_second(self.heard.load(Ordering::Relaxed)) + self.habits.idle
    }

    /// Tells the connection what is due. An entry of the wheel led here; `false` when it was a left-over.
    pub(super) fn look(&self, now: Uptime) -> bool {
        let (silent_at, mut due) = (self.silent_at(), Vec::new());
        {
            let mut state = self.state();
            if state.armed > now.second() {
                return false;
            }
            state.armed = NOT_ARMED;
            state.fall_due(now, silent_at, self.habits, &mut due);
        }
        for directive in due {
            self.mailbox.put(directive);
        }
        true
    }
}

impl State {
    fn start_ticking(&mut self, habits: &Habits, now: Uptime) {
        if self.tick_at.is_none() {
            self.tick_at = habits.tick.map(|every| now + every);
        }
    }

    fn due(&self, silent_at: Uptime) -> Option<Uptime> {
        if self.over {
            return self.give_up_at;
        }
        let expires = self.bound.as_ref().map(|bound| bound.span.closes);
        let deadlines = [self.sign_in_by, expires, self.warn_at, self.tick_at, self.give_up_at, Some(silent_at)];
        deadlines.into_iter().flatten().min()
    }

    fn fall_due(&mut self, now: Uptime, silent_at: Uptime, habits: &Habits, due: &mut Vec<Directive>) {
        let passed = |deadline: Option<Uptime>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.give_up_at) {
            self.over = true;
            self.give_up_at = None;
            due.push(Directive::Stuck);
            return;
        }
        if self.over {
            return;
        }
        let last = if passed(self.bound.as_ref().map(|bound| bound.span.closes)) {
            Some(Directive::Ended(Ending::Expired))
        } else if passed(self.sign_in_by) {
            Some(Directive::Overdue)
        } else {
            passed(Some(silent_at)).then_some(Directive::Silent)
        };
        if let Some(last) = last {
            self.over = true;
            due.push(last);
            return;
        }
        if passed(self.warn_at) {
            self.warn_at = self.bound.as_ref().and_then(|bound| bound.span.next_warning(now));
            due.extend(self.bound.as_ref().map(|bound| Directive::ExpiresIn(bound.span.ends.since(now))));
        }
        if passed(self.tick_at) {
            self.tick_at = habits.tick.map(|every| now + every);
            due.push(Directive::Tick);
        }
    }
}
