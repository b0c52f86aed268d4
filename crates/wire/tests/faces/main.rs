//! Every face from outside: whole requests, whole answers, over the real router.
//!
//! One program for all of them: it is linked once. What reads the memory of its process stands beside it.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod apirtc;
mod bridges;
mod console;
mod coverage;
mod keyclic;
mod native;
mod opentact;
mod support;
mod telnyx;
mod tiledesk;
