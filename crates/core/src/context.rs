//! The circumstances of one request.

use std::{fmt, net::IpAddr};

use crate::time::Timestamp;

/// What every operation knows about the request it serves.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Correlates log lines, audit entries and the `X-Request-Id` header.
    pub request_id: RequestId,
    /// The client, as the socket or a trusted proxy says; absent on the command line.
    pub address: Option<IpAddr>,
    /// The face it came through.
    pub dialect: &'static str,
    /// The preferred language of messages, BCP 47.
    pub language: Option<String>,
    /// The moment of the request: taken once.
    pub now: Timestamp,
}

/// 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
