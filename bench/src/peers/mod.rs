//! Others of our kind on the same machine, slice by slice beside us: what an ordinary stack pays for the same operation.
//!
//! They are put into a folder of ours when this is run; nothing of them is part of the project. One that cannot be had is
//! said not to run, and why.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use serde_json::json;

use crate::{
    core::{Asked, Slice, ask},
    process::Program,
    quiet,
    scratch::{self, API_KEY, APPLICATION, EMAIL, NATIVE_KEY, PASSWORD},
    table::{self, Spread},
    wrk::Request,
};

mod better_auth;
mod fastapi_users;
mod glewlwyd;
mod install;
mod parse_server;

/// What to measure with.
pub(crate) struct Plan<'a> {
    /// The release binary.
    pub(crate) server: &'a Path,
    /// Where peers are installed.
    pub(crate) cache: &'a Path,
    /// A database of a PostgreSQL on which others may be made.
    pub(crate) postgres: Option<&'a str>,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// Where a peer is installed and works.
struct Place<'a> {
    cache: &'a Path,
    folder: &'a Path,
    postgres: Option<&'a str>,
}

/// A peer that runs, and what it is asked.
struct Peer {
    program: Program,
    operations: Vec<Operation>,
}

/// One operation of a peer and ours that does the same.
struct Operation {
    what: &'static str,
    theirs: Request,
    ours: Request,
}

/// The operation that takes longer than all others.
const PASSWORD_SIGN_IN: &str = "password sign-in";

/// What we are asked beside them.
struct Ours {
    guest: Request,
    verify: Request,
    mint: Request,
    introspect: Request,
    password: Request,
}

type Start = fn(&Place<'_>, &Ours) -> anyhow::Result<Peer>;

const PEERS: &[(&str, Start)] = &[
    ("better-auth (Node, SQLite)", better_auth::start),
    ("fastapi-users (Python, SQLite)", fastapi_users::start),
    ("parse-server (Node, PostgreSQL)", parse_server::start),
    ("glewlwyd (C, SQLite)", glewlwyd::start),
];
/// Peers that no registry gives us.
const ABSENT: &[(&str, &str)] = &[
    ("Rauthy (Rust)", "it is not published as a crate"),
    (
        "Tiledesk's own server (Node)",
        "its package depends on a version of @tiledesk/tiledesk-tybot-connector that is not published, and on MongoDB, which Debian has no more",
    ),
];

/// Installs, starts, measures and prints, one peer after the other.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let program = scratch::serve(plan.server, folder.path())?;
    let ours = ours(&program)?;
    let place = Place { cache: plan.cache, folder: folder.path(), postgres: plan.postgres };
    let mut rows = Vec::new();
    for (name, start) in PEERS {
        match start(&place, &ours) {
            Ok(peer) => {
                let measured = peer.operations.iter().map(|operation| beside(plan, &place, operation, &peer, &program));
                rows.extend(measured.map(|cells| [vec![(*name).to_owned()], cells].concat()));
            }
            Err(reason) => rows.push(absent(name, &format!("{reason:#}"))),
        }
    }
    rows.extend(ABSENT.iter().map(|(name, reason)| absent(name, reason)));
    let header =
        ["peer", "operation", "theirs per second", "ours", "ours of theirs (min–max)", "their CPU of ours (min–max)"];
    table::print("Beside others, 64 connections", &header, &rows);
    Ok(())
}

/// A row of a peer that does not run. Reasons may be long; the first line says what is missing.
fn absent(name: &str, reason: &str) -> Vec<String> {
    let line = reason.lines().next().unwrap_or_default().replace('|', "/");
    let mut row = vec![name.to_owned(), format!("not run: {}", line.chars().take(200).collect::<String>())];
    row.resize(6, String::new());
    row
}

/// Measures one operation on both sides; what they cannot answer is said instead of figures.
fn beside(plan: &Plan<'_>, place: &Place<'_>, operation: &Operation, peer: &Peer, ours: &Program) -> Vec<String> {
    let what = operation.what;
    let slice = |program: &Program, request: &Request| {
        let mut asked = Asked::Same(request.clone());
        // Sixty-four who wait for a hash need longer until the first of them has one.
        let time = if what == PASSWORD_SIGN_IN { plan.time * 4 } else { plan.time };
        quiet::slice(&format!("peers, {what}"), || ask(place.folder, program, &mut asked, time))
    };
    let mut measured: Vec<(Slice, Slice)> = Vec::new();
    for _ in 0..plan.rounds {
        // A void slice says nothing; the others still do.
        match (slice(&peer.program, &operation.theirs), slice(ours, &operation.ours)) {
            (Ok(theirs), Ok(own)) => measured.push((theirs, own)),
            (Err(void), _) | (_, Err(void)) => eprintln!("{what}: {void:#}"),
        }
    }
    if measured.is_empty() {
        return [&[what, "void in each round"][..], &[""; 3]].concat().into_iter().map(str::to_owned).collect();
    }
    let of = |figure: &dyn Fn(&(Slice, Slice)) -> f64| Spread::of(measured.iter().map(figure).collect());
    let times = |spread: Spread| format!("{:.0} × ({:.0}–{:.0})", spread.median, spread.least, spread.most);
    vec![
        what.to_owned(),
        format!("{:.0}", of(&|(theirs, _)| theirs.rate).median),
        format!("{:.0}", of(&|(_, own)| own.rate).median),
        times(of(&|(theirs, own)| own.rate / theirs.rate)),
        times(of(&|(theirs, own)| theirs.micros / own.micros)),
    ]
}

fn ours(program: &Program) -> anyhow::Result<Ours> {
    let guest = json!({ "id_project": APPLICATION, "firstname": "Visitor" }).to_string();
    let path = "/tiledesk/auth/signinAnonymously";
    let token = program.post(path, "", &guest)?["token"].as_str().context("a guest's token")?.to_owned();
    let application = json!({ "application": NATIVE_KEY }).to_string();
    let native = program.post("/api/v1/guests", "", &application)?;
    let native = native["access_token"].as_str().context("a guest's token")?;
    let password = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let mint = "/tiledesk/chat21/native/auth/createCustomToken";
    Ok(Ours {
        guest: Request::new("POST", path, &guest),
        verify: Request::new("GET", "/tiledesk/testauth", "").with("Authorization", &token),
        mint: Request::new("POST", mint, "{}").with("Authorization", &token),
        introspect: Request::form("/api/v1/introspect", &format!("token={native}")).bearer(API_KEY),
        password: Request::new("POST", "/tiledesk/auth/signin", &password),
    })
}
