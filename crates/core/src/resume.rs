//! Resume tickets: how a connection that was lost comes back although its access token has ended meanwhile.
//!
//! A ticket is sealed and stored nowhere; what is stored is that the tickets of a connection were used. So renewing them
//! costs no write, and of all tickets that a connection was given one counts, once.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    error::AuthError,
    ids::{ConnectionId, SessionId},
    store::StoreResult,
    time::Timestamp,
};

/// How long a ticket counts. A new one comes over the connection before that.
pub const TICKET_LIFE: Duration = Duration::from_mins(5);
/// How long a connection that has come back may stay without a new access token.
pub const RESUMED: Duration = Duration::from_mins(1);

/// Where a connection comes from, as far as its tickets are bound to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// The origin of the page, of a browser.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The client's network: the address, of IPv6 its /64.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub network: Option<IpAddr>,
}

/// What a ticket says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// The connection that it was given to.
    #[serde(rename = "c")]
    pub(crate) connection: ConnectionId,
    /// The session that goes on.
    #[serde(rename = "s")]
    pub(crate) session: SessionId,
    /// When the access token of the connection was issued.
    #[serde(rename = "i")]
    pub(crate) issued_at: Timestamp,
    /// When that token ends.
    #[serde(rename = "e")]
    pub(crate) token_ends: Timestamp,
    /// Whether the connection had come back itself and has shown no token since.
    #[serde(rename = "p")]
    pub(crate) provisional: bool,
    /// When the ticket ends.
    #[serde(rename = "x")]
    pub(crate) expires_at: Timestamp,
    /// Where it counts; anywhere, as far as nothing is said.
    #[serde(flatten)]
    pub(crate) only_from: Whereabouts,
}

/// Why a ticket was refused.
#[derive(Debug, thiserror::Error)]
pub enum ResumeRefusal {
    /// It, or another of the same connection, was used.
    #[error("the ticket was used")]
    Used,
    /// It was given to somebody elsewhere.
    #[error("the ticket was given out elsewhere")]
    Elsewhere,
    /// It is none, its time is over, or its session does not count any more.
    #[error(transparent)]
    Refused(#[from] AuthError),
}

impl ResumeRefusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Used => "ticket_used",
            Self::Elsewhere => "ticket_elsewhere",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

/// Storage of what was resumed.
pub trait ResumeStore {
    /// Uses up the tickets of a connection, kept until none of them counts; of concurrent callers exactly one is answered `true`.
    fn use_up_tickets(&mut self, of: ConnectionId, session: SessionId, until: Timestamp) -> StoreResult<bool>;
    /// Removes up to `limit` of what was kept until before `before`, and reports how many.
    fn sweep_used_tickets(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
