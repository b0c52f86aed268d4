//! What reaches open connections from outside: events of the bus, the re-check, and time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use ringfence_core::{
    error::AuthError,
    event::{Listener, SecurityEvent, Signal},
    ids::{IdentityId, SessionId},
    time::Timestamp,
};

use super::{
    LiveConnections,
    connection::{Directive, Ending},
    index::Key,
};

/// How often to look for hints of other processes, and to ask again what the store did not answer.
const LOOK: Duration = Duration::from_millis(250);
/// Sessions asked about at once.
const STEP: usize = 512;
/// Connections told something without a pause.
const ABREAST: usize = 64;
/// Signals taken together.
const BATCH: usize = 1024;

/// Sessions that may have ended.
#[derive(Default)]
struct Doubtful {
    all: bool,
    some: HashSet<SessionId>,
    /// People who may be reached elsewhere.
    moved: HashSet<IdentityId>,
}

impl Doubtful {
    fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty() && self.moved.is_empty()
    }
}

/// Whether `at` has come, which was never further away than `every`: a clock that was turned back is not waited for.
fn is_due(at: Timestamp, every: Duration, now: Timestamp) -> bool {
    now >= at || at > now + every
}

impl LiveConnections {
    /// Listens to the bus, keeps the time of all connections and records presence, until the bus has gone. The server runs
    /// this once; it is also what tells the authority of changes on other nodes.
    pub fn run(self: Arc<Self>) -> impl Future<Output = ()> + Send {
        // At once, so that nothing is missed before the first poll.
        let listener = self.authority.listen();
        async move {
            tokio::select! {
                () = self.listen(listener) => {}
                () = self.keep_time() => {}
                () = self.vouch() => {}
                () = self.recorder.run(&self.authority) => {}
            }
        }
    }

    async fn listen(&self, mut listener: Listener) {
        let clock = self.authority.clock();
        let mut doubtful = Doubtful::default();
        let mut hint = self.authority.hint().await.ok();
        let mut look_at = clock.now() + LOOK;
        loop {
            tokio::select! {
                signal = listener.next() => {
                    let Some(signal) = signal else { return };
                    self.take_in(signal, &mut doubtful);
                    for _ in 1..BATCH {
                        let Some(signal) = listener.try_next() else { break };
                        self.take_in(signal, &mut doubtful);
                    }
                }
                () = clock.sleep_until(look_at) => {}
            }
            let now = clock.now();
            if is_due(look_at, LOOK, now) {
                look_at = now + LOOK;
                self.authority.tally().connections(now, self.signed_in());
                let found = self.authority.hint().await.ok();
                if found.is_some() && found != hint {
                    hint = found;
                    self.take_in(Signal::Gap, &mut doubtful);
                }
            }
            self.settle(&mut doubtful).await;
        }
    }

    /// Directs at once what an event says for certain, and notes what has to be asked about.
    fn take_in(&self, signal: Signal, doubtful: &mut Doubtful) {
        self.authority.hear(signal);
        let key = match signal {
            Signal::Gap => {
                doubtful.all = true;
                return;
            }
            Signal::Event(SecurityEvent::SessionRevoked(id)) => return self.end(id, self.authority.clock().now()),
            Signal::Event(SecurityEvent::CredentialChanged(id) | SecurityEvent::IdentityChanged(id)) => {
                Key::Identity(id)
            }
            Signal::Event(SecurityEvent::ApplicationChanged(id)) => Key::Application(id),
            Signal::Event(SecurityEvent::EndpointGroupChanged(id)) => Key::EndpointGroup(id),
            Signal::Event(SecurityEvent::ProjectChanged(id)) => Key::Project(id),
            // Sessions outlive the keys that signed their tokens, and whether one counts is no matter of roles.
            Signal::Event(SecurityEvent::KeysChanged(_) | SecurityEvent::MembershipChanged(_)) => return,
            Signal::Event(SecurityEvent::PresenceChanged(id)) => {
                doubtful.moved.insert(id);
                return;
            }
        };
        let members = self.index.members(key);
        doubtful.some.extend(members.iter().filter_map(|member| member.bound()).map(|bound| bound.session));
    }

