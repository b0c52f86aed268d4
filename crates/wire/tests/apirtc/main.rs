//! ApiRTC, black-box: requests as its library sends them, whole bodies as it reads them, the channel by polling.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod assertions;
mod channel;
mod cloud;
mod coverage;
mod server;
mod tokens;
