//! better-auth (MIT): guests, sessions and tokens for other services.

use std::process::Command;

use anyhow::{Context as _, ensure};

use super::{Operation, Ours, Peer, Place, install};
use crate::{
    process::{Program, free_address},
    wrk::Request,
};

const PACKAGES: &[&str] = &["better-auth@1.7.25", "better-sqlite3@12.6.2"];
const PROGRAM: &str = include_str!("../../peers/better-auth.mjs");

pub(super) fn start(place: &Place<'_>, ours: &Ours) -> anyhow::Result<Peer> {
    let home = install::npm(place.cache, "better-auth", PACKAGES, PROGRAM)?;
    let address = free_address()?;
    let mut command = Command::new("node");
    command.current_dir(home).arg("server.mjs").env("PORT", address.port().to_string());
    command.env("DATABASE", place.folder.join("better-auth.db")).env("NODE_ENV", "production");
    let program = Program::start(&mut command, address, &place.folder.join("better-auth.log"))?;
    let session = program.post("/api/auth/sign-in/anonymous", "", "{}")?;
    let session = session["token"].as_str().context("it signs in a guest")?;
    let shown = program.ask("GET", "/api/auth/get-session", &format!("Bearer {session}"), "")?;
    ensure!(shown.contains("isAnonymous"), "it does not know its guest: {shown}");
    let get = |path| Request::new("GET", path, "").bearer(session);
    Ok(Peer {
        program,
        operations: vec![
            Operation {
                what: "guest sign-in",
                theirs: Request::new("POST", "/api/auth/sign-in/anonymous", "{}"),
                ours: ours.guest.clone(),
            },
            Operation { what: "who shows this token", theirs: get("/api/auth/get-session"), ours: ours.verify.clone() },
            Operation { what: "a JWT for another service", theirs: get("/api/auth/token"), ours: ours.mint.clone() },
        ],
    })
}
