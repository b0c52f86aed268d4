//! The outbox: security events for other servers, written in the transaction of what they tell of.
//!
//! Readers get them as security event tokens (RFC 8417) with the event types of CAEP 1.0. An event is stored first and placed
//! later: places are given one after the other, after the commit, so that whoever has read up to a place has missed nothing
//! below it. Sessions that run out by themselves are not told of: their tokens end no later.

use std::{fmt, str::FromStr, time::Duration};

use serde_json::{Map, Value};

use crate::{
    ids::{EventId, IdentityId, ProjectId, SessionId},
    project::ProjectPolicy,
    store::StoreResult,
    time::Timestamp,
};

/// Rows are kept at least so long, for webhooks that are tried again and replayed.
const KEPT_AT_LEAST: Duration = Duration::from_hours(72);
/// And so much longer than the longest token, for clocks that differ.
const MARGIN: Duration = Duration::from_hours(1);

/// What happened, by its name in CAEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A session ended before its time, or all of a user that began before.
    SessionRevoked,
    /// A password was replaced.
    CredentialChange,
    /// Tokens issued before say something that no longer holds.
    TokenClaimsChange,
    /// The user proves more than before, or less.
    AssuranceLevelChange,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::SessionRevoked, Self::CredentialChange, Self::TokenClaimsChange, Self::AssuranceLevelChange];

    /// The last part of its type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange => "credential-change",
            Self::TokenClaimsChange => "token-claims-change",
            Self::AssuranceLevelChange => "assurance-level-change",
        }
    }

    /// Reads the last part of a type.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// One session.
    Session(SessionId),
    /// A user, by the whole.
    Identity(IdentityId),
}

/// What a unit of work wants told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What happened.
    pub kind: EventKind,
    /// To whom.
    pub subject: EventSubject,
    /// What its type has beside the time.
    pub detail: Map<String, Value>,
}

/// An event on its way into the outbox; session and identity know their project.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id, the `jti` of its token.
    pub id: EventId,
    /// What is told.
    pub told: Told,
    /// When it happened: the moment of the request.
    pub occurred_at: Timestamp,
    /// When it was written.
    pub stored_at: Timestamp,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEvent {
    /// Its id, the `jti` of its token.
    pub id: EventId,
    /// Its project.
    pub project: ProjectId,
    /// What happened.
    pub kind: EventKind,
    /// The session that ended, if it is about one.
    pub session: Option<SessionId>,
    /// The user.
    pub identity: IdentityId,
    /// What its type has beside the time.
    pub detail: Map<String, Value>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was written.
    pub stored_at: Timestamp,
}

/// A place among the placed events. Its text is opaque to readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub i64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if hex { i64::from_str_radix(text, 16).map(Self).map_err(drop) } else { Err(()) }
    }
}

/// How far placing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// The last place that was given.
    pub placed: Place,
    /// Whether some events have none yet.
    pub waiting: bool,
    /// Whether a webhook waits for events.
    pub webhooks: bool,
}

/// How long events of a project are kept: as long as a token may live that was issued before one.
pub fn kept_for(policy: &ProjectPolicy) -> Duration {
    policy.tokens.access.duration().max(policy.tokens.refresh.duration()).max(KEPT_AT_LEAST) + MARGIN
}

/// Storage of the outbox.
pub trait OutboxStore {
    /// Adds an event. What it is about exists.
    fn append_event(&mut self, event: &NewEvent) -> StoreResult<()>;
    /// How far placing has come.
    fn outbox_state(&mut self) -> StoreResult<OutboxState>;
    /// Places up to `limit` events in order of id and reports how many. Of several callers, one at a time does.
    fn place_events(&mut self, limit: u32) -> StoreResult<u64>;
    /// Placed events of a project after a place, in order, but those written before `since`.
    fn events_after(
        &mut self,
        project: ProjectId,
        after: Place,
        since: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(Place, OutboxEvent)>>;
    /// An event by id.
    fn event(&mut self, id: EventId) -> StoreResult<Option<OutboxEvent>>;
    /// The last place of a project that was removed.
    fn events_forgotten_to(&mut self, project: ProjectId) -> StoreResult<Place>;
    /// Projects with events written before `before`.
    fn projects_with_events(&mut self, before: Timestamp) -> StoreResult<Vec<ProjectId>>;
    /// Removes up to `limit` placed events of a project written before `before`, and reports how many.
    fn sweep_events(&mut self, project: ProjectId, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_nothing_else_does() {
        assert_eq!(Place(255).to_string().parse(), Ok(Place(255)));
        for text in ["", "ff", "00000000000000FF", "+0000000000000ff", "ffffffffffffffff", "00000000000000ff0"] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
    }

    #[test]
    fn events_outlive_every_token_of_their_project() {
        let mut policy = ProjectPolicy::default();
        policy.tokens.refresh = crate::project::Span::days(90);
        assert!(kept_for(&policy) > Duration::from_hours(24 * 90));
    }
}
