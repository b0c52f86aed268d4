//! Others of our kind on the same machine, slice by slice beside us: what an ordinary stack pays for the same operation.
//!
//! `npm` and `pip` put them into a folder of ours when this is run; nothing of them is part of the project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::{
    core::{Asked, Slice, ask},
    process::{Program, free_address},
    scratch::{self, APPLICATION},
    table::{self, Spread},
    wrk::Request,
};

const BETTER_AUTH: &str = include_str!("../peers/better-auth.mjs");
const FASTAPI_USERS: &str = include_str!("../peers/fastapi_users_server.py");
/// What is installed; exact, so that figures of two days compare.
const NPM: &[&str] = &["better-auth@1.7.25", "better-sqlite3@12.6.2"];
const PIP: &[&str] = &["fastapi-users[sqlalchemy]==15.0.5", "aiosqlite==0.22.1", "uvicorn==0.54.0"];

/// One operation of a peer and ours that does the same.
struct Pair {
    peer: &'static str,
    what: &'static str,
    theirs: Request,
    ours: Request,
}

/// Installs, starts, measures and prints.
pub(crate) fn run(server: &Path, cache: &Path, rounds: usize, time: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ours = scratch::serve(server, folder.path())?;
    let better_auth = better_auth(cache, folder.path())?;
    let fastapi = fastapi_users(cache, folder.path())?;
    let programs = [("better-auth (Node, SQLite)", &better_auth), ("fastapi-users (Python, SQLite)", &fastapi)];
    let pairs = pairs(&ours, &better_auth, &fastapi, programs.map(|(name, _)| name))?;
    let mut rows = Vec::new();
    for pair in &pairs {
        let (_, program) = programs.iter().find(|(name, _)| *name == pair.peer).context("a peer that runs")?;
        let mut measured: Vec<(Slice, Slice)> = Vec::new();
        for _ in 0..rounds {
            let theirs = ask(folder.path(), program, &mut Asked::Same(pair.theirs.clone()), time);
            let own = ask(folder.path(), &ours, &mut Asked::Same(pair.ours.clone()), time);
            // A void slice says nothing; the others still do.
            match (theirs, own) {
                (Ok(theirs), Ok(own)) => measured.push((theirs, own)),
                (Err(void), _) | (_, Err(void)) => eprintln!("{}, {}: {void:#}", pair.peer, pair.what),
            }
        }
        let of = |figure: &dyn Fn(&(Slice, Slice)) -> f64| Spread::of(measured.iter().map(figure).collect());
        let times = |spread: Spread| format!("{:.0} × ({:.0}–{:.0})", spread.median, spread.least, spread.most);
        rows.push(vec![
            pair.peer.to_owned(),
            pair.what.to_owned(),
            format!("{:.0}", of(&|(theirs, _)| theirs.rate).median),
            format!("{:.0}", of(&|(_, own)| own.rate).median),
            times(of(&|(theirs, own)| own.rate / theirs.rate)),
            times(of(&|(theirs, own)| theirs.micros / own.micros)),
        ]);
    }
    let header =
        ["peer", "operation", "theirs per second", "ours", "ours of theirs (min–max)", "their CPU of ours (min–max)"];
    table::print("Beside others, 64 connections", &header, &rows);
    Ok(())
}

fn pairs(ours: &Program, better: &Program, fastapi: &Program, names: [&'static str; 2]) -> anyhow::Result<Vec<Pair>> {
    let guest = json!({ "id_project": APPLICATION, "firstname": "Visitor" }).to_string();
    let path = "/tiledesk/auth/signinAnonymously";
    let token = ours.post(path, "", &guest)?["token"].as_str().context("a guest's token")?.to_owned();
    let request = |method, path: &str, authorization: &str, body: &str| Request {
        method,
        path: path.to_owned(),
        authorization: authorization.to_owned(),
        body: body.to_owned(),
        form: false,
    };
    let our_guest = request("POST", path, "none none", &guest);
    let our_verify = request("GET", "/tiledesk/testauth", &token, "");
    let session = better.post("/api/auth/sign-in/anonymous", "", "{}")?;
    let session = session["token"].as_str().context("better-auth signs in a guest")?;
    let shown = better.ask("GET", "/api/auth/get-session", &format!("Bearer {session}"), "")?;
    ensure!(shown.contains("isAnonymous"), "better-auth does not know its guest: {shown}");
    let member = fastapi.post("/bench/token", "", "{}")?;
    let member = member["access_token"].as_str().context("fastapi-users gives a token")?;
    Ok(vec![
        Pair {
            peer: names[0],
            what: "guest sign-in",
            theirs: request("POST", "/api/auth/sign-in/anonymous", "", "{}"),
            ours: our_guest,
        },
        Pair {
            peer: names[0],
            what: "who shows this token",
            theirs: request("GET", "/api/auth/get-session", &format!("Bearer {session}"), ""),
            ours: our_verify.clone(),
        },
        Pair {
            peer: names[1],
            what: "who shows this token",
            theirs: request("GET", "/users/me", &format!("Bearer {member}"), ""),
            ours: our_verify,
        },
    ])
}

fn better_auth(cache: &Path, folder: &Path) -> anyhow::Result<Program> {
    let home = cache.join("better-auth");
    fs::create_dir_all(&home)?;
    if !home.join("node_modules/better-auth").exists() {
        fs::write(home.join("package.json"), "{ \"private\": true, \"type\": \"module\" }")?;
        done(Command::new("npm").current_dir(&home).args(["install", "--no-audit", "--no-fund"]).args(NPM))?;
    }
    fs::write(home.join("server.mjs"), BETTER_AUTH)?;
    let address = free_address()?;
    let mut command = Command::new("node");
    command.current_dir(&home).arg("server.mjs").env("PORT", address.port().to_string());
    command.env("DATABASE", folder.join("better-auth.db")).env("NODE_ENV", "production");
    Program::start(&mut command, address, &folder.join("better-auth.log"))
}

fn fastapi_users(cache: &Path, folder: &Path) -> anyhow::Result<Program> {
    let home: PathBuf = cache.join("fastapi-users");
    let python = home.join("bin/python3");
    if !home.join("installed").exists() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        done(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PIP))?;
        fs::write(home.join("installed"), "")?;
    }
    fs::write(home.join("server.py"), FASTAPI_USERS)?;
    let address = free_address()?;
    let mut command = Command::new(fs::canonicalize(home.join("bin"))?.join("python3"));
    command.current_dir(&home).arg("server.py").env("PORT", address.port().to_string());
    command.env("DATABASE", folder.join("fastapi-users.db"));
    Program::start(&mut command, address, &folder.join("fastapi-users.log"))
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
