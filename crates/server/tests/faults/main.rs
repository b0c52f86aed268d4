//! The running program while something around it is broken; what its users see of it is told in docs/faults.md.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod crowd;
mod disk;
mod flood;
mod killed;
mod mail;
mod scene;
