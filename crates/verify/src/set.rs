//! Security event tokens (RFC 8417): what the server says that happened, signed like its access tokens.

use serde_json::Value;

use crate::{
    claims::{Moment, time},
    jose::{Members, text},
    refusal::Refusal,
    revoked::Name,
};

/// The `typ` of security event tokens.
pub const TYPE: &str = "secevent+jwt";

/// Where the kinds of events live (CAEP 1.0 3).
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose tokens are to be refused.
    pub whom: Whom,
    /// When it happened.
    pub at: Moment,
    /// From when on tokens are refused for it: not before `at`.
    pub from: Moment,
}

/// The member of an event that says until when tokens of before still count, where these have to be replaced first.
const UNTIL: &str = "old_tokens_until";

/// Whose tokens an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A session that ended: all of its tokens.
    Session(Name),
    /// A subject about whom something changed: the tokens of before.
    Subject(Name),
}

impl Event {
    /// Reads the claims of a security event token whose signature was verified: what it has for us, which may be nothing.
    pub fn read(claims: &Members, issuer: &str) -> Result<Vec<Self>, Refusal> {
        if text(claims, "iss")? != Some(issuer) {
            return Err(Refusal::Issuer);
        }
        let issued_at = time(claims, "iat")?.ok_or(Refusal::Claims)?;
        let subject = claims.get("sub_id").ok_or(Refusal::Claims)?;
        let events = claims.get("events").and_then(Value::as_object).ok_or(Refusal::Claims)?;
        let read = |(kind, detail): (&String, &Value)| {
            let detail = detail.as_object().ok_or(Refusal::Claims)?;
            let at = time(detail, "event_timestamp")?.unwrap_or(issued_at);
            let ended = kind.strip_prefix(CAEP) == Some("session-revoked");
            // What ended is over at once, whatever else is said.
            let until = if ended { None } else { time(detail, UNTIL)? };
            Ok(Self { whom: whom(subject, issuer, ended)?, at, from: until.unwrap_or(at).max(at) })
        };
        let counting = events.iter().filter(|(kind, detail)| counts(kind, detail));
        counting.map(read).collect()
    }
}

/// Whether tokens are refused for an event of this kind.
///
/// One that we do not know is taken for a change of its subject: refusing too much has a remedy, a new token.
fn counts(kind: &str, detail: &Value) -> bool {
    match kind.strip_prefix(CAEP) {
        // Which sessions end with a credential, the server says beside it.
        Some("credential-change") => false,
        // Who proves more than before still has what older tokens say.
        Some("assurance-level-change") => detail["change_direction"] != "increase",
        _ => true,
    }
}

/// Reads a subject identifier (RFC 9493): a session with its user, or a user.
fn whom(subject: &Value, issuer: &str, ended: bool) -> Result<Whom, Refusal> {
    let member = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let is = |of: &Value, format: &str| member(of, "format").is_some_and(|said| said == format);
    if is(subject, "complex") {
        if let Some(session) = subject.get("session").filter(|session| ended && is(session, "opaque")) {
            return member(session, "id").map(|id| Whom::Session(Name::of(&id))).ok_or(Refusal::Claims);
        }
        return whom(subject.get("user").ok_or(Refusal::Claims)?, issuer, false);
    }
    if !is(subject, "iss_sub") || member(subject, "iss").as_deref() != Some(issuer) {
        return Err(Refusal::Claims);
    }
    member(subject, "sub").map(|sub| Whom::Subject(Name::of(&sub))).ok_or(Refusal::Claims)
}
