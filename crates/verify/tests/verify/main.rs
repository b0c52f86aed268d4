//! The verifier from outside: tokens by the numbers of the attack catalogue, and the feed with clocks moved by hand.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod feed;
mod stage;
mod tokens;
