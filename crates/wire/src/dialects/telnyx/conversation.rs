//! The conversation with a voice SDK as a state machine (sheet, section 3): frames in, frames out.

use std::sync::Arc;

use async_trait::async_trait;
use ringfence_core::{context::Ctx, error::AuthError, ids::ConnectionId};
use serde_json::{Map, Value, json};

use super::{
    calls::{Relayed, Seat, Switchboard},
    frames::{self, CallResult, Cause, ClientReady, GatewayState, LoggedIn},
    login::{self, Admitted},
    refusal::{self, Answer},
    voice::VoiceId,
};
use crate::{
    app::App,
    jsonrpc::{INVALID_PARAMS, Id, Incoming, METHOD_NOT_FOUND, Malformed},
    live::{Directive, Line},
    problem::log_refusal,
    pump::{Conversation, Step},
};

/// What is said to anything but a login before one. The SDK logs in anew upon it, so nothing else may be answered so.
const AUTHENTICATION_REQUIRED: i64 = -32000;

/// One side of a socket.
pub(super) struct TelnyxConversation {
    pub(super) app: App,
    pub(super) switchboard: Arc<Switchboard>,
    pub(super) voice: VoiceId,
    connection: ConnectionId,
    pub(super) seat: Option<Box<Seated>>,
}

/// Who sits here.
pub(super) struct Seated {
    pub(super) seat: Seat,
    /// The session whose life decides; `seat.sessid` is only its name.
    pub(super) session: ringfence_core::ids::SessionId,
    /// The conversation that a guest goes on with.
    pub(super) conversation: Option<String>,
}

/// A request being answered.
pub(super) struct Asked {
    pub(super) id: Option<Id>,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

#[async_trait]
impl Conversation for TelnyxConversation {
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step {
        match Incoming::parse(text) {
            Ok(Incoming::Request { id, method, params }) => self.asked(line, ctx, Asked { id, method, params }).await,
            Ok(Incoming::Answer { id, result }) => {
                if let (Id::Number(id), Some(seated)) = (id, &self.seat) {
                    self.switchboard.acknowledged(&seated.seat, id, result.as_ref());
                }
                Step::nothing()
            }
            // A speed test of the SDK, which expects no answer from here.
            Err(_) if text.starts_with("#SP") => Step::nothing(),
            Err(Malformed { code, id }) => Step::send(frames::failure(id.as_ref(), code, "Invalid request")),
        }
    }

    fn on_directive(&mut self, _line: &Line, directive: &Directive) -> Step {
        match directive {
            Directive::Tick => {
                let ping = self.switchboard.next_request();
                Step::send(frames::request(ping, "telnyx_rtc.ping", json!({}), &self.voice))
            }
            Directive::Ended(_) => {
                self.stand_up(Cause::REJECTED);
                // Not a punt, which would send the SDK away without a word: it comes back, is refused and says so (row 3.6).
                Step::close(1008, "session ended")
            }
            // A displaced device is not told (sheet, 3.9), nothing on this wire says how long a session has left, and the codes
            // of good-byes are not looked at (3.8).
            Directive::TakenOver
            | Directive::ExpiresIn(_)
            | Directive::Deliver(_)
            | Directive::Draining { .. }
            | Directive::CutOff { .. }
            | Directive::Overdue
            | Directive::Silent
            | Directive::Flooding
            | Directive::Guessing
            | Directive::TooSlow
            | Directive::Stuck => Step::nothing(),
        }
    }
}

impl TelnyxConversation {
    pub(super) fn new(app: App, switchboard: Arc<Switchboard>, voice: VoiceId, line: &Line) -> Self {
        Self { app, switchboard, voice, connection: line.connection().id(), seat: None }
    }

    async fn asked(&mut self, line: &mut Line, ctx: &Ctx, asked: Asked) -> Step {
        match (asked.method.as_str(), &self.seat) {
            ("login" | "anonymous_login", _) => self.log_in(line, ctx, asked).await,
            // Also before a login: it says nothing about anybody, and -32000 would cost a login.
            ("telnyx_rtc.ping", _) => match &asked.id {
                // Android sends our own ping back, number and all, as its pong.
                Some(Id::Number(_)) => Step::nothing(),
                id => self.answer(id.as_ref(), json!({})),
            },
            (_, None) => self.fail(&asked, AUTHENTICATION_REQUIRED, "Authentication Required"),
            ("telnyx_rtc.gatewayState", Some(seated)) => {
                self.answer(asked.id.as_ref(), GatewayState::registered(seated.seat.sessid))
            }
            ("telnyx_rtc.invite", Some(_)) => self.invite(line, ctx, asked).await,
            (method, Some(seated)) if method.starts_with("telnyx_rtc.") => match call_of(&asked.params) {
                Some(call) => {
                    let relayed = self.switchboard.relay(&seated.seat, asked.id.as_ref(), method, &call, asked.params);
                    self.relayed(asked.id.as_ref(), &call, &seated.seat, &relayed)
                }
                None => self.fail(&asked, METHOD_NOT_FOUND, "Method not found"),
            },
            (_, Some(_)) => self.fail(&asked, METHOD_NOT_FOUND, "Method not found"),
        }
    }

    pub(super) fn answer(&self, id: Option<&Id>, result: impl serde::Serialize) -> Step {
        id.map_or_else(Step::nothing, |id| Step::send(frames::answer(id, result, &self.voice)))
    }

