//! Attacks on the running program, over the faces that its users reach it by; rows as in docs/security.md.
//!
//! | module | rows |
//! | --- | --- |
//! | `states` | every way in of every face by every state: N38, N67, N74 as far as the clock of the machine lets |
//! | `secrets` | N94 |
//! | `timing` | N75 |

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

#[path = "../support/mod.rs"]
mod support;

mod house;
mod secrets;
mod states;
mod timing;
mod ways;
