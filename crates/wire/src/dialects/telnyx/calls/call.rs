//! One call: who calls, who rings, who answered.

use std::{
    collections::btree_map::Entry,
    sync::{Arc, Mutex},
};

use ringfence_core::{
    ids::{ConnectionId, SessionId},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{LegName, Seat, Switchboard, lock};
use crate::jsonrpc::Id;

/// One side of a call.
pub(in super::super) struct Leg {
    pub(super) name: LegName,
    /// The socket that holds it; none while its session is away.
    pub(super) seat: Option<Seat>,
    /// Until when it waits for its session, the last time that this went away.
    pub(super) waits_until: Option<Timestamp>,
    /// Our request that made it ring, until it is acknowledged.
    pub(super) invite: Option<i64>,
    /// Whether it put the other side on hold.
    pub(super) held: bool,
}

impl Leg {
    fn new(name: LegName, seat: &Seat) -> Self {
        Self { name, seat: Some(seat.clone()), waits_until: None, invite: None, held: false }
    }

    pub(in super::super) fn is_held_by(&self, connection: ConnectionId) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.connection.id() == connection)
    }

    /// Whether its session is away and did not come back in time.
    pub(in super::super) fn is_given_up(&self, now: Timestamp) -> bool {
        self.seat.is_none() && self.waits_until.is_some_and(|until| until <= now)
    }
}

/// A change of media that one side asked for and the other has not answered yet.
pub(super) struct Pending {
    /// Our request to the other side.
    pub(super) relayed: i64,
    /// The request of the one who asked.
    pub(super) asked: Id,
    /// The one who asked.
    pub(super) by: LegName,
}

/// A call.
pub(super) struct Call {
    pub(super) caller: Leg,
    /// Those that ring; the one that answered, from then on.
    pub(super) callees: Vec<Leg>,
    pub(super) answered: bool,
    pub(super) pending: Option<Pending>,
}

impl Call {
    pub(super) fn leg_mut(&mut self, name: &LegName) -> Option<&mut Leg> {
        std::iter::once(&mut self.caller).chain(&mut self.callees).find(|leg| leg.name == *name)
    }

    /// The legs that hear what `name` says. Before the answer the caller hears from one only, or it would mix them up.
    pub(super) fn peers(&self, name: &LegName) -> &[Leg] {
        if self.caller.name == *name {
            &self.callees
        } else if self.callees.len() == 1 && self.callees[0].name == *name {
            std::slice::from_ref(&self.caller)
        } else {
            &[]
        }
    }

    /// Takes out the leg `name` and those that end with it.
    pub(super) fn remove(&mut self, name: &LegName) -> Vec<Leg> {
        let rings_elsewhere = !self.answered && self.callees.len() > 1 && self.caller.name != *name;
        let mut all = std::mem::take(&mut self.callees);
        if rings_elsewhere {
            let gone = all.extract_if(.., |leg| leg.name == *name).collect();
            self.callees = all;
            return gone;
        }
        let caller = &mut self.caller;
        let seat = caller.seat.take();
        all.push(Leg { name: caller.name.clone(), seat, waits_until: None, invite: None, held: false });
        all
    }
}

/// What a caller wants, and what we say of the caller.
pub(in super::super) struct Invitation {
    pub(in super::super) call: String,
    pub(in super::super) sdp: Value,
    pub(in super::super) caller_name: String,
    /// The name that the caller is called by: ours to say.
    pub(in super::super) caller_number: String,
    pub(in super::super) callee_name: String,
    /// The caller's own headers and ours.
    pub(in super::super) headers: Vec<Value>,
    pub(in super::super) trickle: bool,
}

/// Why no call came of an invitation.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum NoCall {
    /// The session has a call of this id.
    SameId,
    /// The session has as many as it may.
    TooMany,
}

impl Switchboard {
    /// Has every seat of `to` ring, each by an id of its own.
    pub(in super::super) fn invite(
        &self,
        from: &Seat,
        to: &[(Seat, String)],
        invitation: &Invitation,
    ) -> Result<(), NoCall> {
        let name = (from.sessid, invitation.call.clone());
        if self.calls_of(from.sessid).len() >= Self::MOST_CALLS {
            return Err(NoCall::TooMany);
        }
        let caller = Leg::new(name.clone(), from);
        let call = Arc::new(Mutex::new(Call { caller, callees: Vec::new(), answered: false, pending: None }));
        // Held until all ring: what they say meanwhile waits.
        let mut ringing = lock(&call);
        match lock(&self.legs).entry(name) {
            Entry::Vacant(vacant) => drop(vacant.insert(Arc::clone(&call))),
            Entry::Occupied(_) => return Err(NoCall::SameId),
        }
        for (seat, id) in to {
            let mut leg = Leg::new((seat.sessid, id.clone()), seat);
            lock(&self.legs).insert(leg.name.clone(), Arc::clone(&call));
            leg.invite = Some(self.tell(&leg, "telnyx_rtc.invite", invitation.params(id, from.sessid)));
            ringing.callees.push(leg);
        }
        drop(ringing);
        Ok(())
    }
}

impl Invitation {
    fn params(&self, leg: &str, session: SessionId) -> Map<String, Value> {
        let params = json!({
            "callID": leg,
            "sdp": self.sdp,
            "caller_id_name": self.caller_name,
            "caller_id_number": self.caller_number,
            "callee_id_name": self.callee_name,
            "callee_id_number": self.callee_name,
            "telnyx_session_id": session,
            "telnyx_leg_id": leg,
            "trickle": self.trickle,
            "dialogParams": { "custom_headers": self.headers },
        });
        if let Value::Object(params) = params { params } else { Map::new() }
    }
}
