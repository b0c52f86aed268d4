//! cargo-deny: what may be depended on. The rules are in deny.toml.

use std::process::Command;

use anyhow::Result;

use crate::{
    process::{capture, run},
    tools::CARGO_DENY,
};

/// Checks licences, bans and sources always, and advisories where their database can be fetched.
pub fn check() -> Result<()> {
    let program = CARGO_DENY.ready()?;
    let deny = || Command::new(&program);
    run(deny().args(["--locked", "check", "licenses", "bans", "sources"]))?;
    if capture(deny().args(["fetch", "db"])).is_err() {
        println!("advisories: NOT CHECKED, the database cannot be fetched from here");
        return Ok(());
    }
    run(deny().args(["--locked", "check", "advisories"]))
}
