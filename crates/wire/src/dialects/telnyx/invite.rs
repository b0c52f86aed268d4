//! Who is called by an invite, and what is said when nobody is (sheet, 3.11 and 5).

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ringfence_core::{
    authority::Authenticated,
    context::Ctx,
    error::AuthError,
    identity::{Identifier, IdentityKind},
    ids::{ConnectionId, IdentityId},
};
use serde_json::{Map, Value, json};

use super::{
    calls::{Destination, Invitation, NoCall, Seat},
    conversation::{Asked, TelnyxConversation, call_of},
    frames::{self, CallResult, Cause},
};
use crate::{jsonrpc::INVALID_PARAMS, live::Line, problem::log_refusal, pump::Step};

/// How long the calls of a session wait for it to come back: as long as the SDK remembers the session.
const GRACE: Duration = Duration::from_secs(90);
/// Names and headers that are passed on.
const MOST_TEXT: usize = 256;
const MOST_HEADERS: usize = 32;
/// Headers of this name are ours to set.
const OUR_HEADERS: &str = "x-ringfence-";

impl TelnyxConversation {
    /// Answers an invite. A call that cannot be is created and ended with its cause: the clean refusal of the sheet.
    pub(super) async fn invite(&mut self, line: &Line, ctx: &Ctx, asked: Asked) -> Step {
        let (Some(call), Some(seated)) = (call_of(&asked.params), &self.seat) else {
            return self.fail(&asked, INVALID_PARAMS, "Invalid params");
        };
        let called = match self.app.authority.holder_of(ctx, seated.session).await {
            Ok(who) => self.called(line, ctx, &who, dialog(&asked.params)).await.map(|called| (who, called)),
            Err(refusal) => Err(cause_of(&refusal)),
        };
        let seat = seated.seat.clone();
        let result = CallResult { call: &call, message: "CALL CREATED", hold: None, sessid: seat.sessid };
        let mut step = self.answer(asked.id.as_ref(), result);
        let outcome = called.and_then(|(who, (name, seats))| {
            let invitation = self.invitation(&who, &call, name, &asked.params);
            let mint =
                |seat: Seat| (seat, ConnectionId::mint(ctx.now, self.app.authority.entropy().as_ref()).to_string());
            let seats: Vec<_> = seats.into_iter().map(mint).collect();
            self.switchboard.invite(&seat, &seats, &invitation).map_err(|refusal| match refusal {
                NoCall::SameId | NoCall::TooMany => Cause::REJECTED,
            })
        });
        if let Err(cause) = outcome {
            let id = self.switchboard.next_request();
            step.send.push(frames::request(id, "telnyx_rtc.bye", cause.bye(&call), &self.voice));
        }
        step
    }

    /// The name that was called and the sockets that ring. A guest calls its assistant, whatever it dials.
    async fn called(
        &self,
        line: &Line,
        ctx: &Ctx,
        who: &Authenticated,
        dialog: &Map<String, Value>,
    ) -> Result<(String, Vec<Seat>), Cause> {
        let authority = &self.app.authority;
        let reachable = if who.identity.kind == IdentityKind::Guest {
            authority.reach_target(ctx, who).await
        } else {
            let dialled = dialog.get("destination_number").and_then(Value::as_str).unwrap_or_default();
            let sip = who.project.policy.sip.as_ref().map(|sip| sip.domain.as_str());
            let host = authority.public_url().split("://").last().unwrap_or_default();
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            let domains: Vec<&str> = sip.into_iter().chain(["sip.telnyx.com", host]).collect();
            match Destination::read(dialled, &domains) {
                Destination::Name(name) => {
                    authority.reach(who, Identifier::of(Identifier::SIP, name)).await.map(|found| vec![found])
                }
                Destination::Elsewhere | Destination::Empty => return Err(Cause::NOBODY),
            }
        };
        let reachable = reachable.map_err(|refusal| cause_of(&refusal))?;
        let Some(name) = reachable.first().map(|found| found.name.clone()) else { return Err(Cause::ABSENT) };
        let identities = reachable.iter().map(|found| found.identity);
        let seats: Vec<Seat> = identities.flat_map(|identity| self.seats_of(line, ctx, identity)).collect();
        if seats.is_empty() { Err(Cause::ABSENT) } else { Ok((name, seats)) }
    }

    /// The sockets of an identity that ring; never the one that calls.
    fn seats_of(&self, line: &Line, ctx: &Ctx, identity: IdentityId) -> Vec<Seat> {
        let reached = line.live().reached(identity, ctx.dialect).into_iter();
        let others = reached.filter(|connection| connection.id() != line.connection().id());
        others.filter_map(|connection| self.switchboard.seat(connection.id())).collect()
    }

    fn invitation(&self, who: &Authenticated, call: &str, callee: String, params: &Map<String, Value>) -> Invitation {
        let dialog = dialog(params);
        let text = |name: &str| dialog.get(name).and_then(Value::as_str).unwrap_or_default();
        // What somebody calls itself is its own affair; the number is whom we know it to be.
        let number =
            who.endpoint.as_ref().map_or_else(|| "anonymous".to_owned(), |endpoint| endpoint.user_name.clone());
        let conversation = self.seat.as_ref().and_then(|seated| seated.conversation.as_deref());
        Invitation {
            call: call.to_owned(),
            sdp: params.get("sdp").cloned().unwrap_or_default(),
            caller_name: text("caller_id_name").chars().take(MOST_TEXT).collect(),
            caller_number: number,
            callee_name: callee,
            headers: headers(dialog, conversation),
            trickle: params.get("trickle") == Some(&Value::Bool(true)),
        }
    }

    /// The socket is lost: the calls of its session wait for a while.
    fn lose(&self, seat: &Seat) {
        let (clock, switchboard) = (Arc::clone(self.app.authority.clock()), Arc::clone(&self.switchboard));
        let (session, until) = (seat.sessid, clock.now() + GRACE);
        if !switchboard.detach(session, seat.connection.id(), until) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                clock.sleep_until(until).await;
                // One that came back and was lost again has longer.
                switchboard.drop_calls(session, |leg| leg.is_given_up(until), Cause::LOST);
            });
        }
    }
}

impl Drop for TelnyxConversation {
    fn drop(&mut self) {
        if let Some(seated) = self.seat.take() {
            self.switchboard.leave(seated.seat.connection.id());
            self.lose(&seated.seat);
        }
    }
}

fn dialog(params: &Map<String, Value>) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    params.get("dialogParams").and_then(Value::as_object).unwrap_or(&NONE)
}

/// The caller's headers, without those that only we may set, and ours.
fn headers(dialog: &Map<String, Value>, conversation: Option<&str>) -> Vec<Value> {
    let given = dialog.get("custom_headers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |header: &&Value| header.get("name").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let theirs = given.iter().filter(|header| named(header).is_some_and(|name| !name.starts_with(OUR_HEADERS)));
    let ours = conversation.map(|id| json!({ "name": "X-Ringfence-Conversation", "value": id }));
    theirs.take(MOST_HEADERS).cloned().chain(ours).collect()
}

/// How a call ends that was refused before it rang.
fn cause_of(refusal: &AuthError) -> Cause {
    log_refusal(refusal);
    match refusal {
        AuthError::NotFound(_) => Cause::NOBODY,
        AuthError::IdentitySuspended | AuthError::Disabled(_) => Cause::ABSENT,
        AuthError::Unavailable { .. } | AuthError::Internal(_) => Cause::FAILED,
        _ => Cause::REJECTED,
    }
}
