//! Passwords: what a new one must be, how it is kept, and who may use the processor for it.
//!
//! `rules` and `common` judge new passwords. `hash` is the stored text, `stored` reads the schemes it may be in, `cost`
//! is Argon2id with its memory. `queue` and `pool` are the jobs and the threads that do them, `hasher` is what the rest
//! of the domain calls.

mod common;
mod cost;
mod hash;
mod hasher;
mod pool;
mod queue;
mod rules;
mod stored;

pub use cost::Argon2Params;
pub use hash::PasswordHash;
pub use hasher::{HasherConfig, PasswordHasher, Verdict};
pub use queue::{HasherStats, Overloaded};
pub use rules::{NormalizedPassword, PasswordPolicy};
