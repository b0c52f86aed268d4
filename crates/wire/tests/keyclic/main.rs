//! Keyclic, black-box: requests as its libraries send them, whole bodies as they read them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod accounts;
mod attacks;
mod coverage;
mod forward_auth;
mod links;
mod requests;
mod server;
mod timing;
mod tokens;
