//! fastapi-users (MIT): JWT of members.

use std::process::Command;

use anyhow::Context as _;

use super::{Operation, Ours, Peer, Place, install};
use crate::{
    process::{Program, free_address},
    wrk::Request,
};

const PACKAGES: &[&str] = &["fastapi-users[sqlalchemy]==15.0.5", "aiosqlite==0.22.1", "uvicorn==0.54.0"];
const PROGRAM: &str = include_str!("../../peers/fastapi_users_server.py");

pub(super) fn start(place: &Place<'_>, ours: &Ours) -> anyhow::Result<Peer> {
    let (home, python) = install::pip(place.cache, "fastapi-users", PACKAGES, PROGRAM)?;
    let address = free_address()?;
    let mut command = Command::new(python);
    command.current_dir(home).arg("server.py").env("PORT", address.port().to_string());
    command.env("DATABASE", place.folder.join("fastapi-users.db"));
    let program = Program::start(&mut command, address, &place.folder.join("fastapi-users.log"))?;
    let member = program.post("/bench/token", "", "{}")?;
    let member = member["access_token"].as_str().context("it gives a token")?;
    let theirs = Request::new("GET", "/users/me", "").bearer(member);
    Ok(Peer {
        program,
        operations: vec![Operation { what: "who shows this token", theirs, ours: ours.verify.clone() }],
    })
}
