//! What reaches open connections from outside: events of the bus, the re-check, and time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use ringfence_core::{
    event::{Listener, SecurityEvent, Signal},
    ids::SessionId,
    time::Timestamp,
};

use super::{
    LiveConnections,
    connection::{Directive, Ending},
    index::Key,
};

/// How often every session is asked about, in case an announcement was missed.
const RECHECK: Duration = Duration::from_secs(30);
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
}

impl Doubtful {
    fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
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
                () = self.recorder.run(&self.authority) => {}
            }
        }
    }

    async fn listen(&self, mut listener: Listener) {
        let clock = self.authority.clock();
        let mut doubtful = Doubtful::default();
        let mut hint = self.authority.hint().await.ok();
        let (mut recheck_at, mut look_at) = (clock.now() + RECHECK, clock.now() + LOOK);
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
                () = clock.sleep_until(look_at.min(recheck_at)) => {}
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
            if is_due(recheck_at, RECHECK, now) {
                recheck_at = now + RECHECK;
                doubtful.all = true;
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
            // Sessions outlive the keys that signed their tokens.
            Signal::Event(SecurityEvent::KeysChanged(_)) => return,
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
        let since = self.authority.clock().now();
        let asked = std::mem::take(doubtful);
        let sessions = if asked.all { self.index.sessions() } else { asked.some.into_iter().collect() };
        for step in sessions.chunks(STEP) {
            match self.authority.still_live(step.to_vec()).await {
                Ok(live) => {
                    let live: HashMap<SessionId, Timestamp> = live.into_iter().collect();
                    for id in step {
                        match live.get(id) {
                            Some(end) => self.shorten(*id, *end, since),
                            None => self.end(*id, since),
                        }
                    }
                }
                Err(cause) => {
                    tracing::warn!(code = cause.code(), sessions = step.len(), "open connections were not re-checked");
                    doubtful.some.extend(step);
                }
            }
        }
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
    fn n97_a_clock_that_was_turned_back_does_not_put_off_the_re_check() {
        let now = Timestamp::from_seconds(10_000);
        assert!(!is_due(now + RECHECK, RECHECK, now));
        assert!(is_due(now, RECHECK, now) && is_due(now - RECHECK, RECHECK, now));
        assert!(is_due(now + Duration::from_hours(1), RECHECK, now));
    }
}
