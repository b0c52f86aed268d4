//! Opentact, black-box: requests as its client sends them, whole bodies as it reads them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod auth;
mod coverage;
mod schemes;
mod server;
mod sip;
mod socket;
mod users;
