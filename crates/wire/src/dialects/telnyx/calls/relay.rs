//! What one side of a call says, on its way to the other (sheet, 3.11).

use serde_json::{Map, Value, json};

use super::{
    LegName, Seat, Switchboard,
    call::{Call, Pending},
    frames::{self, Cause},
    lock,
};
use crate::{
    jsonrpc::{INVALID_REQUEST, Id},
    live::Directive,
};

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Relayed {
    /// It went on; this is the result's message.
    Done(&'static str),
    /// So is the hold.
    Hold(&'static str),
    /// The other side will answer.
    Later,
    /// There is no such call here, or it is not for this side to say that.
    NoCall,
    /// Nobody knows this method.
    Unknown,
}

/// What the other side does not need, or is told in its own words.
const OWN: [&str; 4] = ["sessid", "dialogParams", "User-Agent", "callID"];

impl Switchboard {
    /// Relays `method` of the leg `call` of this seat.
    pub(in super::super) fn relay(
        &self,
        seat: &Seat,
        id: Option<&Id>,
        method: &str,
        call: &str,
        mut params: Map<String, Value>,
    ) -> Relayed {
        let name = (seat.sessid, call.to_owned());
        let Some(call) = self.call(&name) else { return Relayed::NoCall };
        let mut call = lock(&call);
        if !call.leg_mut(&name).is_some_and(|leg| leg.is_held_by(seat.connection.id())) {
            return Relayed::NoCall;
        }
        for own in OWN {
            params.remove(own);
        }
        let is_caller = call.caller.name == name;
        match method {
            "telnyx_rtc.bye" => {
                self.bye(&mut call, &name, &params);
                Relayed::Done("CALL ENDED")
            }
            "telnyx_rtc.answer" if !is_caller && !call.answered => {
                self.answered(&mut call, &name, &params);
                Relayed::Done("CALL ANSWERED")
            }
            "telnyx_rtc.ringing" | "telnyx_rtc.media" if !is_caller && !call.answered => {
                self.pass_on(&call, &name, method, &params);
                Relayed::Done("OK")
            }
            "telnyx_rtc.candidate" | "telnyx_rtc.endOfCandidates" | "telnyx_rtc.info" => {
                self.pass_on(&call, &name, method, &params);
                Relayed::Done("SENT")
            }
            "telnyx_rtc.modify" => self.modify(&mut call, &name, id, &params),
            "telnyx_rtc.answer" | "telnyx_rtc.ringing" | "telnyx_rtc.media" => Relayed::NoCall,
            _ => Relayed::Unknown,
        }
    }

    /// Tells the other side, and returns the id of our request to the last of them.
    fn pass_on(&self, call: &Call, name: &LegName, method: &str, params: &Map<String, Value>) -> Option<i64> {
        call.peers(name).iter().map(|peer| self.tell(peer, method, to_leg(params, &peer.name.1))).last()
    }

    fn bye(&self, call: &mut Call, name: &LegName, params: &Map<String, Value>) {
        let mut spoken = Cause::NORMAL.bye("");
        for (member, value) in &mut spoken {
            if let Some(own) = params.get(member).filter(|own| own.is_string() || own.is_number()) {
                *value = own.clone();
            }
        }
        self.end(call, name, |leg| {
            self.tell(leg, "telnyx_rtc.bye", to_leg(&spoken, &leg.name.1));
        });
    }

    /// One of those that rang has answered: the others stop ringing.
    fn answered(&self, call: &mut Call, name: &LegName, params: &Map<String, Value>) {
        call.answered = true;
        let others: Vec<_> = call.callees.extract_if(.., |leg| leg.name != *name).collect();
        for other in &others {
            self.hang_up(other, Cause::ELSEWHERE);
        }
        self.forget(others.iter().map(|other| &other.name));
        self.pass_on(call, name, "telnyx_rtc.answer", params);
    }

    fn modify(&self, call: &mut Call, name: &LegName, id: Option<&Id>, params: &Map<String, Value>) -> Relayed {
        let action = params.get("action").and_then(Value::as_str).unwrap_or_default();
        if action == "updateMedia" {
            let Some(relayed) = self.pass_on(call, name, "telnyx_rtc.modify", params) else { return Relayed::NoCall };
            let Some(asked) = id.cloned() else { return Relayed::Later };
            call.pending = Some(Pending { relayed, asked, by: name.clone() });
            return Relayed::Later;
        }
        let Some(leg) = call.leg_mut(name) else { return Relayed::NoCall };
        leg.held = match action {
            "hold" => true,
            "unhold" => false,
            "toggleHold" => !leg.held,
            _ => return Relayed::NoCall,
        };
        let state = if leg.held { "held" } else { "active" };
        self.pass_on(call, name, "telnyx_rtc.modify", params);
        Relayed::Hold(state)
    }

    /// Takes in the answer to a request of ours: a telephone that rings, or a change of media.
    pub(in super::super) fn acknowledged(&self, seat: &Seat, id: i64, result: Option<&Value>) {
        for (name, call) in self.calls_of(seat.sessid) {
            let mut call = lock(&call);
            if call.leg_mut(&name).is_some_and(|leg| leg.invite == Some(id)) {
                if let Some(leg) = call.leg_mut(&name) {
                    leg.invite = None;
                }
                self.rings(&call);
                return;
            }
            if let Some(pending) = call.pending.take_if(|pending| pending.relayed == id) {
                forward(&mut call, &pending, result);
                return;
            }
        }
    }

    fn rings(&self, call: &Call) {
        if !call.answered {
            let params = json!({ "callID": call.caller.name.1, "telnyx_session_id": call.caller.name.0 });
            if let Value::Object(params) = params {
                self.tell(&call.caller, "telnyx_rtc.ringing", params);
            }
        }
    }
}

/// Hands the other side's answer to the one who asked.
fn forward(call: &mut Call, pending: &Pending, result: Option<&Value>) {
    let Some(seat) = call.leg_mut(&pending.by).and_then(|leg| leg.seat.as_ref()) else { return };
    let frame = match result {
        Some(result) => frames::answer(&pending.asked, result, &seat.voice),
        None => frames::failure(Some(&pending.asked), INVALID_REQUEST, "Refused by the other side"),
    };
    seat.connection.post(Directive::Deliver(frame));
}

fn to_leg(params: &Map<String, Value>, leg: &str) -> Map<String, Value> {
    let mut params = params.clone();
    params.insert("callID".to_owned(), leg.into());
    params
}