    fn end(&self, session: SessionId, since: Timestamp) {
        let now = self.uptime();
        for connection in self.index.members(Key::Session(session)) {
            // A session that ran out does not count either, and the timer has not been round yet.
            let ran_out = connection.bound().is_some_and(|bound| bound.span.closes <= now);
            let ending = if ran_out { Ending::Expired } else { Ending::Revoked(since) };
            connection.post(Directive::Ended(ending));
        }
    }

    /// A session may end sooner than it was to when its connections signed in.
    fn shorten(&self, session: SessionId, end: Timestamp, now: Timestamp) {
        let uptime = self.uptime();
        for connection in self.index.members(Key::Session(session)) {
            if connection.shorten(session, uptime + end.since(now), uptime) {
                self.arm(&connection);
            }
        }
    }

    /// Asks about doubtful sessions and ends those that do not count; what could not be asked stays doubtful.
    async fn settle(&self, doubtful: &mut Doubtful) {
        if doubtful.is_empty() {
            return;
        }
        let asked = std::mem::take(doubtful);
        let moved: Vec<IdentityId> =
            asked.moved.into_iter().filter(|id| !self.index.members(Key::Identity(*id)).is_empty()).collect();
        let whose = if asked.all { None } else { Some(&moved[..]) };
        if whose.is_none_or(|whose| !whose.is_empty())
            && let Err(cause) = self.compare(whose).await
        {
            // The next confirmation makes up for it.
            tracing::warn!(code = cause.code(), "who is reached was not compared with other nodes");
        }
        let sessions = if asked.all { self.index.sessions() } else { asked.some.into_iter().collect() };
        if let Err((cause, rest)) = self.ask_about(&sessions).await {
            tracing::warn!(code = cause.code(), sessions = rest.len(), "open connections were not re-checked");
            doubtful.some.extend(rest);
        }
    }

    /// Asks about these sessions and ends those that do not count; or says why not, and about which nothing is known.
    pub(super) async fn ask_about<'a>(&self, sessions: &'a [SessionId]) -> Result<(), (AuthError, &'a [SessionId])> {
        let since = self.authority.clock().now();
        let mut rest = sessions;
        while let Some((step, later)) = rest.split_at_checked(STEP.min(rest.len())).filter(|(step, _)| !step.is_empty())
        {
            let live = match self.authority.still_live(step.to_vec()).await {
                Ok(live) => live.into_iter().collect::<HashMap<SessionId, Timestamp>>(),
                Err(cause) => return Err((cause, rest)),
            };
            for id in step {
                match live.get(id) {
                    Some(end) => self.shorten(*id, *end, since),
                    None => self.end(*id, since),
                }
            }
            rest = later;
        }
        Ok(())
    }

    async fn keep_time(&self) {
        let clock = self.authority.clock();
        let mut now = clock.now();
        loop {
            clock.sleep_until(Timestamp::from_seconds(now.seconds() + 1)).await;
            let before = clock.now();
            self.turn().await;
            // A second that begins during the turn is not left out; and a clock that was turned back is not waited for.
            now = before.min(clock.now());
        }
    }

    /// Looks at every connection that is due.
    async fn turn(&self) {
        let now = self.uptime();
        let due = self.wheel().turn(now.second());
        for some in due.chunks(ABREAST) {
            for connection in some.iter().filter_map(Weak::upgrade) {
                if connection.look(now) {
                    self.arm(&connection);
                }
            }
            // Thousands may close now; whoever asks for something else meanwhile does not wait for all of them.
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n97_a_clock_that_was_turned_back_does_not_put_off_the_next_look() {
        let now = Timestamp::from_seconds(10_000);
        assert!(!is_due(now + LOOK, LOOK, now));
        assert!(is_due(now, LOOK, now) && is_due(now - LOOK, LOOK, now));
        assert!(is_due(now + Duration::from_hours(1), LOOK, now));
    }
}
