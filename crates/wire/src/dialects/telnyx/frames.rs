//! Frames as they go out, member by member (sheet, 3.3 and 3.11).

use ringfence_core::ids::SessionId;
use serde::Serialize;
use serde_json::{Map, Value};

use super::voice::VoiceId;
use crate::jsonrpc::Id;

#[derive(Serialize)]
struct Answer<'a, R> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: R,
    voice_sdk_id: &'a str,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    id: Option<&'a Id>,
    error: Fault,
}

#[derive(Serialize)]
struct Fault {
    code: i64,
    message: &'static str,
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: i64,
    method: &'a str,
    params: P,
    voice_sdk_id: &'a str,
}

/// The result of a successful login.
#[derive(Serialize)]
pub(super) struct LoggedIn {
    message: &'static str,
    sessid: SessionId,
}

impl LoggedIn {
    pub(super) const fn of(sessid: SessionId) -> Self {
        Self { message: "logged in", sessid }
    }
}

/// The result that makes the SDK ready.
#[derive(Serialize)]
pub(super) struct GatewayState {
    params: State,
    sessid: SessionId,
}

#[derive(Serialize)]
struct State {
    state: &'static str,
}

impl GatewayState {
    pub(super) const fn registered(sessid: SessionId) -> Self {
        Self { params: State { state: "REGED" }, sessid }
    }
}

/// The result of a call message.
#[derive(Serialize)]
pub(super) struct CallResult<'a> {
    #[serde(rename = "callID")]
    pub(super) call: &'a str,
    pub(super) message: &'static str,
    #[serde(rename = "holdState", skip_serializing_if = "Option::is_none")]
    pub(super) hold: Option<&'static str>,
    pub(super) sessid: SessionId,
}

/// Calls that are still there for a session that comes back.
#[derive(Serialize)]
pub(super) struct ClientReady {
    pub(super) reattached_sessions: Vec<String>,
}

/// Why a call ends (sheet, 3.11: the SDK ends it with exactly these).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) name: &'static str,
    pub(super) code: u16,
    pub(super) sip: u16,
    pub(super) reason: &'static str,
}

impl Cause {
    pub(super) const NORMAL: Self = Self { name: "NORMAL_CLEARING", code: 16, sip: 200, reason: "OK" };
    pub(super) const ELSEWHERE: Self = Self { name: "LOSE_RACE", code: 502, sip: 487, reason: "Answered elsewhere" };
    pub(super) const LOST: Self =
        Self { name: "RECOVERY_ON_TIMER_EXPIRE", code: 102, sip: 408, reason: "Request Timeout" };
    pub(super) const NOBODY: Self = Self { name: "UNALLOCATED_NUMBER", code: 1, sip: 404, reason: "Not Found" };
    pub(super) const ABSENT: Self =
        Self { name: "SUBSCRIBER_ABSENT", code: 20, sip: 480, reason: "Temporarily Unavailable" };
    pub(super) const REJECTED: Self = Self { name: "CALL_REJECTED", code: 21, sip: 403, reason: "Forbidden" };
    pub(super) const FAILED: Self =
        Self { name: "TEMPORARY_FAILURE", code: 41, sip: 503, reason: "Service Unavailable" };

    /// The parameters of the `bye` that ends `call`.
    pub(super) fn bye(self, call: &str) -> Map<String, Value> {
        [
            ("callID", call.into()),
            ("cause", self.name.into()),
            ("causeCode", self.code.into()),
            ("sipCode", self.sip.into()),
            ("sipReason", self.reason.into()),
        ]
        .map(|(name, value): (&str, Value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }
}

fn text(frame: &impl Serialize) -> String {
    // Everything above is made of text, numbers and maps with text keys.
    serde_json::to_string(frame).expect("frames are JSON")
}

/// The answer to a request.
pub(super) fn answer(id: &Id, result: impl Serialize, voice: &VoiceId) -> String {
    text(&Answer { jsonrpc: "2.0", id, result, voice_sdk_id: voice.as_str() })
}

/// An error.
pub(super) fn failure(id: Option<&Id>, code: i64, message: &'static str) -> String {
    text(&Failure { jsonrpc: "2.0", id, error: Fault { code, message } })
}

/// A request of the server.
pub(super) fn request(id: i64, method: &str, params: impl Serialize, voice: &VoiceId) -> String {
    text(&Request { jsonrpc: "2.0", id, method, params, voice_sdk_id: voice.as_str() })
}