    #[expect(clippy::unused_self, reason = "reads like the other answers")]
    pub(super) fn fail(&self, asked: &Asked, code: i64, message: &'static str) -> Step {
        asked.id.as_ref().map_or_else(Step::nothing, |id| Step::send(frames::failure(Some(id), code, message)))
    }

    fn relayed(&self, id: Option<&Id>, call: &str, seat: &Seat, relayed: &Relayed) -> Step {
        let result = |message, hold| CallResult { call, message, hold, sessid: seat.sessid };
        let failure = |code, message| id.map(|id| Step::send(frames::failure(Some(id), code, message)));
        match relayed {
            Relayed::Done(message) => self.answer(id, result(message, None)),
            Relayed::Hold(state) => self.answer(id, result("CALL MODIFIED", Some(state))),
            Relayed::Later => Step::nothing(),
            Relayed::NoCall => failure(INVALID_PARAMS, "No such call").unwrap_or_default(),
            Relayed::Unknown => failure(METHOD_NOT_FOUND, "Method not found").unwrap_or_default(),
        }
    }

    /// A login, also one that renews another on the same socket (sheet, 3.5).
    async fn log_in(&mut self, line: &mut Line, ctx: &Ctx, mut asked: Asked) -> Step {
        let remembered = asked.params.remove("sessid");
        let params = std::mem::take(&mut asked.params);
        let (authority, project) = (Arc::clone(&self.app.authority), self.app.project());
        let judged = match asked.method.as_str() {
            "login" => login::by_credential(&authority, ctx, project, params).await,
            _ => login::by_target(&authority, ctx, project, params, &self.voice).await,
        };
        let admitted = match judged {
            Ok(admitted) => line.admit(ctx, &admitted.who, login::inbound(&admitted.who)).await.map(|()| admitted),
            Err(refusal) => Err(refusal),
        };
        let seated = match admitted {
            Ok(admitted) => self.sit_down(line, admitted, remembered.as_ref().and_then(Value::as_str)).await,
            Err(refusal) => Err(refusal),
        };
        match seated {
            Ok(greeting) => self.welcome(&asked, greeting),
            Err(refusal) => self.refuse(line, &asked, &refusal),
        }
    }

    fn refuse(&mut self, line: &mut Line, asked: &Asked, refusal: &AuthError) -> Step {
        log_refusal(refusal);
        match refusal::answer(refusal) {
            Answer::Error(code, message) => {
                line.refused();
                self.fail(asked, code, message)
            }
            Answer::TryAgain => Step::close(1013, "try again later"),
        }
    }

    /// Gives the socket to whoever was admitted. Returns the calls that are still there for a socket that has come back, and
    /// nothing for one that was logged in already.
    async fn sit_down(
        &mut self,
        line: &Line,
        admitted: Admitted,
        remembered: Option<&str>,
    ) -> Result<Option<ClientReady>, AuthError> {
        let Admitted { who, voice, conversation } = admitted;
        let session = who.session.as_ref().map(|session| session.id);
        let session = session.ok_or(AuthError::NotFound(ringfence_core::error::Noun::Session))?;
        let same = self.seat.as_ref().filter(|seated| seated.seat.identity == who.identity.id);
        let (sessid, came_back) = match same {
            Some(seated) => (seated.seat.sessid, false),
            None => login::sessid(&self.app.authority, &who, remembered).await?,
        };
        let first = self.seat.is_none();
        if same.is_none() {
            // Somebody else sits here from now on, and calls are not handed over.
            self.stand_up(Cause::NORMAL);
        }
        self.voice = voice.unwrap_or_else(|| self.voice.clone());
        let connection = Arc::clone(line.connection());
        let seat = Seat { connection, sessid, identity: who.identity.id, voice: self.voice.clone() };
        self.switchboard.sit(seat.clone());
        let reattached_sessions = if came_back { self.switchboard.reattach(&seat) } else { Vec::new() };
        self.seat = Some(Box::new(Seated { seat, session, conversation }));
        // With an empty list the SDK ends the calls that it has, so a renewal says nothing (sheet, row 5).
        Ok(first.then_some(ClientReady { reattached_sessions }))
    }

    fn welcome(&self, asked: &Asked, greeting: Option<ClientReady>) -> Step {
        let Some(seated) = &self.seat else { return Step::nothing() };
        let mut step = self.answer(asked.id.as_ref(), LoggedIn::of(seated.seat.sessid));
        if let Some(ready) = greeting {
            let id = self.switchboard.next_request();
            step.send.push(frames::request(id, "telnyx_rtc.clientReady", ready, &self.voice));
        }
        step
    }

    /// Gives up the seat and ends its calls.
    fn stand_up(&mut self, cause: Cause) {
        let Some(seated) = self.seat.take() else { return };
        let connection = self.connection;
        self.switchboard.leave(connection);
        self.switchboard.drop_calls(seated.seat.sessid, |leg| leg.is_held_by(connection), cause);
    }
}

/// The call that a message is about.
pub(super) fn call_of(params: &Map<String, Value>) -> Option<String> {
    let dialog = params.get("dialogParams").and_then(|dialog| dialog.get("callID"));
    let call = dialog.or_else(|| params.get("callID"))?.as_str()?;
    (!call.is_empty() && call.len() <= 64).then(|| call.to_owned())
}
