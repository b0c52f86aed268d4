//! The native API, from outside: whole answers.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod accounts;
mod administration;
mod assertions;
mod attacks;
mod browsers;
mod description;
mod events;
mod once;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod world;
