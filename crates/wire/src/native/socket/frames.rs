//! Frames, as `docs/socket.md` has them.

use ringfence_core::{ids::IdentityId, secret::RawToken};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::goodbye::Action;

/// What a client says.
#[derive(Debug)]
pub(super) enum Said {
    /// Who it is.
    Authenticate(RawToken),
    /// It was here before.
    Resume(RawToken),
    /// What it goes by from now on.
    Update(RawToken),
    /// It asks who is connected.
    PresenceOf(Vec<IdentityId>),
    /// It wants to do something that matters.
    Action(String),
    Ping,
    Pong,
}

/// A frame of a client: what it says, and the name that the answer bears.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) id: Option<String>,
    pub(super) said: Result<Said, &'static str>,
}

#[derive(Deserialize)]
struct WithToken {
    token: RawToken,
}

#[derive(Deserialize)]
struct WithTicket {
    ticket: RawToken,
}

#[derive(Deserialize)]
struct Question {
    identities: Vec<IdentityId>,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
}

/// Longer names of frames are not repeated.
const LONGEST_ID: usize = 64;
/// People asked about at once.
const MOST_IDENTITIES: usize = 50;
/// The longest name of an action.
const LONGEST_NAME: usize = 64;

impl Incoming {
    pub(super) fn read(text: &str) -> Self {
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
            return Self { id: None, said: Err("malformed") };
        };
        let id = match members.remove("id") {
            Some(Value::String(id)) if id.len() <= LONGEST_ID => Some(id),
            _ => None,
        };
        let kind = members.remove("type");
        let said = match kind.as_ref().and_then(Value::as_str).unwrap_or_default() {
            "authenticate" => member(members).map(|WithToken { token }| Said::Authenticate(token)),
            "resume" => member(members).map(|WithTicket { ticket }| Said::Resume(ticket)),
            "token.update" => member(members).map(|WithToken { token }| Said::Update(token)),
            "presence.query" => member(members)
                .and_then(|Question { identities }| {
                    let few = (1..=MOST_IDENTITIES).contains(&identities.len());
                    few.then_some(identities).ok_or("invalid")
                })
                .map(Said::PresenceOf),
            "action" => member(members)
                .and_then(|Wanted { name }| {
                    let short = (1..=LONGEST_NAME).contains(&name.len());
                    short.then_some(name).ok_or("invalid")
                })
                .map(Said::Action),
            "ping" => Ok(Said::Ping),
            "pong" => Ok(Said::Pong),
            _ => Err("unknown_type"),
        };
        Self { id, said }
    }
}

fn member<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, &'static str> {
    serde_json::from_value(Value::Object(members)).map_err(|_| "invalid")
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Frame {
    #[serde(rename = "ready")]
    Ready {
        session: String,
        identity: String,
        /// The application that the connection is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        application: Option<String>,
        /// Whether it came back with a ticket.
        resumed: bool,
        /// Whether others reach it, or another connection of the same identity.
        reached: bool,
        expires_in: u64,
        server_time: String,
        resume: Ticket,
    },
    #[serde(rename = "updated")]
    Updated { session: String, expires_in: u64, server_time: String, resume: Ticket },
    #[serde(rename = "refused")]
    Refused { code: &'static str },
    #[serde(rename = "expiring")]
    Expiring { seconds_left: u64 },
    #[serde(rename = "ticket")]
    Ticket { resume: Ticket },
    #[serde(rename = "presence")]
    Presence { identities: Vec<Present> },
    #[serde(rename = "granted")]
    Granted { name: String, expires_in: u64 },
    #[serde(rename = "step_up_required")]
    StepUpRequired { name: String, acr: &'static str, max_age: u64 },
    #[serde(rename = "taken_over")]
    TakenOver,
    #[serde(rename = "closing")]
    Closing { code: u16, reason: &'static str, action: Action, after_ms: u64 },
    #[serde(rename = "ping")]
    Ping,
    #[serde(rename = "pong")]
    Pong,
    #[serde(rename = "error")]
    Error { code: &'static str },
}

/// A way to come back.
#[derive(Debug, Serialize)]
pub(super) struct Ticket {
    pub(super) ticket: String,
    pub(super) expires_in: u64,
}

/// Somebody who was asked about.
#[derive(Debug, Serialize)]
pub(super) struct Present {
    pub(super) id: String,
    pub(super) online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
}

#[derive(Serialize)]
struct Numbered<'a> {
    #[serde(flatten)]
    frame: &'a Frame,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

impl Frame {
    /// The text of the frame with this number, as an answer to `id`.
    pub(super) fn text(&self, seq: u64, id: Option<&str>) -> String {
        serde_json::to_string(&Numbered { frame: self, seq, id }).expect("frames are JSON")
    }
}
