//! parse-server (Apache-2.0): guests and their sessions, on the PostgreSQL of the run.

use std::process::Command;

use anyhow::Context as _;

use super::{Operation, Ours, Peer, Place, install};
use crate::{
    postgres,
    process::{Program, free_address},
    wrk::{NUMBER, Request},
};

const PACKAGES: &[&str] = &["parse-server@9.10.0"];
const PROGRAM: &str = include_str!("../../peers/parse-server.mjs");
/// The name of its application.
const APPLICATION: (&str, &str) = ("X-Parse-Application-Id", "bench");

pub(super) fn start(place: &Place<'_>, ours: &Ours) -> anyhow::Result<Peer> {
    let beside = place.postgres.context("it needs PostgreSQL: name one by --postgres")?;
    let home = install::npm(place.cache, "parse-server", PACKAGES, PROGRAM)?;
    let address = free_address()?;
    let mut command = Command::new("node");
    command.current_dir(home).arg("server.mjs").env("PORT", address.port().to_string());
    command.env("DATABASE", postgres::database(beside, "parse_server")?).env("NODE_ENV", "production");
    let program = Program::start(&mut command, address, &place.folder.join("parse-server.log"))?;
    let body = format!("{{\"authData\":{{\"anonymous\":{{\"id\":\"{NUMBER}\"}}}}}}");
    let guest = program.post_with("/parse/users", &[APPLICATION], &body)?;
    let session = guest["sessionToken"].as_str().context("it signs in a guest")?;
    let (name, value) = APPLICATION;
    let ask = |method, path, body: &str| Request::new(method, path, body).with(name, value);
    let me = ask("GET", "/parse/users/me", "").with("X-Parse-Session-Token", session);
    Ok(Peer {
        program,
        operations: vec![
            Operation { what: "guest sign-in", theirs: ask("POST", "/parse/users", &body), ours: ours.guest.clone() },
            Operation { what: "who shows this token", theirs: me, ours: ours.verify.clone() },
        ],
    })
}
