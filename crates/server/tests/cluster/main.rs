//! Two nodes on one PostgreSQL: what one is told, the other knows, and what neither can be told ends in time.
//!
//! `[bus] confirm_within` is 30 seconds where nothing else is said. Tests of what happens at its end set [`WITHIN`] instead: all
//! that depends on it (how often sessions are confirmed, the lease, when sockets are given up) is a part of it or the whole.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod door;
mod faces;
mod feed;
mod nodes;
mod once;
mod outages;
mod servers;
mod speed;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;

use std::time::Duration;

/// What stands for the 30 seconds in which everything must be confirmed.
const WITHIN: Duration = Duration::from_secs(4);
/// What two busy cores may add to it.
const SLACK: Duration = Duration::from_secs(3);
/// How long anything else may take.
const DEADLINE: Duration = Duration::from_secs(30);
