//! Calls between sessions of one account: signalling is relayed, SDP untouched, media goes from browser to browser.
//!
//! Each side has a leg with an id of its own, so that nobody can name a call that is not theirs. A leg belongs to a session;
//! when its socket is lost it waits for the session to come back (sheet, 3.8). Both ends are on this node; a relay between
//! nodes is not built yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use ringfence_core::{
    ids::{ConnectionId, IdentityId, SessionId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::{
    frames::{self, Cause},
    voice::VoiceId,
};
use crate::live::{Connection, Directive};

mod call;
mod destination;
mod relay;

use call::{Call, Leg};
pub(super) use call::{Invitation, NoCall};
pub(super) use destination::Destination;
pub(super) use relay::Relayed;

/// A logged-in socket.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) connection: Arc<Connection>,
    pub(super) sessid: SessionId,
    pub(super) identity: IdentityId,
    pub(super) voice: VoiceId,
}

/// The name of a leg: the session it belongs to and the id that this session knows it by.
pub(super) type LegName = (SessionId, String);

/// Calls and who may have them.
#[derive(Default)]
pub(super) struct Switchboard {
    seats: Mutex<HashMap<ConnectionId, Seat>>,
    legs: Mutex<BTreeMap<LegName, Arc<Mutex<Call>>>>,
    requests: AtomicI64,
}

impl Switchboard {
    /// The real service counts from here.
    const FIRST_REQUEST: i64 = 100_001;
    /// Calls of one session at a time.
    const MOST_CALLS: usize = 16;

    /// The id of the server's next request.
    pub(super) fn next_request(&self) -> i64 {
        Self::FIRST_REQUEST + self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes a seat, in place of the one that the connection had.
    pub(super) fn sit(&self, seat: Seat) {
        lock(&self.seats).insert(seat.connection.id(), seat);
    }

    /// The seat of a connection.
    pub(super) fn seat(&self, connection: ConnectionId) -> Option<Seat> {
        lock(&self.seats).get(&connection).cloned()
    }

    /// Gives up the seat of a connection.
    pub(super) fn leave(&self, connection: ConnectionId) {
        lock(&self.seats).remove(&connection);
    }

    fn call(&self, name: &LegName) -> Option<Arc<Mutex<Call>>> {
        lock(&self.legs).get(name).cloned()
    }

    /// The calls of a session, by the ids that it knows them by.
    fn calls_of(&self, session: SessionId) -> Vec<(LegName, Arc<Mutex<Call>>)> {
        let legs = lock(&self.legs);
        let own = legs.range((session, String::new())..).take_while(|((owner, _), _)| *owner == session);
        own.map(|(name, call)| (name.clone(), Arc::clone(call))).collect()
    }

    /// Forgets the legs of a call that is over.
    fn forget<'a>(&self, names: impl IntoIterator<Item = &'a LegName>) {
        let mut legs = lock(&self.legs);
        for name in names {
            legs.remove(name);
        }
    }

    /// Sends a request of the server to whoever holds a leg, if anybody does at present.
    fn tell(&self, leg: &Leg, method: &str, params: Map<String, Value>) -> i64 {
        let id = self.next_request();
        if let Some(seat) = &leg.seat {
            seat.connection.post(Directive::Deliver(frames::request(id, method, params, &seat.voice)));
        }
        id
    }

    /// Ends a leg towards its holder.
    fn hang_up(&self, leg: &Leg, cause: Cause) {
        self.tell(leg, "telnyx_rtc.bye", cause.bye(&leg.name.1));
    }

    /// Legs of `session` that this connection holds are without a holder from now on, and wait for the session until then.
    /// Returns whether there are any.
    pub(super) fn detach(&self, session: SessionId, connection: ConnectionId, until: Timestamp) -> bool {
        let mut any = false;
        for (name, call) in self.calls_of(session) {
            let mut call = lock(&call);
            if let Some(leg) = call.leg_mut(&name).filter(|leg| leg.is_held_by(connection)) {
                (leg.seat, leg.waits_until) = (None, Some(until));
                any = true;
            }
        }
        any
    }

    /// Gives the legs of a session that nobody holds to the seat of the same session, and returns their ids.
    pub(super) fn reattach(&self, seat: &Seat) -> Vec<String> {
        let mut reattached = Vec::new();
        for (name, call) in self.calls_of(seat.sessid) {
            let mut call = lock(&call);
            if let Some(leg) = call.leg_mut(&name).filter(|leg| leg.seat.is_none()) {
                leg.seat = Some(seat.clone());
                reattached.push(name.1);
            }
        }
        reattached
    }

    /// Ends the calls of a session that `which` picks, towards everybody else in them.
    pub(super) fn drop_calls(&self, session: SessionId, which: impl Fn(&Leg) -> bool, cause: Cause) {
        for (name, call) in self.calls_of(session) {
            let mut call = lock(&call);
            if call.leg_mut(&name).is_some_and(|leg| which(leg)) {
                self.end(&mut call, &name, |leg| self.hang_up(leg, cause));
            }
        }
    }

    /// Takes the leg `name` out of its call, and ends the call when nobody is left to talk to.
    fn end(&self, call: &mut Call, name: &LegName, tell: impl Fn(&Leg)) {
        for gone in call.remove(name) {
            if gone.name != *name {
                tell(&gone);
            }
            self.forget([&gone.name]);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
