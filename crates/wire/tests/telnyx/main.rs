//! The REST face of Telnyx, from outside: whole answers, in the clients' words.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod attacks;
mod connections;
mod credentials;
mod lists;
mod support;
mod token;
