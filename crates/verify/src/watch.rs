//! Connections that are open on a token: each hears once that it has to end.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::sync::Notify;

use crate::{
    claims::{Moment, Names},
    refusal::Refusal,
    revoked::Name,
    set::Whom,
};

/// A connection that has to end, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its subject (`sub`).
    pub subject: String,
    /// Its session (`sid`).
    pub session: String,
    /// What its token would be refused for now: [`Refusal::Revoked`], [`Refusal::Superseded`], [`Refusal::Expired`] or
    /// [`Refusal::Unconfirmed`].
    pub reason: Refusal,
}

/// Where the word is left for a connection.
#[derive(Default)]
pub struct Bell {
    reason: OnceLock<Refusal>,
    rung: Notify,
}

impl Bell {
    /// Resolves when the connection has to end, also when that was before.
    pub async fn heard(&self) -> Refusal {
        loop {
            let rung = self.rung.notified();
            if let Some(reason) = self.reason.get() {
                return *reason;
            }
            rung.await;
        }
    }

    fn ring(&self, reason: Refusal) {
        // The first reason counts.
        if self.reason.set(reason).is_ok() {
            self.rung.notify_waiters();
        }
    }
}

struct Entry {
    names: Names,
    issued_at: Moment,
    bell: Arc<Bell>,
}

/// Everybody who is connected here.
#[derive(Default)]
pub struct Connected {
    next: u64,
    all: HashMap<u64, Entry>,
    /// Both sessions and subjects: their digests do not meet.
    by_name: HashMap<Name, HashSet<u64>>,
}

impl Connected {
    /// Enters a connection.
    pub fn enter(&mut self, names: Names, issued_at: Moment) -> (u64, Arc<Bell>) {
        self.next += 1;
        let bell = Arc::<Bell>::default();
        self.all.insert(self.next, Entry { names, issued_at, bell: Arc::clone(&bell) });
        for name in [names.session, names.subject] {
            self.by_name.entry(name).or_default().insert(self.next);
        }
        (self.next, bell)
    }

    /// Lets go of one.
    pub fn leave(&mut self, number: u64) {
        let Some(entry) = self.all.remove(&number) else { return };
        for name in [entry.names.session, entry.names.subject] {
            let Some(numbers) = self.by_name.get_mut(&name) else { continue };
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_name.remove(&name);
            }
        }
    }

    /// Tells those that an event may concern and that `judge` has a reason for.
    pub fn tell(&self, whom: Whom, judge: impl Fn(Names, Moment) -> Option<Refusal>) {
        let (Whom::Session(name) | Whom::Subject(name)) = whom;
        let numbers = self.by_name.get(&name).into_iter().flatten();
        ring(numbers.filter_map(|number| self.all.get(number)), judge);
    }

    /// Tells all that `judge` has a reason for.
    pub fn tell_all(&self, judge: impl Fn(Names, Moment) -> Option<Refusal>) {
        ring(self.all.values(), judge);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }
}

fn ring<'a>(entries: impl Iterator<Item = &'a Entry>, judge: impl Fn(Names, Moment) -> Option<Refusal>) {
    for entry in entries {
        if let Some(reason) = judge(entry.names, entry.issued_at) {
            entry.bell.ring(reason);
        }
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("connections", &self.all.len()).finish_non_exhaustive()
    }
}
